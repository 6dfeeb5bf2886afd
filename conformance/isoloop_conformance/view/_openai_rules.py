"""The checks that OpenAI's two dialects share; each names its own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.spans import has_half_pair
from isoloop_conformance.view._openai import string
from isoloop_conformance.view._port import Finding, Rule

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from isoloop_conformance.spans import Span


def check_json(root: Span, not_json: Rule, repeated: Rule, null: Rule) -> Iterator[Finding]:
    """Look for keys that appear twice, halves of surrogate pairs, and members that are null."""
    for at, span in root.below():
        for name in span.repeated():
            yield Finding(repeated, f"`{at}/{name}` appears twice")
        if has_half_pair(span.string) or any(has_half_pair(name) for name, _ in span.members):
            yield Finding(not_json, f"`{at}` has half a surrogate pair")
    for name, span in root.members:
        if span.kind == "null":
            yield Finding(null, f"`{name}` is null")


def check_tools(
    root: Span, functions: list[Span], allowed: re.Pattern[str], rules: tuple[Rule, Rule, Rule]
) -> Iterator[Finding]:
    """Look at the functions' names, and at what needs tools; `rules`: name, repeated, needless."""
    tool_name, repeated, needless = rules
    names = [string(function, "name") or "" for function in functions]
    for i, name in enumerate(names):
        if not allowed.fullmatch(name):
            yield Finding(tool_name, f"tool {i} is called `{name}`")
        if name in names[:i]:
            yield Finding(repeated, f"two tools are called `{name}`")
    tools = root.get("tools")
    if tools is None or not tools.items:
        for member in ("tool_choice", "parallel_tool_calls"):
            if (span := root.get(member)) is not None and span.kind != "null":
                yield Finding(needless, f"`{member}` is sent without tools")


def check_call_id(
    call_id: str, at: str, longest: int, rules: tuple[Rule, Rule]
) -> Iterator[Finding]:
    """Look at the id of a call or of its result; `rules`: none at all, too long."""
    if not call_id:
        yield Finding(rules[0], f"`{at}` has no id")
    elif len(call_id) > longest:
        yield Finding(rules[1], f"`{at}` has an id of {len(call_id)} characters")
