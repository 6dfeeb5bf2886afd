"""Outcomes that come late, twice, or of something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.engine import NondeterminismError, fold
from tests.engine.kit import (
    ELAPSED,
    STARTED,
    Session,
    answer,
    answered,
    call,
    calling,
    came_out,
    error,
    failed,
    limits,
    output,
    prepared,
    rejected,
    started,
    stopped,
    structured,
    usage,
)

if TYPE_CHECKING:
    from isoloop.contract.effect import EffectOutcome

OUTCOMES = {
    "answered": answered("Hi"),
    "generate_failed": failed(),
    "generate_aborted": stopped(),
    "prepared": prepared(),
    "rejected": rejected("a"),
    "started": STARTED,
    "result": came_out("a"),
    "output": output(),
    "elapsed": ELAPSED,
}
FITTING = {
    "generate": "answered generate_failed",
    "abort_generate": "answered generate_failed generate_aborted",
    "prepare_call a": "prepared rejected",
    "prepare_edited a": "prepared rejected",
    "request_approval a": "",
    "wait_until approval a": "elapsed",
    "execute_call a": "started result",
    "close_call a": "result",
    "wait_until retry": "elapsed",
    "validate_output": "output",
}


@pytest.mark.parametrize("what", FITTING)
@pytest.mark.parametrize("kind", OUTCOMES)
def test_an_effect_takes_only_its_own_outcomes(what: str, kind: str) -> None:
    """Anything else is an error of the driver, and changes nothing."""
    session = with_effect(what)
    before = session.state
    if kind in FITTING[what].split():
        assert session.settle(what, OUTCOMES[kind])
        return
    with pytest.raises(NondeterminismError) as raised:
        session.settle(what, OUTCOMES[kind])
    assert kind in raised.value.happened
    assert raised.value.expected
    assert "driver" in raised.value.advice
    assert before is session.state
    assert fold(session.log) == session.state


def test_an_outcome_that_comes_twice_counts_once() -> None:
    """Its effect is no longer pending."""
    session = started()
    key = session.pending[0].key
    session.answer(call("a"))
    assert [] == session.settle_key(key, answered("Hi"))
    assert [] == session.settle_key("no such key", answered("Hi"))


def test_a_body_is_entered_once() -> None:
    """A second `started` says nothing new."""
    session = calling(call("a"))
    session.prepare("a")
    assert ["call_started"] == session.settle("execute_call a", STARTED)
    assert [] == session.settle("execute_call a", STARTED)


def test_without_a_run_nothing_is_pending() -> None:
    """Whatever comes is too late."""
    session = Session().open()
    assert [] == session.settle_key("run/1/generate/1", answered("Hi"))


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("generate", answered("Hi", stop="aborted")),
        ("generate", answered("Hi", stop="error", error=error())),
        ("generate", failed(message=answer("Hi"))),
        ("abort_generate", stopped(answer("Hi"))),
        ("prepare_call a", rejected("b")),
        ("execute_call a", came_out("b")),
        ("close_call a", came_out("b")),
    ],
)
def test_an_outcome_must_not_contradict_itself(what: str, outcome: EffectOutcome) -> None:
    """A stop reason that its kind cannot have, a result of another call."""
    session = with_effect(what)
    with pytest.raises(NondeterminismError):
        session.settle(what, outcome)


@pytest.mark.parametrize("code", ["aborted", "not_executed", "interrupted"])
def test_a_driver_cannot_close_a_call_in_the_engines_name(code: str) -> None:
    """These codes are given by the engine alone (TOOL-039)."""
    session = calling(call("a"))
    session.prepare("a")
    with pytest.raises(NondeterminismError, match=code):
        session.settle("execute_call a", came_out("a", code=code, is_error=True))


def test_two_calls_of_one_answer_have_two_ids() -> None:
    """The decoder makes them so (TOOL-011)."""
    session = started()
    with pytest.raises(NondeterminismError, match="have the id 'a'"):
        session.answer(call("a"), call("a"))


def test_what_a_partial_answer_consumed_is_counted_once() -> None:
    """The message's own usage wins over the attempt's (LOOP-034)."""
    for own, counted in [(None, usage(output=9)), (usage(output=2), usage(output=2))]:
        session = started()
        message = answer("Hel", stop="error", usage=own, error=error("network"))
        session.settle("generate", failed(message=message, usage=usage(output=9)))
        assert counted == session.end.usage
        assert error("network") == session.end.error


def with_effect(what: str) -> Session:
    """Make a session in which this effect is pending."""
    match what:
        case "generate":
            session = started()
        case "abort_generate":
            session = started()
            session.abort()
        case "wait_until retry":
            session = started()
            session.settle("generate", failed())
        case "validate_output":
            session = started(structured())
            session.answer("{}")
        case "prepare_call a":
            session = calling(call("a"))
        case "execute_call a":
            session = calling(call("a"))
            session.prepare("a")
        case "close_call a":
            session = calling(call("a"))
            session.settle("prepare_call a", rejected("a"))
        case "prepare_edited a":
            session = calling(call("a"))
            session.prepare("a", ask=True)
            session.decide("a", "edit", arguments_text="{}")
        case _:
            session = calling(call("a"), given=limits(approval_timeout_ms=5))
            session.prepare("a", ask=True)
    assert what in session.doing
    return session
