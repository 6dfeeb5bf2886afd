"""What is counted."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop.contract import Usage
from tests.wire.openai_chat.wire import DONE, answered, chunk, delta, event, failed, tail


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (
            {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
            Usage(input=9, output=3),
        ),
        # Recorded: OpenRouter before Claude, read and written.
        (
            {
                "prompt_tokens": 2649,
                "completion_tokens": 100,
                "total_tokens": 2749,
                "prompt_tokens_details": {"cached_tokens": 2569, "cache_write_tokens": 79},
            },
            Usage(input=1, cache_read=2569, cache_write=79, output=100),
        ),
        # Recorded: two requests of OpenRouter's own, which overlap.
        (
            {
                "prompt_tokens": 2168,
                "prompt_tokens_details": {"cached_tokens": 2161, "cache_write_tokens": 2161},
            },
            Usage(input=0, cache_read=2161, cache_write=2161),
        ),
        # Recorded: DeepSeek and Mistral, with names of their own.
        (
            {
                "prompt_tokens": 563,
                "completion_tokens": 116,
                "total_tokens": 679,
                "completion_tokens_details": {"reasoning_tokens": 60},
                "prompt_cache_hit_tokens": 512,
                "prompt_cache_miss_tokens": 51,
            },
            Usage(
                input=51,
                cache_read=512,
                output=116,
                reasoning=60,
                counters={"prompt_cache_miss_tokens": 51},
            ),
        ),
        ({"prompt_tokens": 64, "num_cached_tokens": 32}, Usage(input=32, cache_read=32)),
        ({"prompt_tokens": 64, "cached_tokens": 32}, Usage(input=32, cache_read=32)),
        # A host that counts reasoning apart shows it by the sum.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input=10, output=25, reasoning=20),
        ),
        (
            {
                "completion_tokens": 5,
                "completion_tokens_details": {"audio_tokens": 2, "reasoning_tokens": None},
                "prompt_tokens_details": {"audio_tokens": 1},
                "cost": 0.1,
                "searches": 3,
                "ok": True,
            },
            Usage(
                output=5,
                counters={
                    "completion_tokens_details.audio_tokens": 2,
                    "prompt_tokens_details.audio_tokens": 1,
                    "searches": 3,
                },
            ),
        ),
        ({"prompt_tokens": "9", "completion_tokens": -1}, Usage()),
    ],
)
def test_counters_are_read_once(report: dict[str, Any], usage: Usage) -> None:
    """DIAL-087, DIAL-088: cached tokens are no input, reasoning is output."""
    assert usage == answered(delta(content="x"), tail("stop", report)).message.usage


def test_usage_that_was_not_reported_is_unknown() -> None:
    """Absent, not 0; null says nothing."""
    assert answered(chunk(usage=None), tail()).message.usage is None


def test_the_last_word_on_each_counter_wins() -> None:
    """DIAL-088: hosts that report in every chunk report sums."""
    usage = answered(
        chunk(usage={"prompt_tokens": 9, "completion_tokens": 1}),
        chunk(usage={"prompt_tokens": None, "completion_tokens": 2}),
        tail(),
    ).message.usage
    assert Usage(input=9, output=2) == usage


def test_usage_beside_the_choice_and_below_x_groq() -> None:
    """DIAL-088."""
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 4}}
    assert Usage(input=4) == answered(chunk(choice), DONE).message.usage
    groq = event('{"choices":[{"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":5}}}')
    assert Usage(input=5) == answered(delta(content="x"), groq, DONE).message.usage


def test_a_failed_attempt_has_its_usage() -> None:
    """LOOP: what was reported counts."""
    assert Usage(input=9) == failed(chunk(usage={"prompt_tokens": 9})).usage
