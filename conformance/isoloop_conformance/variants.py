"""Expand a case into its variants: one dialect, one delivery, one way to cut response bodies."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from isoloop_conformance.exact_json import Json, JsonObject

DIALECTS = ("anthropic-messages", "openai-chat", "openai-responses")
BINDER = re.compile(r"\$[A-Za-z][A-Za-z0-9_]*")

# What call ids look like in each dialect; the rest is the case's own name for the call.
ID_PREFIX = {"anthropic-messages": "toolu_", "openai-chat": "call_", "openai-responses": "call_"}


@dataclass(frozen=True)
class Variant:
    """A case as it is run: nothing in it depends on the dialect any more."""

    id: str
    dialect: str
    delivery: str
    chunks: str
    case: JsonObject

    @property
    def case_id(self) -> str:
        """The id of the case that this is a variant of."""
        return str(self.case["id"])

    @property
    def needs(self) -> set[str]:
        """The features that an implementation must claim."""
        needs = set(cast("list[str]", self.case.get("needs", [])))
        if self.delivery == "json":
            needs.add("json_delivery")
        if self.case.get("clock", {}).get("mode", "virtual") == "virtual":
            needs.add("virtual_clock")
        return needs


def expand(case: JsonObject) -> list[Variant]:
    """Return the variants of one case, in the order of its axes."""
    axes = case.get("variants", {})
    return [
        resolve(case, dialect, delivery, chunks)
        for dialect in axes.get("dialect", DIALECTS)
        for delivery in axes.get("delivery", ["sse"])
        for chunks in axes.get("chunks", ["as_is"])
    ]


def resolve(case: JsonObject, dialect: str, delivery: str, chunks: str) -> Variant:
    """Return one variant: items for other dialects left out, call ids put in."""
    suffix = f"@{dialect}+{delivery}"
    if "chunks" in case.get("variants", {}):
        suffix += f"+{chunks}"
    pruned = _prune(case, dialect)
    ids = {name: ID_PREFIX[dialect] + name[1:] for name in _call_names(pruned)}
    return Variant(f"{case['id']}{suffix}", dialect, delivery, chunks, _substitute(pruned, ids))


def selected(variants: Iterable[Variant], patterns: Iterable[str]) -> list[Variant]:
    """Keep the variants that some pattern matches, with or without its suffix."""
    wanted = list(patterns)
    return [
        v
        for v in variants
        if not wanted
        or any(fnmatch.fnmatchcase(name, p) for p in wanted for name in (v.id, v.case_id))
    ]


def _prune(value: Json, dialect: str) -> Json:
    match value:
        case dict():
            members = cast("JsonObject", value)
            kept = {k: _prune(v, dialect) for k, v in members.items() if k != "only"}
            if kept.get("type") == "text" and "times" in kept:
                kept["text"] *= kept.pop("times")
            return kept
        case list():
            items = cast("list[Json]", value)
            return [_prune(v, dialect) for v in items if _applies(v, dialect)]
        case _:
            return value


def _applies(item: Json, dialect: str) -> bool:
    return not isinstance(item, dict) or dialect in cast("JsonObject", item).get("only", [dialect])


def _call_names(case: JsonObject) -> set[str]:
    return {i for i in call_ids(case) if BINDER.fullmatch(i)}


def call_ids(case: JsonObject) -> Iterator[str]:
    """Yield the id of each call in the case's replies and histories."""
    for exchange in case.get("exchanges", []):
        yield from _reply_calls(exchange.get("reply", []))
    for step in case["steps"]:
        for message in step.get("run", {}).get("history", []):
            if message["role"] == "assistant" and not isinstance(message["content"], str):
                yield from (b["id"] for b in message["content"] if b["type"] == "tool_call")


def _reply_calls(parts: list[JsonObject]) -> Iterator[str]:
    for part in parts:
        if "call" in part and "id" in part["call"]:
            yield part["call"]["id"]
        yield from _reply_calls(part.get("interleave", []))


def _substitute(value: Json, ids: dict[str, str]) -> Json:
    match value:
        case str():
            if value in ids:
                return ids[value]
            return _named(value, ids) if " < " in value else value
        case dict():
            members = cast("JsonObject", value)
            # Keys are call ids, or paths that hold some.
            return {_named(k, ids): _substitute(v, ids) for k, v in members.items()}
        case list():
            return [_substitute(v, ids) for v in cast("list[Json]", value)]
        case _:
            return value


def _named(text: str, ids: dict[str, str]) -> str:
    return BINDER.sub(lambda found: ids.get(found[0], found[0]), text)
