"""What the counters of the Responses API become."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop.contract import Usage
from tests.wire.openai_responses.wire import answered, head, tail


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            {
                "input_tokens": 2973,
                "input_tokens_details": {"cached_tokens": 1920},
                "output_tokens": 707,
                "output_tokens_details": {"reasoning_tokens": 512},
                "total_tokens": 3680,
            },
            {"input": 1053, "cache_read": 1920, "output": 707, "reasoning": 512},
        ),
        (
            {
                "input_tokens": 100,
                "input_tokens_details": {
                    "cached_tokens": 10,
                    "cache_write_tokens": 30,
                    "cache_write_tokens_details": {"ttl_12h_tokens": 20, "ttl_30m_tokens": 10},
                },
                "output_tokens": 5,
            },
            {
                "input": 60, "cache_read": 10, "cache_write": 30, "cache_write_long": 20,
                "output": 5,
            },
        ),
        ({"output_tokens": 5}, {"output": 5}),
        ({"input_tokens": 0, "output_tokens": 0}, {"input": 0, "output": 0}),
        # a host that does not count the cached tokens in
        ({"input_tokens": 1, "input_tokens_details": {"cached_tokens": 5}},
         {"input": 0, "cache_read": 5}),
        (
            {"input_tokens": 3, "input_tokens_details": {"audio_tokens": 1}, "searches": 2},
            {"input": 3, "counters": {"audio_tokens": 1, "searches": 2}},
        ),
        ({"input_tokens": "3", "output_tokens": True, "x": -1}, {}),
    ],
)  # fmt: skip
def test_counters_are_told_apart(report: dict[str, Any], expected: dict[str, Any]) -> None:
    """DIAL-129: cached and written tokens are parts of the input, reasoning of the output."""
    assert Usage(**expected) == answered(head(), tail(usage=report)).message.usage


@pytest.mark.parametrize("report", [None, {}])
def test_what_nobody_reported_is_unknown(report: dict[str, Any] | None) -> None:
    """DIAL-129."""
    assert answered(head(), tail(usage=report)).message.usage is None
