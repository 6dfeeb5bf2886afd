r"""The strict reading of a tool call's arguments, the only one.

Arguments are read once, when the call has ended, and never repaired or coerced (decision 5 of the
loop):

    {"city": "Paris"}      an object
    (blank)                {}
    {"city": "Par          a problem, told to the model with its place
    null, [1], "x", 3      a problem: not an object
    {"a": 1, "a": 2}       a problem: which one is meant?
    {"a": NaN}, 1e400      a problem: JSON has no such number, or no program could hold it
    {"a": "\ud83d"}       a problem: half a character cannot be handed on (RFC 7493, section 2.1)
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from isoloop.contract import JsonObject

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments that may be handed to a tool."""

    value: JsonObject


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is not the arguments of a call, in words for the model."""

    text: str


class _Refused(ValueError):
    """Valid to Python's parser, but not to us."""


def read_arguments(text: str) -> Arguments | Problem:
    """Read the arguments of a call from their text."""
    if not text or text.isspace():
        return Arguments({})
    try:
        value: Any = _DECODER.decode(text)
        text.encode()
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        return Problem(f"Not valid JSON: {what} at {_place(text, error.pos)}.")
    except _Refused as error:
        return Problem(str(error))
    except RecursionError:
        return Problem("The JSON is nested too deeply.")
    except UnicodeEncodeError as error:
        return Problem(f"Not valid JSON: half a UTF-16 pair at {_place(text, error.start)}.")
    except ValueError:
        # The only one left: Python refuses to read integers of more than 4,300 digits.
        return Problem("A number has too many digits.")
    if not isinstance(value, dict):
        return Problem(f"Expected a JSON object, got {_kind(value)}.")
    if "\\u" in text and (found := _unpaired(value)) is not None:
        return Problem(f'Not valid text: half a UTF-16 pair in "{found}".')
    return Arguments(cast("JsonObject", value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Refused(f'The member "{_cut(name)}" appears twice in the same object.')
            seen.add(name)
    return members


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Refused(f"The number {_cut(text)} is too large.")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"Not valid JSON: {name} is not a JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
)


def _unpaired(root: Any) -> str | None:
    """Find a text with half a pair; without recursion, which a deep value would exhaust."""
    left = [root]
    while left:
        value = left.pop()
        match value:
            case str():
                try:
                    value.encode()
                except UnicodeEncodeError:
                    return _cut(value.encode("utf-8", "replace").decode())
            case list():
                left += cast("list[Any]", value)
            case dict():
                left += cast("dict[str, Any]", value).keys()
                left += cast("dict[str, Any]", value).values()
            case _:
                pass
    return None


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    end = " (the end)" if position >= len(text.rstrip()) else ""
    return f"line {line}, column {column}{end}"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "an array"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
