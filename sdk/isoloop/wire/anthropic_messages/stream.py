r"""Reads Anthropic's answer as it streams.

    event: message_start
    data: {"type":"message_start","message":{"id":"msg_01…","model":"claude-…","usage":{…}}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":0}

    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}

    event: message_stop
    data: {"type":"message_stop"}

Rules: the `type` inside the data says what an event is, its SSE name only where the data has no
type. Events and members that are not known are ignored. `message_stop` is the only good end; a
body that ends before it was cut off. What follows the end is not read. Real streams pad their
objects with blanks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._answer import OpenOpaque, OpenText, OpenThinking, OpenToolCall
from isoloop.wire._decoders import EventDecoder
from isoloop.wire._json import encode
from isoloop.wire._lenient import lenient_value
from isoloop.wire._pieces import TextDelta
from isoloop.wire._sse import SseEvent, text_of
from isoloop.wire.anthropic_messages.answer import Head, Reading, Stop
from isoloop.wire.anthropic_messages.body import BodyDecoder
from isoloop.wire.anthropic_messages.errors import ErrorDetail, stream_error

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._answer import OpenBlock
    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall


class _Delta(Struct):
    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None


class _Event(Struct):
    """Only what the frequent events have; the others are decoded again by their type."""

    type: str = ""
    index: int = -1
    delta: _Delta | None = None


class _MessageStart(Struct):
    message: Head


class _BlockStart(Struct):
    index: int
    content_block: Raw


class _MessageDelta(Struct):
    delta: Stop | None = None
    usage: dict[str, Any] | None = None
    context_management: Raw = Raw(b"null")


class _Error(Struct):
    error: ErrorDetail | None = None
    request_id: str | None = None


_event = json.Decoder(_Event).decode
_message_start = json.Decoder(_MessageStart).decode
_block_start = json.Decoder(_BlockStart).decode
_message_delta = json.Decoder(_MessageDelta).decode
_error = json.Decoder(_Error).decode


class StreamDecoder(EventDecoder):
    """Turns the bytes of a stream into pieces."""

    def __init__(self, call: ModelCall, taken: Collection[str] = ()) -> None:
        self._call = call
        self._reading = Reading(call, taken)
        self._blocks = self._reading.blocks.open_blocks
        super().__init__(self._reading)

    def _whole(self) -> BodyDecoder:
        return BodyDecoder(self._call, reading=self._reading)

    def _ended(self, out: list[Piece]) -> None:
        self._reading.failed_as(
            out, "stream_truncated", "The stream ended before its message_stop event."
        )

    # ------------------------------------------------------------ one event

    def _read(self, sse: SseEvent, data: bytes, out: list[Piece]) -> None:
        event = _event(data)
        delta = event.delta
        if delta is not None and event.type == "content_block_delta":
            block = self._blocks.get(event.index)
            if type(block) is OpenText and delta.type == "text_delta" and not block.half:
                # Nearly all of a stream: written out here, it costs a third less than by calls.
                text = delta.text
                if text:
                    block.parts.append(text)
                    out.append(TextDelta(block.index, text))
                return
            self._delta(event.index, delta, data, out)
            return
        match event.type or text_of(sse.name):
            case "message_start":
                self._reading.read_head(_message_start(data).message)
            case "content_block_start":
                start = _block_start(data)
                if start.index in self._blocks:
                    raise ValidationError(f"the block {start.index} is open already")
                self._reading.blocks.open(start.index, start.content_block, out, whole=False)
            case "content_block_delta":
                if event.delta is None:
                    raise ValidationError("Object missing required field `delta`")
                self._delta(event.index, event.delta, data, out)
            case "content_block_stop":
                self._reading.blocks.close(event.index, out)
            case "message_delta":
                self._message_delta(data)
            case "message_stop":
                self._reading.answered(out)
            case "error":
                # data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
                error = _error(data)
                self._reading.failed(out, stream_error(error.error, error.request_id))
            case _:
                # data: {"type": "ping"}, and whatever the vendor adds
                pass

    def _message_delta(self, data: bytes) -> None:
        event = _message_delta(data)
        self._reading.meter.read(event.usage)
        stop = event.delta or Stop()
        # "context_management":{"applied_edits":[]} stands beside the delta, the other members
        # inside it
        if bytes(event.context_management) != b"null":
            stop.context_management = event.context_management
        self._reading.read_stop(stop)

    def _delta(self, index: int, delta: _Delta, data: bytes, out: list[Piece]) -> None:
        block = self._blocks.get(index)
        match delta.type:
            case "text_delta" if type(block) is OpenText:
                block.add(delta.text or "", out)
            case "input_json_delta" if type(block) is OpenToolCall:
                block.add(delta.partial_json or "", out)
            case "thinking_delta" if type(block) is OpenThinking:
                block.add(delta.thinking or "", out)
            case _:
                self._rare_delta(index, block, delta, data)

    def _rare_delta(self, index: int, block: OpenBlock | None, delta: _Delta, data: bytes) -> None:
        reader = self._reading.blocks
        match delta.type, block:
            case _, None:
                raise ValidationError(f"no block {index} is open")
            case "signature_delta", OpenThinking():
                reader.add_signature(block, delta.signature or "")
            case "input_json_delta", OpenOpaque():
                reader.add_input(index, delta.partial_json or "")
            case (
                ("text_delta" | "thinking_delta" | "signature_delta" | "input_json_delta"),
                (OpenText() | OpenThinking() | OpenToolCall()),
            ):
                raise ValidationError(f"a {delta.type} does not belong to the block {index}")
            case _:
                reader.add_other(index, delta.type, data)

    # ------------------------------------------------------------ what the fast decoder refused

    def _read_again(self, sse: SseEvent, out: list[Piece]) -> None:
        try:
            value = lenient_value(sse.data)
            if not self._halved_delta(value, out):
                self._read(sse, encode(value), out)
        except (ValueError, RecursionError) as error:
            name = text_of(sse.name) or "message"
            self._reading.failed_as(out, "protocol", f'The event "{name}" is not valid: {error}')

    def _halved_delta(self, value: Any, out: list[Piece]) -> bool:
        """Take a delta whose text may end in the middle of a character."""
        match value:
            case {"type": "content_block_delta", "index": int() as index, "delta": delta}:
                block = self._blocks.get(index)
            case _:
                return False
        match delta, block:
            case (
                ({"type": "text_delta", "text": str() as text}, OpenText())
                | ({"type": "thinking_delta", "thinking": str() as text}, OpenThinking())
                | ({"type": "input_json_delta", "partial_json": str() as text}, OpenToolCall())
            ):
                block.add_any(text, out)
                return True
            case _:
                return False
