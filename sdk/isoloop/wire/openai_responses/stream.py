r"""Reads an answer of the Responses API as it streams.

    event: response.created
    data: {"type":"response.created","response":{"id":"resp_…","model":"gpt-5-…",…}}

    event: response.output_item.added
    data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message",…}}

    event: response.content_part.added
    data: {"type":"response.content_part.added","output_index":0,"content_index":0,"part":{…}}

    event: response.output_text.delta
    data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hello",…}

    event: response.output_item.done
    data: {"type":"response.output_item.done","output_index":0,"item":{…}}

    event: response.completed
    data: {"type":"response.completed","response":{"status":"completed","output":[…],"usage":{…}}}

Rules: the `type` inside the data says what an event is, its SSE name only where the data has no
type. Events that are not known are ignored: whatever they bring, `output_item.done` brings it
whole. The answer ends with `response.completed`, `.incomplete` or `.failed` (or `.done`), even if
the body stays open; a body that ends before it was cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._answer import OpenText, OpenThinking, OpenToolCall
from isoloop.wire._decoders import EventDecoder
from isoloop.wire._json import encode
from isoloop.wire._lenient import lenient_value
from isoloop.wire._sse import text_of
from isoloop.wire.openai_responses.answer import Reading, Response
from isoloop.wire.openai_responses.body import BodyDecoder
from isoloop.wire.openai_responses.errors import event_error
from isoloop.wire.openai_responses.items import say_arguments, say_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall
    from isoloop.wire._sse import SseEvent


class _Event(Struct):
    """Only what the frequent events have; the others are decoded again by their type."""

    type: str = ""
    output_index: int = -1
    content_index: int = 0
    summary_index: int = 0
    delta: str | None = None


class _Words(Struct):
    """The events of texts and arguments that are not deltas of them."""

    output_index: int = -1
    content_index: int = 0
    summary_index: int = 0
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None


class _ItemEvent(Struct):
    item: Raw
    output_index: int = -1


class _PartEvent(Struct):
    part: Raw
    output_index: int = -1
    content_index: int = 0


class _ResponseEvent(Struct):
    response: Response


_event = json.Decoder(_Event).decode
_words = json.Decoder(_Words).decode
_item = json.Decoder(_ItemEvent).decode
_part = json.Decoder(_PartEvent).decode
_response = json.Decoder(_ResponseEvent).decode
_object = json.Decoder(dict[str, Any]).decode

_TERMINAL = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "response.done": "completed",
}
_WORDS = {
    "response.output_text.delta",
    "response.output_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
}


class StreamDecoder(EventDecoder):
    """Turns the bytes of a stream into pieces."""

    def __init__(self, call: ModelCall, taken: Collection[str] = ()) -> None:
        self._call = call
        self._reading = Reading(call, taken)
        self._items = self._reading.items
        self._texts, self._calls = self._items.texts, self._items.calls
        self._thoughts = self._items.thoughts
        super().__init__(self._reading)

    def _whole(self) -> BodyDecoder:
        return BodyDecoder(self._call, reading=self._reading)

    def _ended(self, out: list[Piece]) -> None:
        self._reading.failed_as(
            out, "stream_truncated", "The stream ended before its response.completed event."
        )

    # ------------------------------------------------------------ one event

    def _read(self, sse: SseEvent, data: bytes, out: list[Piece]) -> None:
        if data == b"[DONE]":
            return  # compatible hosts end so; it is not this API's terminal
        event = _event(data)
        if event.delta is not None:
            # The three frequent deltas, whose block is open; all else goes the long way.
            index = event.output_index
            if event.type == "response.output_text.delta":
                block = self._texts.get((index, event.content_index))
            elif event.type == "response.function_call_arguments.delta":
                block = self._calls.get(index)
            else:
                # One of the two is 0: a summary has its own index.
                part = event.summary_index + event.content_index
                block = self._thoughts.get((event.type, index, part))
            if block is not None:
                block.add(event.delta, out)
                return
        self._rare(event.type or text_of(sse.name), data, out)

    def _rare(self, kind: str, data: bytes, out: list[Piece]) -> None:
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                self._reading.read_head(_response(data).response)
            case "response.output_item.added":
                added = _item(data)
                self._items.add(added.output_index, added.item, out)
            case "response.output_item.done":
                done = _item(data)
                self._items.done(done.output_index, done.item, out)
            case "response.content_part.added":
                part = _part(data)
                self._items.begin_part(part.output_index, part.content_index, part.part, out)
            case _ if kind in _TERMINAL:
                self._reading.read_end(_response(data).response, _TERMINAL[kind], out)
            case "error":
                self._reading.failed(out, event_error(_object(data)))
            case _ if kind in _WORDS:
                self._words(kind, _words(data), out)
            case _:
                # {"type":"response.web_search_call.searching",…}, {"type":"keepalive"}, and
                # whatever the vendor adds
                pass

    def _words(self, kind: str, event: _Words, out: list[Piece]) -> None:
        """Read what adds to a text, to arguments or to reasoning."""
        block = self._block(kind, event, out)
        match block:
            case OpenText() | OpenThinking() | OpenToolCall() if kind.endswith(".delta"):
                block.add(event.delta or "", out)
            case OpenToolCall():
                # {"type":"response.function_call_arguments.done","output_index":1,"arguments":"{}"}
                say_arguments(block, event.arguments or "", out)
            case OpenText():
                # {"type":"response.refusal.done","output_index":0,"refusal":"No.",…}
                say_text(block, event.text or event.refusal or "", out)
            case _:
                pass

    def _block(
        self, kind: str, event: _Words, out: list[Piece]
    ) -> OpenText | OpenThinking | OpenToolCall | None:
        """Give the block that an event means; nothing for one that is opaque."""
        index, part = event.output_index, event.content_index
        match kind.rpartition(".")[0]:
            case "response.function_call_arguments":
                return self._items.call(index)
            case "response.output_text" | "response.refusal" as said:
                return self._items.text(index, part, out, refusal=said == "response.refusal")
            case _:
                # {"type":"response.reasoning_summary_text.delta","summary_index":1,"delta":"Hm",…}
                # {"type":"response.reasoning_text.delta","content_index":0,"delta":"Hm",…}
                return self._items.thinking(kind, index, event.summary_index + part, out)

    # ------------------------------------------------------------ what the fast decoder refused

    def _read_again(self, sse: SseEvent, out: list[Piece]) -> None:
        name = text_of(sse.name) or "message"
        try:
            value = lenient_value(sse.data)
            if not isinstance(value, dict):
                raise ValidationError("Expected an object")
            members = cast("dict[str, Any]", value)
            name = str(members.get("type") or name)
            delta = members.get("delta")
            if name in _WORDS and isinstance(delta, str):
                # Its text may end in the middle of a character.
                block = self._block(name, _words(encode(members)), out)
                if block is not None:
                    block.add_any(delta, out)
            else:
                self._rare(name, encode(members), out)
        except (ValueError, RecursionError) as error:
            self._reading.failed_as(out, "protocol", f'The event "{name}" is not valid: {error}')
