"""A failure of the loop itself, in every phase (CTRL-022, CTRL-048)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.engine import fail as fail_run
from isoloop.engine import open_state
from tests.engine.kit import (
    STARTED,
    Session,
    answer,
    call,
    calling,
    config,
    error,
    failed,
    rejected,
    started,
    stopped,
    structured,
    user,
)
from tests.engine.scenarios import SCENARIOS, check_over, play, retell

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.scenarios import Scenario

BROKE = error("internal", retryable=False)


def test_a_model_call_in_flight_is_stopped_and_keeps_what_arrived() -> None:
    """Its answer is an aborted one; the turn and the run have the error."""
    session = started()
    assert ["failure_noted"] == session.fail(BROKE)
    assert ["abort_generate"] == session.doing
    partial = answer("Hel", call("a"), stop="aborted")
    session.settle("abort_generate", stopped(partial))
    assert "failed" == session.end.outcome
    assert BROKE == session.end.error == session.events[-2].error
    assert partial == session.end.new_messages[0]
    assert "aborted" == session.end.new_messages[1].code
    check_over(session)


def test_an_attempt_that_fails_meanwhile_is_not_retried() -> None:
    """The loop is broken; it makes no further request."""
    session = started()
    session.fail(BROKE)
    session.settle("abort_generate", failed())
    assert ("failed", BROKE) == (session.end.outcome, session.end.error)


def test_open_calls_and_approvals_are_closed_wherever_they_are() -> None:
    """As by an abort; results that exist are kept."""
    session = calling(*(call(i) for i in "abcd"), given=config(scheduling="parallel"))
    session.prepare("a", "b")
    session.prepare("c", ask=True)
    session.settle("prepare_call d", rejected("d"))
    session.execute("a", "kept")
    session.settle("execute_call b", STARTED)
    session.steer()
    session.fail(BROKE)
    results = session.events[-2].tool_results
    assert [None, "aborted", "aborted", "aborted"] == [result.code for result in results]
    assert ["aborted"] == [e.resolution for e in session.events if e.type == "approval_resolved"]
    assert [user("Steer")] == session.end.undelivered
    check_over(session)


def _validating() -> Session:
    session = started(structured())
    session.answer("{}")
    return session


def _waiting() -> Session:
    session = started()
    session.settle("generate", failed())
    return session


def _aborting() -> Session:
    session = started()
    session.abort()
    return session


def _torn(session: Session, phase: str) -> Session:
    """Cut a log where it rests in a phase that is passed within a batch."""
    for length in range(len(session.log), 0, -1):
        again = retell(session.log[:length])
        if again.state.phase == phase:
            return again
    raise AssertionError(phase)


def _steered() -> Session:
    session = started()
    session.steer()
    session.answer("Hi")
    return session


def _paused() -> Session:
    session = started()
    session.answer("So", stop="pause_turn")
    return session


def _aborted() -> Session:
    session = calling(call("a"))
    session.abort()
    return session


PHASES: dict[str, Callable[[], Session]] = {
    "between": _validating,
    "ready": lambda: _torn(_steered(), "ready"),
    "generating": started,
    "stopping": _aborting,
    "waiting": _waiting,
    "calling": lambda: calling(call("a")),
    "answered": lambda: _torn(_paused(), "answered"),
    "closing": lambda: _torn(_aborted(), "closing"),
    "ending": lambda: _torn(_aborted(), "ending"),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_fails_from_every_phase(phase: str) -> None:
    """With everything closed, an abort that was asked for notwithstanding (CTRL-048)."""
    session = PHASES[phase]()
    assert phase == session.state.phase
    session.fail(BROKE)
    if session.pending:
        assert ["abort_generate"] == session.doing
        session.settle("abort_generate", stopped())
    assert ("failed", BROKE) == (session.end.outcome, session.end.error)
    check_over(session)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_run_fails_after_every_entry(scenario: Scenario) -> None:
    """Wherever a batch is torn, what is open is closed once."""
    whole = play(scenario)
    for length in range(2, len(whole.log)):
        session = retell(whole.log[:length])
        session.fail(BROKE)
        if session.pending:
            session.settle("abort_generate", stopped())
        check_over(session)
        assert ("failed", BROKE) == (session.end.outcome, session.end.error)


def test_a_second_failure_adds_nothing() -> None:
    """The first one is the one that is told."""
    session = started()
    session.fail(BROKE)
    assert [] == session.fail(error("internal", retryable=True))
    session.settle("abort_generate", stopped())
    assert BROKE == session.end.error


def test_a_failure_without_a_run_changes_nothing() -> None:
    """There is nothing to close."""
    session = Session().open()
    assert [] == session.fail(BROKE)
    assert [] == fail_run(open_state(), BROKE, session.env)


def test_no_command_is_taken_once_the_loop_broke() -> None:
    """Steering is refused as after an abort; an abort is harmless."""
    session = started()
    session.fail(BROKE)
    assert "closing" == session.refusal(session.steer)
    assert [] == session.abort()
