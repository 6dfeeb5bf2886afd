"""What a driver appends after a crash (TOOL-041, DESIGN 5)."""

from __future__ import annotations

import pytest

from tests.engine.kit import (
    STARTED,
    Session,
    call,
    calling,
    came_out,
    limits,
    started,
    stopped,
)


def test_a_call_that_may_have_run_is_closed_as_interrupted() -> None:
    """Its outcome is unknown (TOOL-041)."""
    session = calling(call("a", "write"))
    session.prepare("a")
    session.settle("execute_call a", STARTED)
    after = crashed(session)
    assert ["call_settled", "turn_ended", "turn_started"] == after.recover()
    result = after.state.messages[-1]
    assert ("interrupted", True) == (result.code, result.is_error)
    assert "The call was interrupted; its outcome is unknown." == result.content[0].text
    assert "tool_execution_end" in after.told


def test_a_repeatable_call_is_executed_again_under_its_old_key() -> None:
    """It is entered once, as far as the log is concerned (TOOL-041)."""
    session = calling(call("a", "again"))
    session.prepare("a")
    session.settle("execute_call a", STARTED)
    (before,) = session.pending
    after = crashed(session)
    assert [] == after.recover()
    assert [before] == after.pending
    assert [] == after.settle("execute_call a", STARTED)
    after.settle("execute_call a", came_out("a", name="again"))
    assert 1 == after.told.count("tool_execution_start")


def test_a_call_that_was_not_entered_is_executed() -> None:
    """`call_started` is written before the body is entered, so it has not run."""
    session = calling(call("a", "write"), call("b", "nowhere"))
    session.prepare("a", "b")
    after = crashed(session)
    assert [] == after.recover()
    assert ["execute_call a"] == after.doing


def test_a_call_of_an_unknown_tool_is_not_repeatable() -> None:
    """What says nothing about itself is not run twice."""
    session = calling(call("b", "nowhere"))
    session.prepare("b")
    session.settle("execute_call b", STARTED)
    after = crashed(session)
    after.recover()
    assert "interrupted" == after.state.messages[-1].code


def test_a_model_call_is_made_again() -> None:
    """The same effect with the same key (DESIGN 5)."""
    session = started()
    after = crashed(session)
    assert [] == after.recover()
    assert session.pending == after.pending


def test_an_abort_that_was_asked_for_before_the_crash_ends_the_run() -> None:
    """There is no model call to stop any more."""
    session = started()
    session.abort()
    after = crashed(session)
    assert [] == after.recover()
    after.settle("abort_generate", stopped())
    assert "aborted" == after.end.outcome


def test_a_torn_batch_is_completed() -> None:
    """The answer was written, the end of the run was not."""
    session = started()
    session.answer("Hi")
    after = crashed(session, length=len(session.log) - 2)
    assert [] == after.pending
    assert ["turn_ended", "run_ended"] == after.recover()
    assert session.state == after.state


def test_a_deadline_that_passed_meanwhile_counts() -> None:
    """The message was delivered, and is not answered any more (LOOP-043)."""
    session = started(limits(deadline_ms=100))
    session.steer()
    session.answer("Hi")
    after = crashed(session, length=len(session.log) - 1)
    after.now_ms += 100
    assert ["run_ended"] == after.recover()
    assert ("deadline_exceeded", []) == (after.end.outcome, after.end.undelivered)


@pytest.mark.parametrize("opened", [True, False])
def test_a_session_without_a_run_needs_nothing(*, opened: bool) -> None:
    """Neither an open nor an empty one."""
    session = Session().open() if opened else Session()
    assert [] == session.recover()


def crashed(session: Session, *, length: int | None = None) -> Session:
    """Fold a log, or what a crash left of it, into a new session."""
    after = Session(now_ms=session.now_ms)
    for entry in session.log[:length]:
        after.replay(entry)
    return after
