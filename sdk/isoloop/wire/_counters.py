"""Token counters as providers report them; shared by all dialects.

Reports are cumulative: the last word on each counter wins, and a member that is absent or null
says nothing. What a provider never reported is unknown, not 0.
"""

from __future__ import annotations

from typing import Any, cast

_MAX_SAFE_INTEGER = 2**53 - 1


def merge_report(into: dict[str, Any], report: dict[str, Any]) -> None:
    """Take the last word of each counter."""
    for name, value in report.items():
        known = into.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            merge_report(cast("dict[str, Any]", known), cast("dict[str, Any]", value))
        elif value is not None:
            into[name] = value


def count_of(members: dict[str, Any], name: str) -> int | None:
    """Give a counter; nothing when it is absent or no count."""
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _MAX_SAFE_INTEGER else None


def object_in(members: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a member that is an object; an empty one when it is not."""
    value = members.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
