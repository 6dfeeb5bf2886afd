"""A run from its start to its end: turns, outcomes, what it leaves behind (LOOP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.contract.run import OutputSpec
from isoloop.contract.tool import ProviderTool
from isoloop.contract.usage import Cost, Price
from isoloop.engine import Rejected
from tests.engine.kit import (
    ELAPSED,
    LOOK,
    Session,
    answer,
    call,
    config,
    error,
    failed,
    limits,
    output,
    problem,
    result,
    started,
    structured,
    usage,
    user,
)

if TYPE_CHECKING:
    from isoloop.contract.message import StopReason
    from isoloop.contract.run import RunConfig

# ------------------------------------------------------------------ turns and outcomes


def test_a_text_answer_completes_the_run() -> None:
    """One turn, one answer, `agent_end` last (LOOP-008, LOOP-019)."""
    session = started()
    assert ["generate"] == session.doing
    assert ["answer_received", "turn_ended", "run_ended"] == session.answer("Hi")
    assert "completed" == session.end.outcome
    assert [answer("Hi")] == session.end.new_messages
    assert [] == session.doing
    assert [
        "agent_start",
        "message_start",
        "message_end",
        "turn_start",
        "message_start",
        "text_start",
        "text_delta",
        "text_end",
        "message_end",
        "turn_end",
        "agent_end",
    ] == session.told


def test_a_call_runs_and_its_result_leads_to_the_next_turn() -> None:
    """Gate, body, result, next turn (LOOP-020)."""
    session = started()
    session.answer(call("a"))
    assert ["prepare_call a"] == session.doing
    session.prepare("a")
    assert ["execute_call a"] == session.doing
    assert ["call_settled", "turn_ended", "turn_started"] == session.execute("a", "42")
    session.answer("It is 42")
    assert [answer(call("a")), result("a", "42"), answer("It is 42")] == session.end.new_messages
    assert [user(), *session.end.new_messages] == list(session.state.messages)


@pytest.mark.parametrize(
    ("stop", "calls", "outcome"),
    [
        ("end_turn", False, "completed"),
        ("end_turn", True, "calls run"),
        ("stop_sequence", False, "completed"),
        ("stop_sequence", True, "completed"),
        ("tool_use", False, "completed"),
        ("tool_use", True, "calls run"),
        ("pause_turn", False, "next turn"),
        ("pause_turn", True, "next turn"),
        ("max_tokens", False, "incomplete"),
        ("max_tokens", True, "incomplete"),
        ("refusal", False, "incomplete"),
        ("refusal", True, "incomplete"),
        ("context_window_exceeded", False, "incomplete"),
        ("context_window_exceeded", True, "incomplete"),
        ("unknown", False, "incomplete"),
        ("unknown", True, "incomplete"),
    ],
)
def test_the_stop_reason_decides(stop: StopReason, outcome: str, *, calls: bool) -> None:
    """The table of DESIGN 4 (LOOP-019 to LOOP-024)."""
    session = started()
    session.answer("So", *([call("a")] if calls else []), stop=stop)
    if outcome == "calls run":
        assert ["prepare_call a"] == session.doing
    elif outcome == "next turn":
        assert (["generate"], 2) == (session.doing, session.state.run.turn)
    else:
        assert (outcome, stop, None) == (
            session.end.outcome,
            session.end.stop_reason,
            session.end.error,
        )
    if calls and outcome != "calls run":
        assert "not_executed" == session.state.messages[-1].code


def test_a_paused_answer_is_followed_by_a_turn_without_a_message() -> None:
    """The answer goes back unchanged, and nothing else (LOOP-022)."""
    session = started()
    assert ["answer_received", "turn_ended", "turn_started"] == session.answer(
        "So far", stop="pause_turn"
    )
    assert answer("So far", stop="pause_turn") == session.state.messages[-1]


def test_a_failed_turn_fails_the_run() -> None:
    """`agent_end.error` is the turn's (LOOP-025)."""
    session = started()
    why = error("authentication", retryable=False)
    session.settle("generate", failed(why))
    turn_end, agent_end = session.events[-2:]
    assert ("failed", why, why) == (agent_end.outcome, agent_end.error, turn_end.error)
    assert agent_end.stop_reason is None


def test_the_stop_reason_of_the_run_is_the_last_answers() -> None:
    """A turn without an answer does not take it away (LOOP-027)."""
    session = started()
    session.answer("So", stop="pause_turn")
    session.settle("generate", failed(error("permission", retryable=False)))
    assert "pause_turn" == session.end.stop_reason


def test_an_answer_without_content_is_a_success() -> None:
    """`content: []` (LOOP-026)."""
    session = started()
    session.answer()
    assert ("completed", [answer()]) == (session.end.outcome, session.end.new_messages)


def test_several_input_messages_are_told_in_order() -> None:
    """Those of the history are not (LOOP-009)."""
    session = Session().open(user("old"), answer("older"))
    session.start(input=[user("one"), user("two")])
    told = [event.message for event in session.events if event.type == "message_end"]
    assert [user("one"), user("two")] == told
    session.answer("Hi")
    assert [answer("Hi")] == session.end.new_messages


def test_a_session_has_many_runs() -> None:
    """Events are numbered per run, usage is summed over all (LOOP-002, LOOP-029)."""
    session = started()
    session.answer("Hi", usage=usage(input=1))
    session.start(run_id="second")
    assert 1 == session.events[0].seq
    assert usage(input=1) == session.state.usage
    session.answer("Ho", usage=usage(input=2))
    assert [answer("Ho", usage=usage(input=2))] == session.end.new_messages
    assert (usage(input=2), usage(input=3)) == (session.end.usage, session.state.usage)
    assert "second" == session.state.ended.run_id


# ------------------------------------------------------------------ starting


@pytest.mark.parametrize("history", [[user()], [answer(call("a")), result("a")]])
def test_input_may_be_empty_when_the_history_wants_an_answer(history: list[object]) -> None:
    """It ends with a user message or with a result."""
    session = Session().open(*history)
    assert ["run_started", "turn_started"] == session.start(input=[])


@pytest.mark.parametrize("history", [[], [user(), answer("Hi")]])
def test_empty_input_with_nothing_to_answer_is_refused(history: list[object]) -> None:
    """The model would be asked nothing."""
    session = Session().open(*history)
    _refused(session, "invalid", input=[])


def test_a_cost_limit_without_a_price_is_refused() -> None:
    """Before anything happens (LOOP-049)."""
    _refused(Session().open(), "config", limits(max_cost_usd=1.0))


def test_two_tools_of_one_name_are_refused() -> None:
    """A call could mean either (LOOP-049)."""
    _refused(Session().open(), "config", config(tools=[LOOK, LOOK]))


@pytest.mark.parametrize(
    ("dialect", "fits"), [("openai-chat", False), ("anthropic-messages", True)]
)
def test_a_provider_tool_belongs_to_its_dialect(dialect: str, *, fits: bool) -> None:
    """That of another is refused (LOOP-049)."""
    given = config(tools=[ProviderTool(type="provider", dialect=dialect, json_text="{}")])
    if fits:
        assert ["generate"] == started(given).doing
    else:
        _refused(Session().open(), "config", given)


def _refused(session: Session, code: str, given: RunConfig | None = None, **more: object) -> None:
    before = session.state
    with pytest.raises(Rejected) as refused:
        session.start(given, **more)
    assert (code, refused.value.message) == (refused.value.code, str(refused.value))
    assert before is session.state


# ------------------------------------------------------------------ limits


def test_without_limits_a_run_goes_on() -> None:
    """An absent member sets no bound."""
    session = started(limits())
    for _ in range(60):
        session.answer("So", stop="pause_turn")
    assert 61 == session.state.run.turn


def test_turn_n_plus_one_does_not_begin() -> None:
    """A run that needs no more is not affected (LOOP-040)."""
    session = started(limits(max_turns=1))
    session.answer(call("a"))
    session.prepare("a")
    assert ["call_settled", "turn_ended", "run_ended"] == session.execute("a")
    assert ("max_turns", None) == (session.end.outcome, session.end.error)
    enough = started(limits(max_turns=1))
    enough.answer("Hi")
    assert "completed" == enough.end.outcome


def test_a_run_of_no_turns_has_only_its_input() -> None:
    """`maxTurns: 0` (LOOP-040)."""
    session = started(limits(max_turns=0))
    assert ["agent_start", "message_start", "message_end", "agent_end"] == session.told
    assert ("max_turns", []) == (session.end.outcome, session.end.new_messages)


@pytest.mark.parametrize(("bound", "outcome"), [(10, "budget_exceeded"), (11, None)])
def test_all_tokens_count(bound: int, outcome: str | None) -> None:
    """Input, cached or not, and output, of all attempts (LOOP-041)."""
    session = started(limits(max_tokens=bound))
    session.settle("generate", failed(usage=usage(input=1)))
    session.settle("wait_until retry", ELAPSED)
    counted = usage(input=1, cache_read=2, cache_write=2, output=4, reasoning=3)
    session.answer("So", stop="pause_turn", usage=counted)
    assert outcome == (None if session.state.run else session.end.outcome)


@pytest.mark.parametrize(("bound", "outcome"), [(3.0, "budget_exceeded"), (3.1, None)])
def test_the_cost_is_bounded(bound: float, outcome: str | None) -> None:
    """`cost.usd` of the run so far (LOOP-042)."""
    price = Price(input=1.0, output=2.0)
    session = started(limits(max_cost_usd=bound).model_copy(update={"price": price}))
    counted = usage(input=1_000_000, output=1_000_000)
    session.answer("So", stop="pause_turn", usage=counted)
    assert outcome == (None if session.state.run else session.end.outcome)


def test_an_unknown_cost_bounds_nothing() -> None:
    """What nobody reported cannot be counted (LOOP-042)."""
    given = limits(max_cost_usd=1.0).model_copy(update={"price": Price(input=1.0, output=1.0)})
    session = started(given)
    session.answer("So", stop="pause_turn")
    assert 2 == session.state.run.turn


@pytest.mark.parametrize(("waited", "outcome"), [(99, None), (100, "deadline_exceeded")])
def test_a_deadline_forbids_the_next_turn(waited: int, outcome: str | None) -> None:
    """`deadlineMs` or more after the start (LOOP-043)."""
    session = started(limits(deadline_ms=100))
    session.now_ms += waited
    session.answer("So", stop="pause_turn")
    assert outcome == (None if session.state.run else session.end.outcome)


def test_a_deadline_does_not_cut_the_wait_before_a_retry() -> None:
    """Limits are checked before a turn, not before an attempt (LOOP-039, LOOP-043)."""
    session = started(limits(deadline_ms=100))
    session.settle("generate", failed())
    session.now_ms += 500
    session.settle("wait_until retry", ELAPSED)
    assert ["generate"] == session.doing


def test_the_first_of_several_limits_is_named() -> None:
    """`maxTurns`, `maxTokens`, `maxCostUsd`, `deadlineMs` (LOOP-045)."""
    price = Price(input=1.0, output=1.0)
    bounds = {"max_turns": 0, "max_tokens": 0, "max_cost_usd": 0.0, "deadline_ms": 0}
    outcomes = ["max_turns", "budget_exceeded", "budget_exceeded", "deadline_exceeded"]
    for outcome in outcomes:
        given = limits(**bounds).model_copy(update={"price": price})
        assert outcome == started(given).end.outcome
        bounds.pop(next(iter(bounds)))


# ------------------------------------------------------------------ usage and cost


def test_usage_is_summed_over_attempts_and_turns() -> None:
    """Failed attempts included; unknown stays absent (LOOP-034, LOOP-035)."""
    session = started()
    session.settle("generate", failed(usage=usage(input=1)))
    session.settle("wait_until retry", ELAPSED)
    session.answer(call("a"), usage=usage(input=2, output=3))
    session.prepare("a")
    session.execute("a")
    session.settle("generate", failed(error("not_found", retryable=False), usage=usage(output=4)))
    ends = [event.usage for event in session.events if event.type == "turn_end"]
    assert [usage(input=3, output=3), usage(output=4)] == ends
    assert usage(input=3, output=7) == session.end.usage


def test_nothing_reported_is_an_empty_usage() -> None:
    """`usage: {}`, and no cost without a price (LOOP-035, LOOP-037)."""
    session = started()
    session.answer("Hi")
    assert ({}, None) == (session.end.usage.model_dump(), session.end.cost)


@pytest.mark.parametrize(
    ("counted", "cost"),
    [
        (usage(input=1_000_000, output=500_000), Cost(state="known", usd=2.0)),
        (usage(input=1_000_000), Cost(state="partial", usd=1.0)),
        (None, Cost(state="unknown")),
    ],
)
def test_a_run_with_a_price_says_what_it_cost(counted: object, cost: Cost) -> None:
    """Known when every answer reported its input and output (LOOP-038)."""
    session = started(config(price=Price(input=1.0, output=2.0)))
    session.answer("Hi", usage=counted)
    assert cost == session.end.cost


def test_one_answer_that_reported_nothing_makes_the_cost_a_lower_bound() -> None:
    """Its share is not known (LOOP-038)."""
    session = started(config(price=Price(input=1.0, output=1.0)))
    session.answer("So", stop="pause_turn")
    session.answer("Hi", usage=usage(input=1_000_000, output=1_000_000))
    assert Cost(state="partial", usd=2.0) == session.end.cost


# ------------------------------------------------------------------ structured output


def test_a_valid_output_completes_the_run() -> None:
    """It is validated between turns (LOOP-051)."""
    session = started(structured())
    assert ["answer_received", "turn_ended"] == session.answer('{"x":1}')
    (effect,) = session.pending
    assert ("validate_output", 1) == (effect.type, effect.turn)
    assert ["output_accepted", "run_ended"] == session.settle("validate_output", output(x=1))
    assert ("completed", {"x": 1}) == (session.end.outcome, session.end.output)


def test_an_invalid_output_is_repaired_once() -> None:
    """The model is told what is wrong (LOOP-052)."""
    session = started(structured())
    session.answer("{")
    assert ["output_rejected", "turn_started"] == session.settle(
        "validate_output", problem("x is missing")
    )
    said = "The output is invalid: x is missing\nAnswer again with a valid output."
    assert user(said) == session.state.messages[-1]
    assert ["message_start", "message_end", "turn_start"] == session.told[-3:]
    session.answer("{}")
    session.settle("validate_output", output())
    assert ("completed", {}) == (session.end.outcome, session.end.output)
    assert user(said) in session.end.new_messages


def test_an_output_that_stays_invalid_fails_the_run() -> None:
    """`output_invalid`, not retryable (LOOP-053)."""
    session = started(structured())
    session.answer("{")
    session.settle("validate_output", problem())
    session.answer("[")
    assert ["run_ended"] == session.settle("validate_output", problem("still wrong"))
    failure = session.end.error
    assert ("failed", "output_invalid", False) == (
        session.end.outcome,
        failure.code,
        failure.retryable,
    )
    assert "still wrong" in failure.message
    assert session.end.output is None


def test_calls_come_before_the_output() -> None:
    """An answer with calls that run is not validated (LOOP-054)."""
    session = started(structured())
    session.answer("{}", call("a"))
    session.prepare("a")
    session.execute("a")
    assert ["generate"] == session.doing


def test_an_incomplete_answer_is_not_validated() -> None:
    """No output is given for another outcome (LOOP-055)."""
    session = started(structured())
    session.answer("{}", stop="max_tokens")
    assert ("incomplete", None) == (session.end.outcome, session.end.output)


def test_a_limit_that_forbids_the_repair_ends_the_run() -> None:
    """With the limit's outcome, and without a message that nobody answers (LOOP-055)."""
    session = started(structured(limits=limits(max_turns=1).limits))
    session.answer("{")
    assert ["run_ended"] == session.settle("validate_output", problem())
    assert ("max_turns", 1) == (session.end.outcome, len(session.end.new_messages))


def test_a_message_that_comes_during_the_validation_makes_it_moot() -> None:
    """The answer is no longer the last (LOOP-051, CTRL-033)."""
    session = started(structured())
    session.answer("{}")
    key = session.pending[0].key
    assert ["message_queued", "messages_delivered", "turn_started"] == session.steer()
    assert [] == session.settle_key(key, output(x=1))
    session.answer('{"x":2}')
    session.settle("validate_output", output(x=2))
    assert {"x": 2} == session.end.output


def test_a_problem_without_words_is_still_told() -> None:
    """A driver that gives neither output nor problem has found no object."""
    session = started(config(output=OutputSpec(json_schema={})))
    session.answer("[]")
    session.settle("validate_output", output().model_copy(update={"output": None}))
    assert "it is not a JSON object" in session.state.messages[-1].content[0].text
