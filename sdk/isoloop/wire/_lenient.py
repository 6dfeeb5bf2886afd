r"""A second look at JSON that the fast decoder refused although a program can understand it.

    {"text":"\ud83d"}      half a UTF-16 pair, legal in JSON's grammar
    {"text":"\xff"}        a byte that is no UTF-8, which the rules of SSE replace by U+FFFD

Only ever asked after a failure, so it may be slow.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from isoloop.wire._json import encode
from isoloop.wire._sse import text_of


def lenient_value(data: bytes) -> Any:
    """Read JSON with halves of pairs left as they are.

    Raises:
        ValueError: It is no JSON, by any reading.
    """
    return json.loads(text_of(data), parse_constant=_no_constant)


def lenient(data: bytes) -> bytes:
    """Write the same JSON so that the fast decoder understands it; halves of pairs become U+FFFD.

    Raises:
        ValueError: It is no JSON, by any reading.
    """
    return encode(lenient_value(data))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON is malformed: {name} is not a number")
