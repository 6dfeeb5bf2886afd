"""OpenAI's token counters, made into the contract's.

"usage":{"input_tokens":2973,"input_tokens_details":{"cached_tokens":1920,"cache_write_tokens":0},
         "output_tokens":707,"output_tokens_details":{"reasoning_tokens":512},"total_tokens":3680}

The details are parts of the number beside them: `input_tokens` includes what a cache gave or took,
`output_tokens` the reasoning.
"""

from __future__ import annotations

from typing import Any

from isoloop.contract import Usage
from isoloop.wire._counters import count_of, object_in

# Read into members of their own, or sums of those.
_READ = {
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "ttl_12h_tokens",
    "ttl_30m_tokens",
}


def usage_of(report: dict[str, Any] | None) -> Usage | None:
    """Derive the usage; nothing when nothing was reported."""
    if not report:
        return None
    details = object_in(report, "input_tokens_details")
    cached = count_of(details, "cached_tokens")
    written = count_of(details, "cache_write_tokens")
    whole = count_of(report, "input_tokens")
    return Usage.trusted(
        # Never below zero: a host that does not include the cached tokens would give that.
        input=None if whole is None else max(0, whole - (cached or 0) - (written or 0)),
        cache_read=cached,
        cache_write=written,
        cache_write_long=count_of(
            object_in(details, "cache_write_tokens_details"), "ttl_12h_tokens"
        ),
        output=count_of(report, "output_tokens"),
        reasoning=count_of(object_in(report, "output_tokens_details"), "reasoning_tokens"),
        counters=_others(report) or None,
    )


def _others(members: dict[str, Any]) -> dict[str, int]:
    """Keep every other counter: `"input_tokens_details":{"audio_tokens":12}`."""
    found: dict[str, int] = {}
    for name in members:
        if (count := count_of(members, name)) is not None and name not in _READ:
            found[name] = count
        found |= _others(object_in(members, name))
    return found
