"""Retry of a failed model call (CTRL-023 to CTRL-031)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.kit import (
    ELAPSED,
    answer,
    call,
    error,
    failed,
    retrying,
    started,
    usage,
)

if TYPE_CHECKING:
    from isoloop.contract.error import ErrorInfo
    from tests.engine.kit import Session


def test_a_failure_without_content_is_tried_again_after_a_wait() -> None:
    """Each retry is an event, and its wait an effect (CTRL-023, CTRL-026)."""
    session = started()
    assert ["retry_scheduled"] == session.settle("generate", failed(usage=usage(input=7)))
    event = session.events[-1]
    assert (1, 500, error(), usage(input=7)) == (
        event.attempt,
        event.delay_ms,
        event.error,
        event.usage,
    )
    (wait,) = session.pending
    assert ("wait_until", "retry", 1_500) == (wait.type, wait.purpose, wait.due_at)
    assert ["retry_due"] == session.settle("wait_until retry", ELAPSED)
    (generate,) = session.pending
    assert (1, 2) == (generate.turn, generate.attempt)
    session.answer("Hi", usage=usage(input=7, output=2))
    assert "completed" == session.end.outcome
    assert usage(input=14, output=2) == session.end.usage


def test_the_delay_doubles_up_to_its_cap() -> None:
    """`min(maxDelayMs, baseDelayMs * 2^(n-1))` (CTRL-027)."""
    session = started(retrying(max_retries=5, base_delay_ms=100, max_delay_ms=500))
    assert [100, 200, 400, 500, 500] == [_fail(session) for _ in range(5)]


def test_chance_takes_a_part_of_the_delay_away() -> None:
    """`* (1 - jitter * random)`, rounded down (CTRL-027)."""
    session = started()
    session.random = 0.5
    assert 437 == _fail(session)  # 500 * (1 - 0.25 * 0.5) = 437.5


def test_the_server_says_how_long_to_wait() -> None:
    """Exactly, without jitter and without the cap (CTRL-028)."""
    session = started(retrying(max_delay_ms=10))
    session.random = 0.9
    assert 45_000 == _fail(session, error(retry_after_ms=45_000))


@pytest.mark.parametrize("asked_ms", [0, 60_000])
def test_a_server_may_ask_for_up_to_a_minute(asked_ms: int) -> None:
    """Or for no wait at all (CTRL-028, CTRL-029)."""
    assert asked_ms == _fail(started(), error(retry_after_ms=asked_ms))


def test_a_retry_is_another_effect_than_the_attempt_that_failed() -> None:
    """What is still reported of the first attempt is discarded (DESIGN 5)."""
    session = started()
    first = session.pending[0].key
    _fail(session)
    session.settle("wait_until retry", ELAPSED)
    assert first != session.pending[0].key
    assert [] == session.settle_key(first, failed())


def test_a_server_that_asks_for_too_long_ends_the_run() -> None:
    """Its word stays in the error (CTRL-029)."""
    session = started()
    why = error(retry_after_ms=60_001)
    assert ["answer_failed", "turn_ended", "run_ended"] == session.settle("generate", failed(why))
    assert ("failed", why) == (session.end.outcome, session.end.error)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_the_run_fails_with_the_last_error_when_the_retries_are_used_up(retries: int) -> None:
    """`maxRetries` retries make `maxRetries` + 1 requests (CTRL-023, CTRL-025)."""
    session = started(retrying(max_retries=retries))
    for _ in range(retries):
        _fail(session)
        session.settle("wait_until retry", ELAPSED)
    last = error("server_error")
    session.settle("generate", failed(last))
    assert last == session.end.error
    assert last == session.events[-2].error
    assert [] == session.end.new_messages


def test_each_turn_has_its_own_retries() -> None:
    """`maxRetries` counts per turn (CTRL-023)."""
    session = started(retrying(max_retries=1))
    _fail(session)
    session.settle("wait_until retry", ELAPSED)
    session.answer("So far", stop="pause_turn")
    assert 500 == _fail(session)


def test_an_error_that_is_not_retryable_fails_at_once() -> None:
    """Exactly one request (CTRL-025)."""
    session = started()
    session.settle("generate", failed(error("authentication", retryable=False)))
    assert "failed" == session.end.outcome


def test_after_content_nothing_is_retried() -> None:
    """The partial answer ends with `error`, its calls closed (CTRL-024, LOOP-031)."""
    session = started()
    partial = answer("Hel", call("a"), stop="error")
    session.settle("generate", failed(message=partial, usage=usage(output=1)))
    assert "failed" == session.end.outcome
    message, result = session.end.new_messages
    assert (error(), usage(output=1)) == (message.error, message.usage)
    assert "not_executed" == result.code
    text = 'The call was not executed because the answer ended with "error".'
    assert text == result.content[0].text
    assert error() == session.end.error


def _fail(session: Session, why: ErrorInfo | None = None) -> int:
    """Let the next attempt fail; give the delay that is then waited."""
    if session.doing == ["wait_until retry"]:
        session.settle("wait_until retry", ELAPSED)
    session.settle("generate", failed(why))
    return session.events[-1].delay_ms
