"""The life of a call: gates, approvals, schedules, results (TOOL, CTRL-038 to CTRL-045)."""

from __future__ import annotations

import pytest

from isoloop.engine import Rejected, fold
from isoloop.engine._digest import arguments_digest
from tests.engine.kit import (
    ELAPSED,
    LOOK,
    STARTED,
    answer,
    call,
    calling,
    came_out,
    config,
    limits,
    prepared,
    rejected,
    result,
    started,
    tool,
)

# ------------------------------------------------------------------ gates


def test_the_gates_of_all_calls_run_in_call_order_before_anything_else() -> None:
    """One call at a time, before the first body, approval or closing (TOOL-020)."""
    session = calling(call("a"), call("b"), call("c"))
    assert ["prepare_call a"] == session.doing
    session.prepare("a")
    assert ["prepare_call b"] == session.doing
    session.settle("prepare_call b", rejected("b"))
    assert ["prepare_call c"] == session.doing
    session.prepare("c", ask=True)
    assert ["execute_call a", "close_call b", "request_approval c"] == session.doing


def test_the_body_is_given_what_the_hooks_made_of_the_arguments() -> None:
    """The message keeps the model's own (TOOL-010, TOOL-017, TOOL-022)."""
    session = calling(call("a", arguments='{"x":1}'))
    session.prepare("a", arguments='{"x":2}')
    assert '{"x":2}' == session.pending[0].arguments_text
    session.settle("execute_call a", STARTED)
    assert '{"x":2}' == session.events[-1].arguments_text
    assert '{"x":1}' == session.state.messages[-1].content[0].arguments_text


def test_arguments_that_no_hook_changed_are_not_written_again() -> None:
    """No entry repeats earlier content (DESIGN 5)."""
    session = calling(call("a", arguments='{"x":1}'))
    session.prepare("a", arguments='{"x":1}')
    assert session.log[-1].payload.arguments_text is None


def test_a_call_that_a_gate_stopped_has_only_its_result() -> None:
    """The after-tool hooks see it, and may replace it (TOOL-021, TOOL-030)."""
    session = calling(call("a"))
    session.settle("prepare_call a", rejected("a", "blocked"))
    (close,) = session.pending
    assert "blocked" == close.result.code
    session.settle("close_call a", came_out("a", "replaced"))
    assert "tool_execution_start" not in session.told
    assert "tool_execution_end" not in session.told
    assert result("a", "replaced") == session.state.messages[-1]


def test_a_body_that_could_not_be_entered_has_no_execution_events() -> None:
    """`tool_execution_end` comes exactly when the body was entered (LOOP-012)."""
    session = calling(call("a"))
    session.prepare("a")
    session.settle("execute_call a", came_out("a"))
    assert "tool_execution_end" not in session.told


# ------------------------------------------------------------------ schedules


def test_read_only_calls_run_together_and_a_mutating_one_alone() -> None:
    """Maximal stretches, in call order (TOOL-032)."""
    session = calling(
        call("a"), call("b"), call("c", "write"), call("d", "write"), call("e"), call("f")
    )
    session.prepare(*"abcdef")
    assert ["execute_call a", "execute_call b"] == session.doing
    session.execute("b")
    assert ["execute_call a"] == session.doing
    session.execute("a")
    assert ["execute_call c"] == session.doing
    session.execute("c")
    assert ["execute_call d"] == session.doing
    session.execute("d")
    assert ["execute_call e", "execute_call f"] == session.doing


def test_a_call_that_will_not_run_does_not_break_a_stretch() -> None:
    """Not even one to a mutating tool (TOOL-033)."""
    session = calling(call("a"), call("b", "write"), call("c"))
    session.prepare("a")
    session.settle("prepare_call b", rejected("b", name="write"))
    session.prepare("c")
    assert ["execute_call a", "close_call b", "execute_call c"] == session.doing


def test_a_tool_is_mutating_unless_it_says_otherwise() -> None:
    """So is one that does not exist, should it get past the lookup (TOOL-032)."""
    given = config(tools=[tool("silent"), LOOK])
    session = calling(call("a", "silent"), call("b", "nowhere"), call("c"), given=given)
    session.prepare("a", "b", "c")
    assert ["execute_call a"] == session.doing
    session.execute("a", name="silent")
    assert ["execute_call b"] == session.doing


def test_parallel_runs_all_calls_at_once() -> None:
    """Whatever their access (TOOL-034)."""
    given = config(scheduling="parallel")
    session = calling(call("a", "write"), call("b"), call("c", "write"), given=given)
    session.prepare("a", "b", "c")
    assert ["execute_call a", "execute_call b", "execute_call c"] == session.doing


def test_sequential_runs_calls_one_by_one() -> None:
    """A rejected one waits for its turn like the others (TOOL-034)."""
    session = calling(call("a"), call("b"), call("c"), given=config(scheduling="sequential"))
    session.prepare("a")
    session.settle("prepare_call b", rejected("b"))
    session.prepare("c")
    assert ["execute_call a"] == session.doing
    session.execute("a")
    assert ["close_call b"] == session.doing
    session.settle("close_call b", came_out("b"))
    assert ["execute_call c"] == session.doing


@pytest.mark.parametrize("scheduling", ["auto", "parallel"])
def test_no_more_calls_run_than_may(scheduling: str) -> None:
    """`maxConcurrency` bounds bodies, in call order (TOOL-035)."""
    given = config(scheduling=scheduling, max_concurrency=2)
    session = calling(*(call(i) for i in "abcd"), given=given)
    session.prepare(*"abcd")
    assert ["execute_call a", "execute_call b"] == session.doing
    session.execute("b")
    assert ["execute_call a", "execute_call c"] == session.doing


def test_eight_calls_run_at_once_by_default() -> None:
    """`maxConcurrency` is 8 unless given (TOOL-035)."""
    session = calling(*(call(i) for i in "abcdefghij"))
    session.prepare(*"abcdefghij")
    assert 8 == len(session.doing)


def test_a_late_approval_takes_no_slot_from_a_call_that_has_begun() -> None:
    """What a driver has begun is never taken back (TOOL-035)."""
    given = config(scheduling="parallel", max_concurrency=2)
    session = calling(call("a"), call("b"), call("c"), given=given)
    session.prepare("a", ask=True)
    session.prepare("b", "c")
    session.decide("a", "allow")
    assert ["execute_call b", "execute_call c"] == session.doing
    session.execute("c")
    assert ["execute_call a", "execute_call b"] == session.doing


def test_results_stand_in_call_order_whatever_finished_first() -> None:
    """The events show the true order, the transcript the calls' (TOOL-037, TOOL-038)."""
    session = calling(call("a"), call("b"))
    session.prepare("a", "b")
    session.execute("b", "second")
    session.execute("a", "first")
    ends = [event.call_id for event in session.events if event.type == "tool_execution_end"]
    assert ["b", "a"] == ends
    assert [result("a", "first"), result("b", "second")] == session.state.messages[-2:]
    turn_end = next(event for event in session.events if event.type == "turn_end")
    assert session.state.messages[-2:] == turn_end.tool_results


def test_calls_of_a_cut_answer_do_not_run() -> None:
    """Even if their arguments happen to be complete (LOOP-021, TOOL-040)."""
    session = started()
    assert [
        "answer_received",
        "call_settled",
        "call_settled",
        "turn_ended",
        "run_ended",
    ] == session.answer(call("a"), call("b"), stop="max_tokens")
    text = 'The call was not executed because the answer ended with "max_tokens".'
    assert ("not_executed", text) == (
        session.state.messages[-1].code,
        session.state.messages[-1].content[0].text,
    )


# ------------------------------------------------------------------ approvals


def test_approvals_are_asked_for_together() -> None:
    """In call order, after the last gate (CTRL-038)."""
    session = calling(call("a"), call("b"), call("c"))
    session.prepare("a", ask=True)
    session.prepare("b")
    assert ["call_prepared", "approval_requested", "approval_requested"] == session.settle(
        "prepare_call c", prepared(ask=True)
    )
    assert ["request_approval a", "request_approval c"] == session.doing


def test_a_waiting_call_holds_itself_and_what_comes_after_it() -> None:
    """Calls before it run (TOOL-036)."""
    session = calling(call("a"), call("b"), call("c"), call("d"))
    session.prepare("a")
    session.prepare("b", ask=True)
    session.prepare("c")
    session.settle("prepare_call d", rejected("d"))
    assert ["execute_call a", "request_approval b"] == session.doing
    session.decide("b", "allow")
    assert ["execute_call a", "execute_call b", "execute_call c", "close_call d"] == session.doing


def test_a_waiting_call_holds_only_itself_when_parallel() -> None:
    """The others go on (TOOL-036)."""
    session = calling(call("a"), call("b"), given=config(scheduling="parallel"))
    session.prepare("a", ask=True)
    session.prepare("b")
    assert ["request_approval a", "execute_call b"] == session.doing


def test_the_approver_sees_the_exact_arguments_and_their_digest() -> None:
    """After all hooks (CTRL-039)."""
    session = calling(call("a", arguments='{"x": 1}'))
    session.prepare("a", ask=True, arguments='{"y": 2.0}')
    event = session.events[-1]
    assert ("approval_requested", '{"y": 2.0}') == (event.type, event.arguments_text)
    assert arguments_digest('{"y":2}') == event.digest
    (effect,) = session.pending
    assert (event.digest, event.approval_id) == (effect.digest, effect.approval_id)


def test_an_allowed_call_runs_with_exactly_these_arguments() -> None:
    """`approval_resolved` has resolution `allowed` (CTRL-040)."""
    session = calling(call("a"))
    session.prepare("a", ask=True)
    digest = session.pending[0].digest
    session.decide("a", "allow", digest=digest, reason="fine")
    event = session.events[-1]
    assert ("allowed", "fine") == (event.resolution, event.reason)
    assert ["execute_call a"] == session.doing


@pytest.mark.parametrize(
    ("reason", "text"), [(None, "The call was denied."), ("no", "The call was denied: no")]
)
def test_a_denied_call_goes_to_the_after_hooks_with_its_reason(
    reason: str | None, text: str
) -> None:
    """Code `denied`, and the run goes on (CTRL-041)."""
    session = calling(call("a"))
    session.prepare("a", ask=True)
    more = {} if reason is None else {"reason": reason}
    session.decide("a", "deny", **more)
    (close,) = session.pending
    assert ("denied", True) == (close.result.code, close.result.is_error)
    assert text == close.result.content[0].text


def test_edited_arguments_are_validated_and_not_asked_for_again() -> None:
    """Without hooks and without a second approval (CTRL-042)."""
    session = calling(call("a"), call("b"))
    session.prepare("a", "b", ask=True)
    session.decide("a", "edit", arguments_text='{"x":9}')
    assert '{"x":9}' == session.events[-1].arguments_text
    assert ["prepare_edited a", "request_approval b"] == session.doing
    assert "edited" == session.pending[0].stage
    session.settle("prepare_edited a", prepared('{"x":9}', ask=True))
    assert ["execute_call a", "request_approval b"] == session.doing
    session.decide("b", "edit", arguments_text="nonsense")
    session.settle("prepare_edited b", rejected("b", "invalid_arguments"))
    assert ["execute_call a", "close_call b"] == session.doing
    assert answer(call("a"), call("b")) == session.state.messages[-1]


def test_a_decision_is_used_once() -> None:
    """A second one is refused, and so is one for nothing (CTRL-043)."""
    session = calling(call("a"), call("b"))
    session.prepare("a", ask=True)
    session.prepare("b")
    session.decide("a", "allow")
    for call_id in "abz":
        with pytest.raises(Rejected) as refused:
            session.decide(call_id, "allow")
        assert "unknown_approval" == refused.value.code


def test_a_decision_about_other_arguments_is_refused() -> None:
    """The approval stays open (CTRL-044)."""
    session = calling(call("a"))
    session.prepare("a", ask=True)
    before = session.state
    with pytest.raises(Rejected) as refused:
        session.decide("a", "allow", digest=arguments_digest('{"other":1}'))
    assert "digest_mismatch" == refused.value.code
    assert before is session.state
    assert fold(session.log) == session.state
    assert ["request_approval a"] == session.doing


@pytest.mark.parametrize(("decision", "more"), [("edit", {}), ("allow", {"arguments_text": "{}"})])
def test_arguments_come_with_an_edit_and_only_then(decision: str, more: dict[str, str]) -> None:
    """Anything else is refused with `invalid` (CTRL-044)."""
    session = calling(call("a"))
    session.prepare("a", ask=True)
    with pytest.raises(Rejected) as refused:
        session.decide("a", decision, **more)
    assert "invalid" == refused.value.code


def test_an_approval_expires() -> None:
    """Code `denied`, and a text that says why (CTRL-045)."""
    session = calling(call("a"), given=limits(approval_timeout_ms=250))
    session.prepare("a", ask=True)
    assert ["request_approval a", "wait_until approval a"] == session.doing
    assert session.now_ms + 250 == session.pending[1].due_at
    session.settle("wait_until approval a", ELAPSED)
    assert "expired" == session.events[-1].resolution
    text = "The call was denied: the approval expired."
    assert text == session.pending[0].result.content[0].text
    with pytest.raises(Rejected) as refused:
        session.decide("a", "allow")
    assert "unknown_approval" == refused.value.code


def test_an_approval_without_a_limit_waits_for_ever() -> None:
    """No wait is asked for (CTRL-045)."""
    session = calling(call("a"), given=limits(max_turns=9))
    session.prepare("a", ask=True)
    assert ["request_approval a"] == session.doing
