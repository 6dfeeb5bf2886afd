"""Reads Anthropic's answer when it was not streamed: the same pieces, one delta per block.

{"id":"msg_01…","type":"message","role":"assistant","model":"claude-…","content":[…],"stop_reason":"end_turn",
 "stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":3}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from isoloop.wire.anthropic_messages.answer import Head, Reading, Stop
from isoloop.wire.anthropic_messages.errors import ErrorDetail, stream_error
from isoloop.wire.anthropic_messages.lenient import lenient

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import ErrorInfo
    from isoloop.wire._pieces import Ending, Piece
    from isoloop.wire._port import ModelCall


class _Message(Struct):
    type: str = "message"
    content: list[Raw] | None = None
    error: ErrorDetail | None = None
    request_id: str | None = None


class BodyDecoder:
    """Collects a body and reads it at its end."""

    def __init__(
        self, call: ModelCall, taken: Collection[str] = (), reading: Reading | None = None
    ) -> None:
        self._reading = reading or Reading(call, taken)
        self._chunks: list[bytes] = []

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        return self._reading.end

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self._reading.content_started

    def feed(self, data: bytes) -> list[Piece]:
        """Keep the bytes; nothing can be said before the end."""
        if self.end is None:
            self._chunks.append(data)
        return []

    def finish(self) -> list[Piece]:
        """Read the body."""
        out: list[Piece] = []
        if self.end is None:
            body = b"".join(self._chunks)
            self._chunks.clear()
            try:
                self._read(body, out)
            except (ValidationError, DecodeError, UnicodeDecodeError, RecursionError):
                self._read_leniently(body, out)
        return out

    def fail(self, error: ErrorInfo) -> list[Piece]:
        """The transport failed."""
        out: list[Piece] = []
        if self.end is None:
            self._reading.failed(out, error)
        return out

    def abort(self) -> list[Piece]:
        """The run was aborted."""
        out: list[Piece] = []
        if self.end is None:
            self._reading.aborted(out)
        return out

    def _read_leniently(self, body: bytes, out: list[Piece]) -> None:
        try:
            self._read(lenient(body), out)
        except (ValueError, RecursionError) as error:
            self._reading.failed_as(out, "protocol", f"The answer is not a message: {error}")

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
