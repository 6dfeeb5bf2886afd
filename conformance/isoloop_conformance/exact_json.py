"""JSON whose numbers keep their text.

`1`, `1.0` and `1e0` are three texts of one value, and 9007199254740993 is not 9007199254740992:
what an implementation did to a number is visible only in its text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

# JSON as Python has it; in values read by `exact`, numbers are `Number`.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written."""

    text: str


class NotJsonError(ValueError):
    """The text is not strict JSON: malformed, NaN or Infinity, duplicate keys, too deep."""


def exact(text: str) -> Json:
    """Read strict JSON, with `Number` for every number."""
    try:
        return _EXACT.decode(text)
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    except NotJsonError:
        raise
    except ValueError as error:
        raise NotJsonError(str(error)) from None


def plain(value: Json) -> Json:
    """Turn every `Number` into an int or a float."""
    match value:
        case Number(text):
            return float(text) if any(c in ".eE" for c in text) else int(text)
        case dict():
            return {k: plain(v) for k, v in cast("JsonObject", value).items()}
        case list():
            return [plain(v) for v in cast("list[Json]", value)]
        case _:
            return value


def same(want: Json, got: Json) -> bool:
    """Compare two values: keys unordered, `null` is not absent.

    Two numbers that were read by `exact` are compared by their text. A number of a case has lost
    its text (0 and 0.0 are the same to readers of YAML), so it is compared by its value.
    """
    match want, got:
        case dict(), dict():
            wanted, found = cast("JsonObject", want), cast("JsonObject", got)
            return wanted.keys() == found.keys() and all(
                same(v, found[k]) for k, v in wanted.items()
            )
        case list(), list():
            row, other = cast("list[Json]", want), cast("list[Json]", got)
            return len(row) == len(other) and all(
                same(a, b) for a, b in zip(row, other, strict=True)
            )
        case Number(), Number():
            return want == got
        case _:
            return _scalar(want) == _scalar(got)


def same_text(want: str, got: str) -> bool:
    """Compare two texts as JSON where both are JSON, else as texts."""
    try:
        return same(exact(want), exact(got))
    except NotJsonError:
        return want == got


def show(value: Json, limit: int = 240) -> str:
    """Write a value in one short line, for people."""
    text = json.dumps(value, ensure_ascii=False, default=_bare)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _scalar(value: Json) -> Json:
    match value:
        case bool() | str() | None:
            return type(value), value
        case Number(text):
            return Number, Decimal(text)
        case int() | float():
            return Number, Decimal(repr(value))
        case _:
            return type(value), value


def _bare(value: Json) -> Json:
    if isinstance(value, Number):
        return plain(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJsonError("a key appears twice")
    return members


def _refuse_constant(text: str) -> Json:
    raise NotJsonError(f"{text} is not JSON")


_EXACT = json.JSONDecoder(
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse_constant,
    object_pairs_hook=_unique,
)


def write(value: Json) -> str:
    """Write JSON; numbers as they were read, so that nothing changes on the way through."""
    match value:
        case Number(text):
            return text
        case dict():
            members = cast("JsonObject", value).items()
            return "{" + ",".join(f"{json.dumps(k)}:{write(v)}" for k, v in members) + "}"
        case list():
            return "[" + ",".join(write(v) for v in cast("list[Json]", value)) + "]"
        case _:
            return json.dumps(value)
