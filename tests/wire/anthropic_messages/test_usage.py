"""Token counters."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop.contract import ModelUsage, Usage
from isoloop.wire import Answered
from isoloop.wire.anthropic_messages.usage import UsageMeter
from tests.wire.anthropic_messages.wire import head, read, tail, text_block


def usage(first: dict[str, Any], last: dict[str, Any] | None) -> Usage | None:
    """Read the usage of an answer."""
    _, end = read(head(**first), text_block(0, "x"), tail(usage=last))
    assert isinstance(end, Answered)
    return end.message.usage


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        # pi A1: proxies leave out or null what message_start said
        ({"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 5}, Usage(input=9, output=5)),
        (
            {"input_tokens": 9, "output_tokens": 1},
            {"input_tokens": None, "output_tokens": 5},
            Usage(input=9, output=5),
        ),
        # usage only at the end
        ({}, {"input_tokens": 9, "output_tokens": 5}, Usage(input=9, output=5)),
        # a later value replaces, a zero too
        ({"input_tokens": 9}, {"input_tokens": 0}, Usage(input=0)),
        # nothing reported: unknown, not 0
        ({}, None, None),
        (
            {
                "input_tokens": 1,
                "cache_read_input_tokens": 2,
                "cache_creation_input_tokens": 30,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 10,
                    "ephemeral_1h_input_tokens": 20,
                },
                "service_tier": "standard",
            },
            {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 4}},
            Usage(
                input=1, cache_read=2, cache_write=30, cache_write_long=20, output=5, reasoning=4
            ),
        ),
        (
            {"input_tokens": 1},
            {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}, "new": 7},
            Usage(input=1, counters={"web_search_requests": 2, "web_fetch_requests": 0, "new": 7}),
        ),
        # only the lifetimes are given
        (
            {"cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2}},
            {},
            Usage(cache_write=3, cache_write_long=2),
        ),
        # nonsense counts as absent
        ({"input_tokens": -1, "output_tokens": "5", "cache_read_input_tokens": True}, {}, Usage()),
    ],
)
def test_the_last_word_on_each_counter_wins(
    first: dict[str, Any], last: dict[str, Any] | None, expected: Usage | None
) -> None:
    """DIAL-045, DIAL-046."""
    assert expected == usage(first, last)


def iteration(kind: str, values: tuple[int, int, int, int], **members: Any) -> dict[str, Any]:
    """Make one of `usage.iterations`."""
    names = (
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    )
    return {"type": kind, **dict(zip(names, values, strict=True)), **members}


def test_iterations_are_the_whole_bill() -> None:
    """DIAL-047: of the same model summed, of others apart, in order of first appearance."""
    last = {
        "input_tokens": 11,
        "output_tokens": 7,
        "iterations": [
            iteration("compaction", (100, 55096, 3, 83)),
            iteration("advisor_message", (10, 1, 2, 20), model="claude-b"),
            iteration("message", (5, 0, 0, 3), model="claude-test-9"),
            iteration("advisor_message", (1, 1, 1, 1), model="claude-a"),
            iteration("advisor_message", (10, 0, 0, 2), model="claude-b"),
        ],
    }
    found = usage({"input_tokens": 100, "output_tokens": 7}, last)
    assert (
        Usage(
            input=105,
            cache_read=55096,
            cache_write=3,
            output=86,
            other_models=[
                ModelUsage(model="claude-b", input=20, cache_read=1, cache_write=2, output=22),
                ModelUsage(model="claude-a", input=1, cache_read=1, cache_write=1, output=1),
            ],
        )
        == found
    )


@pytest.mark.parametrize(
    ("requested", "answered_by", "mine"),
    [
        ("claude-a", "claude-a-20260101", True),  # an alias and what it stands for
        ("claude-a", "claude-b", False),  # another model answered in its place
    ],
)
def test_an_alias_is_the_same_model_and_a_fallback_is_not(
    requested: str, answered_by: str, mine: bool
) -> None:
    """DIAL-047."""
    meter = UsageMeter()
    meter.read({"iterations": [iteration("message", (1, 2, 3, 4), model=answered_by)]})
    found = meter.usage(requested, answered_by)
    other = ModelUsage(model=answered_by, input=1, cache_read=2, cache_write=3, output=4)
    own = Usage(input=1, cache_read=2, cache_write=3, output=4)
    assert (own if mine else Usage(other_models=[other])) == found
