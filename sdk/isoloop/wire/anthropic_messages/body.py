"""Reads Anthropic's answer when it was not streamed: the same pieces, one delta per block.

{"id":"msg_01…","type":"message","role":"assistant","model":"claude-…","content":[…],"stop_reason":"end_turn",
 "stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":3}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._decoders import WholeDecoder
from isoloop.wire.anthropic_messages.answer import Head, Reading, Stop
from isoloop.wire.anthropic_messages.errors import ErrorDetail, stream_error

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall


class _Message(Struct):
    type: str = "message"
    content: list[Raw] | None = None
    error: ErrorDetail | None = None
    request_id: str | None = None


class BodyDecoder(WholeDecoder):
    """Collects a body and reads it at its end."""

    def __init__(
        self, call: ModelCall, taken: Collection[str] = (), reading: Reading | None = None
    ) -> None:
        self._reading = reading or Reading(call, taken)
        super().__init__(self._reading)

    def _read(self, body: bytes, out: list[Piece]) -> None:
        message = json.decode(body, type=_Message)
        head, stop = json.decode(body, type=Head), json.decode(body, type=Stop)
        reading = self._reading
        if message.type == "error" or message.error is not None:
            # {"type":"error","error":{"type":"overloaded_error","message":"…"}} under status 200
            reading.failed(out, stream_error(message.error, message.request_id))
            return
        if message.content is None:
            raise ValidationError("Object missing required field `content`")
        _check(message.content)
        reading.read_head(head)
        reading.read_stop(stop)
        for index, block in enumerate(message.content):
            reading.blocks.open(index, block, out, whole=True)
            reading.blocks.close(index, out)
        reading.answered(out)


def _check(blocks: list[Raw]) -> None:
    """Read every block once before any is told, so that a bad one does not come half-way."""
    for block in blocks:
        members: dict[str, Any] = json.decode(block)
        if not isinstance(members.get("type"), str):
            raise ValidationError("Object missing required field `type` - at `$.content[...]`")
