"""Write JSON as a provider does: compact, UTF-8, some parts exactly as given."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject

_SURROGATE = re.compile("[\ud800-\udfff]")


class Verbatim(str):
    """JSON text that is put in as it stands."""

    __slots__ = ()


def write_json(value: Json) -> str:
    """Write a value. Half a surrogate pair becomes an escape: UTF-8 has no other way to say it."""
    match value:
        case Verbatim():
            return str(value)
        case dict():
            members = cast("JsonObject", value).items()
            return "{" + ",".join(f"{write_json(k)}:{write_json(v)}" for k, v in members) + "}"
        case list():
            return "[" + ",".join(map(write_json, cast("list[Json]", value))) + "]"
        case _:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def encode_json(value: Json) -> bytes:
    """Write a value as UTF-8."""
    return write_json(value).encode()
