"""Abort, in every phase (CTRL-001 to CTRL-013)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.engine import Rejected
from tests.engine.kit import (
    STARTED,
    Session,
    answer,
    answered,
    call,
    calling,
    came_out,
    config,
    failed,
    rejected,
    started,
    stopped,
    structured,
    usage,
)

if TYPE_CHECKING:
    from isoloop.contract.message import StopReason


def test_an_abort_waits_for_what_the_model_call_still_reports() -> None:
    """The call in flight is stopped, and its partial answer is kept (CTRL-003)."""
    session = started()
    assert ["abort_requested"] == session.abort()
    assert ["abort_generate"] == session.doing
    partial = answer("Hel", stop="aborted")
    assert ["answer_received", "turn_ended", "run_ended"] == session.settle(
        "abort_generate", stopped(partial)
    )
    assert "aborted" == session.end.outcome
    assert "aborted" == session.end.stop_reason
    assert [partial] == session.end.new_messages
    assert session.end.error is None


def test_the_model_call_may_report_under_its_own_key() -> None:
    """A driver need not care which of the two keys its task began under (CTRL-003)."""
    session = started()
    key = session.pending[0].key
    session.abort()
    assert ["answer_failed", "turn_ended", "run_ended"] == session.settle_key(key, stopped())


def test_an_abort_before_any_content_leaves_a_turn_without_an_answer() -> None:
    """`turn_end` has neither message nor error (CTRL-002)."""
    session = started()
    session.abort()
    session.settle("abort_generate", stopped(usage=usage(input=3)))
    turn_end = session.events[-2]
    assert turn_end.type == "turn_end"
    assert (None, None, []) == (turn_end.message, turn_end.error, turn_end.tool_results)
    assert usage(input=3) == session.end.usage
    assert session.end.stop_reason is None


@pytest.mark.parametrize(
    "stop", ["tool_use", "end_turn", "pause_turn", "stop_sequence", "max_tokens", "refusal"]
)
@pytest.mark.parametrize("calls", [True, False])
def test_an_answer_that_wins_the_race_keeps_its_stop_reason(
    stop: StopReason, *, calls: bool
) -> None:
    """Its calls do not run, and the run is aborted all the same (CTRL-012)."""
    session = started()
    session.abort()
    parts = ["Hi", call("a")] if calls else ["Hi"]
    session.settle("abort_generate", answered(*parts, stop=stop))
    assert ("aborted", stop) == (session.end.outcome, session.end.stop_reason)
    assert calls == ("tool_result" == session.end.new_messages[-1].role)
    assert not calls or "aborted" == session.end.new_messages[-1].code


def test_a_failure_that_wins_the_race_is_not_retried() -> None:
    """After an abort there is no further request (CTRL-008)."""
    session = started()
    session.abort()
    session.settle("abort_generate", failed())
    assert "aborted" == session.end.outcome
    assert session.end.error is None


def test_a_partial_answer_that_failed_is_kept_when_an_abort_waits() -> None:
    """What arrived is not lost, whatever ended it."""
    session = started()
    session.abort()
    session.settle("abort_generate", failed(message=answer("Hel", call("a"), stop="error")))
    assert ["error", None] == [m.__dict__.get("stop_reason") for m in session.end.new_messages]
    assert "aborted" == session.end.outcome


def test_an_abort_ends_the_wait_before_a_retry() -> None:
    """No further request is made (CTRL-008)."""
    session = started()
    session.settle("generate", failed())
    assert ["abort_requested", "turn_ended", "run_ended"] == session.abort()
    assert "aborted" == session.end.outcome


def test_an_abort_closes_calls_wherever_they_are() -> None:
    """Approvals are resolved, calls closed, results that exist kept (CTRL-005, CTRL-006)."""
    session = calling(*(call(i) for i in "abcdef"), given=config(scheduling="parallel"))
    session.prepare("a", "b")
    session.prepare("c", ask=True)
    session.prepare("d", ask=True)
    session.settle("prepare_call e", rejected("e"))
    session.prepare("f")
    session.execute("a", "kept")
    session.settle("execute_call b", STARTED)
    session.decide("d", "edit", arguments_text='{"x":1}')
    assert [
        "abort_requested",
        "call_settled",
        "approval_resolved",
        "call_settled",
        "call_settled",
        "call_settled",
        "call_settled",
        "turn_ended",
        "run_ended",
    ] == session.abort()
    codes = [m.code for m in session.end.new_messages[1:]]
    assert [None, "aborted", "aborted", "aborted", "aborted", "aborted"] == codes
    assert "The call was aborted." == session.end.new_messages[2].content[0].text


def test_an_abort_during_the_gates_closes_every_call() -> None:
    """A call whose gates have not run, and one that would have been asked for (CTRL-005)."""
    session = calling(call("a"), call("b"))
    session.prepare("a", ask=True)
    session.abort()
    assert ["aborted", "aborted"] == [m.code for m in session.end.new_messages[1:]]
    assert "approval_requested" not in session.entries


def test_an_abort_while_an_output_is_validated_ends_the_run() -> None:
    """Between turns nothing is open but the run (CTRL-009)."""
    session = started(structured())
    session.answer("{}")
    assert ["validate_output"] == session.doing
    assert ["abort_requested", "run_ended"] == session.abort()
    assert ("aborted", None) == (session.end.outcome, session.end.output)


def test_an_abort_before_the_first_turn_gives_a_run_without_a_turn() -> None:
    """A driver that already knows appends `run_started` alone (CTRL-001)."""
    first = started()
    session = Session()
    for entry in first.log[:2]:
        session._append([entry])
    assert ["abort_requested", "run_ended"] == session.abort()
    assert ["agent_start", "message_start", "message_end", "agent_end"] == session.told


def test_a_second_abort_changes_nothing() -> None:
    """Aborting twice is harmless (CTRL-011)."""
    session = started()
    session.abort()
    before = session.state
    assert [] == session.abort()
    assert before is session.state


def test_an_abort_without_a_run_is_refused() -> None:
    """There is nothing to stop (CTRL-037)."""
    with pytest.raises(Rejected) as refused:
        Session().open().abort()
    assert "no_run" == refused.value.code


def test_what_arrives_after_an_abort_is_discarded() -> None:
    """A body that ignores its abort says nothing any more (CTRL-007)."""
    session = calling(call("a"))
    session.prepare("a")
    session.settle("execute_call a", STARTED)
    key = session.pending[0].key
    session.abort()
    before = session.state
    assert [] == session.settle_key(key, came_out("a"))
    assert before is session.state


def test_an_abort_gives_back_what_is_queued() -> None:
    """Steering before follow-ups, each in order (LOOP-032)."""
    session = calling(call("a"))
    session.follow_up("later")
    session.steer("now")
    session.steer("and now")
    session.abort()
    texts = [message.content[0].text for message in session.end.undelivered]
    assert ["now", "and now", "later"] == texts


def test_the_next_run_works_after_an_abort() -> None:
    """The history is valid as it is (CTRL-013)."""
    session = calling(call("a"))
    session.abort()
    session.start(run_id="next")
    session.answer("Hello again")
    assert "completed" == session.end.outcome
