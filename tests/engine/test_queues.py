"""Steering and follow-ups (CTRL-032 to CTRL-037)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoloop.engine import Rejected
from tests.engine.kit import (
    ELAPSED,
    answer,
    call,
    calling,
    config,
    error,
    failed,
    limits,
    result,
    started,
    user,
)

if TYPE_CHECKING:
    from tests.engine.kit import Session


def test_steering_enters_after_the_results_and_before_the_next_turn() -> None:
    """It never cuts a batch of calls short (CTRL-032)."""
    session = calling(call("a"), call("b"))
    session.steer("Look there")
    session.prepare("a", "b")
    session.execute("a")
    assert ["call_settled", "turn_ended", "messages_delivered", "turn_started"] == (
        session.execute("b")
    )
    assert [result("a"), result("b"), user("Look there")] == session.state.messages[-3:]
    assert ["turn_end", "message_start", "message_end", "turn_start"] == session.told[-4:]


def test_steering_during_the_last_text_causes_another_turn() -> None:
    """It is answered before the run ends (CTRL-033)."""
    session = started()
    session.steer("Wait")
    session.answer("Bye")
    session.answer("Yes?")
    assert [answer("Bye"), user("Wait"), answer("Yes?")] == session.end.new_messages


def test_steering_during_a_failed_attempt_waits_for_the_turn() -> None:
    """A retry sends the same request (CTRL-031)."""
    session = started()
    session.settle("generate", failed())
    session.steer()
    assert ["wait_until retry"] == session.doing
    session.settle("wait_until retry", ELAPSED)
    assert [user()] == list(session.state.messages)


def test_a_follow_up_enters_when_the_run_would_end() -> None:
    """Not after a batch of calls, and after steering (CTRL-034)."""
    session = calling(call("a"))
    session.follow_up("And then?")
    session.prepare("a")
    session.execute("a")
    assert [user(), answer(call("a")), result("a")] == list(session.state.messages)
    session.steer("Wait")
    session.answer("Done")
    assert user("Wait") == session.state.messages[-1]
    session.answer("Yes?")
    assert user("And then?") == session.state.messages[-1]
    session.answer("The end")
    assert "completed" == session.end.outcome


@pytest.mark.parametrize("queue", ["steer", "follow_up"])
def test_a_queued_message_keeps_an_incomplete_run_going(queue: str) -> None:
    """The run would otherwise end (LOOP-023, CTRL-034)."""
    session = started()
    getattr(session, queue)("Go on")
    session.answer("So", stop="max_tokens")
    assert (["generate"], user("Go on")) == (session.doing, session.state.messages[-1])


@pytest.mark.parametrize(
    ("queue", "mode"), [("steer", "steering_mode"), ("follow_up", "follow_up_mode")]
)
def test_a_queue_drains_one_by_one_or_all_at_once(queue: str, mode: str) -> None:
    """In order either way, one by default (CTRL-035)."""
    for given, texts in [
        (config(), ["one"]),
        (config(**{mode: "one"}), ["one"]),
        (config(**{mode: "all"}), ["one", "two"]),
    ]:
        session = started(given)
        getattr(session, queue)("one")
        getattr(session, queue)("two")
        session.answer("Hi")
        assert texts == [message.content[0].text for message in session.state.messages[2:]]
        if len(texts) == 1:
            session.answer("Ho")
            assert user("two") == session.state.messages[-1]


def test_what_a_limit_stops_is_given_back() -> None:
    """Steering before follow-ups, undelivered and not unanswered (LOOP-044)."""
    session = started(limits(max_turns=1))
    session.follow_up("later")
    session.steer("now")
    session.answer("Hi")
    assert "max_turns" == session.end.outcome
    assert [user("now"), user("later")] == session.end.undelivered
    assert [answer("Hi")] == session.end.new_messages


def test_what_a_failure_leaves_over_is_given_back() -> None:
    """Nothing is lost (CTRL-036)."""
    session = started()
    session.steer("now")
    session.settle("generate", failed(error("permission", retryable=False)))
    assert [user("now")] == session.end.undelivered


@pytest.mark.parametrize("queue", ["steer", "follow_up"])
def test_after_an_abort_nothing_is_accepted(queue: str) -> None:
    """The end is decided (CTRL-037)."""
    session = started()
    session.abort()
    _refused(session, queue, "closing")


@pytest.mark.parametrize("queue", ["steer", "follow_up"])
def test_without_a_run_nothing_is_accepted(queue: str) -> None:
    """There is nothing to steer (CTRL-037)."""
    session = started()
    session.answer("Hi")
    _refused(session, queue, "no_run")


def _refused(session: Session, queue: str, code: str) -> None:
    before = session.state
    with pytest.raises(Rejected) as refused:
        getattr(session, queue)()
    assert code == refused.value.code
    assert before is session.state
