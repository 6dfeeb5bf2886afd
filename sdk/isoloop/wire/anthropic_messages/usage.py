"""Anthropic's token counters, made into the contract's.

message_start  "usage":{"input_tokens":100,"cache_read_input_tokens":55096,"output_tokens":7,…}
message_delta  "usage":{"input_tokens":181,"output_tokens":8,"iterations":[{"type":"message",…}]}

Counters are cumulative, so the last word on each wins, and a member that is absent or null says
nothing (proxies leave out what message_start said). `input_tokens` already excludes what a cache
gave or took.

Where there are `iterations`, they are the whole bill and the counters beside them are only a part
of it: seen on 2026-08 in real traffic, the top level leaves out the compaction and what an advisor
model consumed.
"""

from __future__ import annotations

from typing import Any, cast

from isoloop.contract import ModelUsage, Usage
from isoloop.wire._counters import count_of, merge_report, object_in

# Read into members of their own, or no counters at all.
_READ = {
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "output_tokens_details",
    "iterations",
}


class UsageMeter:
    """Merges what the provider reports and derives the usage once, at the end."""

    __slots__ = ("_raw",)

    def __init__(self) -> None:
        self._raw: dict[str, Any] = {}

    def read(self, report: dict[str, Any] | None) -> None:
        """Take the last word of each counter."""
        merge_report(self._raw, report or {})

    def usage(self, requested: str, answered_by: str | None) -> Usage | None:
        """Derive the usage; nothing when nothing was reported."""
        if not self._raw:
            return None
        own, others = self._own_and_others(requested, answered_by)
        details = object_in(self._raw, "output_tokens_details")
        counters = _counters({n: v for n, v in self._raw.items() if n not in _READ})
        return Usage.trusted(
            **own,
            reasoning=count_of(details, "thinking_tokens"),
            counters=counters or None,
            other_models=others or None,
        )

    def _own_and_others(
        self, requested: str, answered_by: str | None
    ) -> tuple[dict[str, int | None], list[ModelUsage]]:
        iterations = _objects(self._raw, "iterations")
        if not iterations:
            return _billed(self._raw), []
        own: dict[str, int | None] = {}
        others: dict[str, dict[str, int | None]] = {}
        for iteration in iterations:
            model = iteration.get("model")
            mine = not isinstance(model, str) or not model or _same(model, requested, answered_by)
            bill = own if mine else others.setdefault(str(model), {})
            for name, value in _billed(iteration).items():
                known = bill.get(name)
                bill[name] = value if known is None else known + (value or 0)
        return own, [
            ModelUsage.trusted(
                model=model,
                input=bill["input"],
                cache_read=bill["cache_read"],
                cache_write=bill["cache_write"],
                output=bill["output"],
            )
            for model, bill in others.items()
        ]


def _billed(report: dict[str, Any]) -> dict[str, int | None]:
    lifetimes = object_in(report, "cache_creation")
    long = count_of(lifetimes, "ephemeral_1h_input_tokens")
    written = count_of(report, "cache_creation_input_tokens")
    if written is None and lifetimes:
        short = count_of(lifetimes, "ephemeral_5m_input_tokens")
        written = None if long is None and short is None else (long or 0) + (short or 0)
    return {
        "input": count_of(report, "input_tokens"),
        "cache_read": count_of(report, "cache_read_input_tokens"),
        "cache_write": written,
        "cache_write_long": long,
        "output": count_of(report, "output_tokens"),
    }


def _same(model: str, requested: str, answered_by: str | None) -> bool:
    """Whether an iteration's model is the one asked for, under its name or its alias.

    A model that answers in place of another (a fallback) has a name of its own and stands apart.
    """
    return model == requested or (model == answered_by and model.startswith(requested))


def _counters(members: dict[str, Any]) -> dict[str, int]:
    """Keep every other counter: `"server_tool_use":{"web_search_requests":1}`."""
    found: dict[str, int] = {}
    for name, value in members.items():
        if isinstance(value, dict):
            found |= _counters(cast("dict[str, Any]", value))
        elif (count := count_of(members, name)) is not None:
            found[name] = count
    return found


def _objects(members: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = members.get(name)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
