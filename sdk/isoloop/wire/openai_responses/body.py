"""Reads an answer that was not streamed: the same pieces, one delta per block.

{"id":"resp_…","object":"response","status":"completed","model":"gpt-5-2025-08-07","error":null,
 "output":[…],"incomplete_details":null,"usage":{"input_tokens":9,"output_tokens":3,…}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._decoders import WholeDecoder
from isoloop.wire._openai import stream_error
from isoloop.wire.openai_responses.answer import Reading, Response

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall

_response = json.Decoder(Response).decode


class _Shape(Struct):
    output: Raw = Raw(b"null")
    error: Raw = Raw(b"null")
    status: str | None = None


_shape = json.Decoder(_Shape).decode


class BodyDecoder(WholeDecoder):
    """Collects a body and reads it at its end."""

    def __init__(
        self, call: ModelCall, taken: Collection[str] = (), reading: Reading | None = None
    ) -> None:
        self._reading = reading or Reading(call, taken)
        super().__init__(self._reading)

    def _read(self, body: bytes, out: list[Piece]) -> None:
        shape = _shape(body)
        if bytes(shape.output) == b"null":
            if bytes(shape.error) != b"null":
                # {"error":{"message":"…","type":"server_error"}} under status 200
                self._reading.failed(out, stream_error(json.decode(body)))
                return
            raise ValidationError("Object missing required field `output`")
        self._reading.read_end(_response(body), "completed", out)
