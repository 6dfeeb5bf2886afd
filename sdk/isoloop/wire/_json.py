"""JSON on its way out: compact, members in the order given, always valid UTF-8."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, json

from isoloop.wire._surrogates import all_paired, paired

_encode = json.Encoder().encode


def encode(value: Any) -> bytes:
    """Encode a JSON value; a `Raw` inside goes out byte for byte."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        # Looked for only now: nearly no text has half a UTF-16 pair.
        return _encode(all_paired(value))


def encode_text(value: Any) -> str:
    """Encode a JSON value as text."""
    return encode(value).decode()


def raw(text: str) -> Raw:
    """Embed JSON text as it is."""
    return Raw(paired(text).encode())


def is_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        json.decode(text, type=dict[str, Raw])
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return False
    return True
