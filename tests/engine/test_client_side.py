"""Client-side tools: what the caller runs (TOOL-043 to TOOL-047)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.contract.content import ToolCallBlock
from isoloop.contract.effect import ResultOutcome
from isoloop.contract.run import PendingCall
from tests.engine.kit import (
    Session,
    answer,
    call,
    calling,
    config,
    error,
    limits,
    prepared,
    rejected,
    result,
    stopped,
    structured,
    user,
)
from tests.engine.scenarios import retell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract.message import InputMessage
    from isoloop.contract.run import RunConfig


def _pending(call_id: str, arguments: str = "{}") -> PendingCall:
    return PendingCall(call_id=call_id, tool_name="ask", arguments_text=arguments)


def test_the_run_ends_by_asking_for_results() -> None:
    """The turn ends without the result, and `turn_end` and `agent_end` name the call (TOOL-044)."""
    session = calling(call("a", "ask", '{"x":1}'))
    entries = session.settle_key(session.pending[0].key, prepared('{"x":1}'))
    assert ["call_prepared", "call_deferred", "turn_ended", "run_ended"] == entries
    assert "awaiting_results" == session.end.outcome
    assert [_pending("a", '{"x":1}')] == session.end.pending_calls
    assert session.end.pending_calls == session.events[-2].pending_calls
    assert [] == session.events[-2].tool_results
    assert [answer(call("a", "ask", '{"x":1}'))] == session.end.new_messages
    assert "tool_execution_start" not in session.told


@pytest.mark.parametrize("scheduling", ["auto", "parallel", "sequential"])
def test_the_other_calls_run_to_their_results(scheduling: str) -> None:
    """The caller's call takes no slot and holds nobody up (TOOL-043)."""
    given = config(scheduling=scheduling, max_concurrency=1)
    session = calling(call("a", "ask"), call("b"), call("c", "ask"), given=given)
    session.prepare("a", "b", "c")
    assert ["execute_call b"] == session.doing
    session.execute("b")
    assert [_pending("a"), _pending("c")] == session.end.pending_calls
    assert [result("b")] == session.events[-2].tool_results


def test_a_call_passes_its_gates_first() -> None:
    """One that is denied has its result, and the loop goes on (TOOL-043)."""
    session = calling(call("a", "ask"))
    session.settle("prepare_call a", rejected("a", name="ask"))
    assert ["close_call a"] == session.doing
    denied = result("a", "denied", name="ask", is_error=True, code="denied")
    session.settle("close_call a", ResultOutcome(type="result", result=denied))
    assert ["generate"] == session.doing


def test_the_caller_gets_what_the_approver_edited() -> None:
    """Final arguments, validated again (TOOL-043, TOOL-044)."""
    session = calling(call("a", "ask"))
    session.prepare("a", ask=True)
    session.decide("a", "edit", arguments_text='{"y":2}')
    session.settle("prepare_edited a", prepared('{"y":2}'))
    assert [_pending("a", '{"y":2}')] == session.end.pending_calls


@pytest.mark.parametrize("given", [limits(max_turns=1), structured()])
def test_nothing_changes_the_outcome(given: RunConfig) -> None:
    """What is queued is given back, and no limit and no output is looked at (TOOL-045)."""
    session = calling(call("a", "ask"), given=given)
    session.steer("one")
    session.follow_up("two")
    session.prepare("a")
    assert "awaiting_results" == session.end.outcome
    assert [user("one"), user("two")] == session.end.undelivered


def test_an_abort_closes_what_was_left_to_the_caller() -> None:
    """There is nobody to answer any more (TOOL-045)."""
    session = calling(call("a", "ask"), call("b"))
    session.prepare("a", "b")
    session.abort()
    assert ("aborted", None) == (session.end.outcome, session.end.pending_calls)
    assert ["aborted", "aborted"] == [r.code for r in session.events[-2].tool_results]


def _asked() -> Session:
    session = calling(call("a", "ask"), call("b"), call("c", "ask"))
    session.prepare("a", "b", "c")
    session.execute("b")
    return session


@pytest.mark.parametrize(
    "given",
    [
        [result("c"), result("a")],
        [result("a"), user("and?")],
        [user("never mind")],
        [],
    ],
)
def test_the_next_run_is_given_results(given: Sequence[InputMessage]) -> None:
    """All of them, some or none, in any order, before what is said (TOOL-046)."""
    session = _asked()
    session.start(input=given, run_id="next")
    told = [e.message for e in session.events if e.type == "message_end"]
    assert list(given) == told == session.state.messages[-len(told) :][: len(told)]
    session.answer("Thanks")
    assert [answer("Thanks")] == session.end.new_messages


@pytest.mark.parametrize(
    "given",
    [
        [result("b")],
        [result("z")],
        [result("a"), result("a")],
        [user(), result("a")],
        [result("a"), user(), result("c")],
    ],
)
def test_results_that_answer_nothing_are_refused(given: Sequence[InputMessage]) -> None:
    """They would never reach a model (TOOL-046)."""
    session = _asked()
    before = session.state
    assert "invalid" == session.refusal(lambda: session.start(input=given, run_id="next"))
    assert before is session.state


def test_results_belong_to_the_last_answer() -> None:
    """Not to one before it, to one that failed, nor to a call that was never whole."""
    cut = ToolCallBlock(type="tool_call", id="a", name="ask", arguments_text="{", incomplete=True)
    histories = [
        [answer(call("a", "ask")), user()],
        [user()],
        [],
        [answer(call("a", "ask"), stop="error", error=error("internal"))],
        [answer(cut, stop="aborted")],
    ]
    for history in histories:
        session = Session().open(*history)
        assert "invalid" == session.refusal(lambda s=session: s.start(input=[result("a")]))


def test_an_aborted_run_leaves_no_pending_calls_of_an_earlier_turn() -> None:
    """`pendingCalls` is about the last turn alone."""
    session = _asked()
    session.start(input=[result("a"), result("c")], run_id="next")
    session.abort()
    session.settle("abort_generate", stopped())
    assert session.end.pending_calls is None


def test_a_torn_batch_executes_nothing_of_the_callers() -> None:
    """The process died between the gates and the entry that leaves the call to the caller."""
    whole = calling(call("a", "ask"))
    whole.prepare("a")
    at = whole.entries.index("call_prepared") + 1
    session = retell(whole.log[:at])
    assert [] == session.doing
    assert ["call_deferred", "turn_ended", "run_ended"] == session.recover()
    assert [_pending("a")] == session.end.pending_calls
