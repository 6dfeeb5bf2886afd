"""Canonical JSON (RFC 8785), digests, and the keys that make effects idempotent.

RFC 8785 leaves three things to get right: members are sorted by the UTF-16 code units of their
names, strings are escaped as `JSON.stringify` does, and numbers are IEEE doubles written by the
rules of ECMAScript. Python differs in all three.
"""

from __future__ import annotations

import json
import math
from hashlib import sha256
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from isoloop.contract.common import JsonObject, JsonValue

# Above this an integer is no longer exact as a double, and is written as the nearest double.
_EXACT = 2**53

_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(0x20)},
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    '"': '\\"',
    "\\": "\\\\",
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


def canonical_json(value: JsonValue) -> str:
    """Write a JSON value in its canonical form.

    Raises:
        ValueError: The value has no canonical form (NaN, an infinity, a number beyond a double,
            an unpaired surrogate).
        TypeError: The value is not JSON.
    """
    match value:
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case str():
            return _string(value)
        case int() | float():
            return _number(value)
        case list():
            items = cast("list[JsonValue]", value)
            return f"[{','.join(map(canonical_json, items))}]"
        case dict():
            members = sorted(cast("JsonObject", value).items(), key=_utf16)
            return f"{{{','.join(f'{_string(n)}:{canonical_json(v)}' for n, v in members)}}}"
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")


def digest(value: JsonValue) -> str:
    """Digest a JSON value: SHA-256 of its canonical form, as `sha256:` and 64 digits."""
    return f"sha256:{sha256(canonical_json(value).encode()).hexdigest()}"


def arguments_digest(arguments_text: str) -> str:
    """Digest the arguments of a call, to which an approval is bound.

    Blank text means `{}`. Arguments without a canonical form (1e999, an unpaired surrogate) are
    bound by their text: an approval must never be lost to a number.
    """
    if not arguments_text.strip():
        return digest({})
    try:
        return digest(json.loads(arguments_text))
    except (ValueError, RecursionError):
        return digest(arguments_text.encode("utf-8", "backslashreplace").decode())


def effect_key(run_id: str, turn: int, *parts: object) -> str:
    """Name an effect, so that the same pending effect always has the same name.

    The turn is part of it because call ids need only be unique where they were decoded.
    """
    return "/".join((run_id, str(turn), *map(str, parts)))


def approval_id(run_id: str, turn: int, call_id: str) -> str:
    """Name an approval. Derived, so that replay and crash recovery find the same one."""
    return f"{run_id}/{turn}/{call_id}"


def _utf16(member: tuple[str, JsonValue]) -> bytes:
    # Big-endian bytes compare as code units do; a code point above U+FFFF sorts before U+E000.
    return member[0].encode("utf-16-be", "surrogatepass")


def _string(value: str) -> str:
    value.encode()  # raises for an unpaired surrogate
    return f'"{value.translate(_ESCAPE_TABLE)}"'


def _number(value: float) -> str:
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    try:
        double = float(value)
    except OverflowError as error:
        raise ValueError("a number is beyond a double") from error
    if not math.isfinite(double):
        raise ValueError("NaN and infinities are not JSON")
    return _ecmascript(double)


def _ecmascript(double: float) -> str:
    """Write a finite double as `Number::toString` does (ECMA-262, 6.1.6.1.20)."""
    if double == 0:
        return "0"  # -0 too
    if double < 0:
        return f"-{_ecmascript(-double)}"
    # Python's repr has the same shortest digits; only their layout differs.
    mantissa, _, exponent = repr(double).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    # `point` is the n of the specification: the value is 0.digits times ten to the n.
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"
