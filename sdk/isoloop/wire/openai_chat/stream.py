r"""Reads a chat model's answer as it streams.

    data: {"id":"chatcmpl-…","model":"gpt-…","choices":[{"index":0,"delta":{"role":"assistant"}}]}

    data: {"id":"chatcmpl-…",…,"choices":[{"index":0,"delta":{"content":"Hello"},…}],"usage":null}

    data: {"id":"chatcmpl-…",…,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

    data: {"id":"chatcmpl-…",…,"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,…}}

    data: [DONE]

Rules: `[DONE]` is the good end, and so is a clean end of the body after a `finish_reason`, for not
every host sends `[DONE]`; a body that ends before both was cut off. Usage may come after the
finish reason, so that is not the end. Chunks without choices are heads, usage or something new.
An object with `error` fails the answer, whatever its SSE event is called:

    event: error
    data: {"error":{"message":"…","code":"tool_use_failed","status_code":400}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from isoloop.wire._decoders import EventDecoder
from isoloop.wire._json import encode
from isoloop.wire._lenient import lenient_value
from isoloop.wire.openai_chat.answer import Reading
from isoloop.wire.openai_chat.body import BodyDecoder
from isoloop.wire.openai_chat.chunks import NULL, decode_chunk, decode_head, is_error

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall
    from isoloop.wire._sse import SseEvent
    from isoloop.wire.openai_chat.chunks import Choice, Chunk


class StreamDecoder(EventDecoder):
    """Turns the bytes of a stream into pieces."""

    def __init__(self, call: ModelCall, taken: Collection[str] = ()) -> None:
        self._call = call
        self._reading = Reading(call, taken)
        self._first = True
        super().__init__(self._reading)

    def _whole(self) -> BodyDecoder:
        return BodyDecoder(self._call, reading=self._reading)

    def _ended(self, out: list[Piece]) -> None:
        if self._reading.finished:
            self._reading.answered(out)
        else:
            self._reading.failed_as(
                out, "stream_truncated", "The stream ended before a finish reason."
            )

    def _read(self, sse: SseEvent, data: bytes, out: list[Piece]) -> None:
        if data.startswith(b"[DONE]"):
            self._reading.answered(out)
        else:
            self._read_chunk(sse, data, decode_chunk(data), out)

    def _read_chunk(self, sse: SseEvent, data: bytes, chunk: Chunk, out: list[Piece]) -> None:
        reading = self._reading
        choices = chunk.choices
        # The first half of the test costs little, and nearly every chunk goes no further.
        rare = choices is None or chunk.error is not NULL
        if rare and is_error(chunk, data, named=sse.name == b"error"):
            reading.read_error(data, out)
            return
        if self._first or chunk.usage is not None:
            self._first = False
            reading.read_head(decode_head(data), chunk.usage)
        for choice in choices or ():
            reading.read_choice(choice, choice.delta or choice.message, out)
            if choice.finish_reason:
                reading.read_head(decode_head(data), None)

    # ------------------------------------------------------------ what the fast decoder refused

    def _read_again(self, sse: SseEvent, out: list[Piece]) -> None:
        try:
            value = lenient_value(sse.data)
            data = encode(value)
            chunk = decode_chunk(data)
            for choice, whole in zip(chunk.choices or (), _choices(value), strict=False):
                _put_halves(choice, whole)
            self._reading.halved = self._reading.calls.halved = True
            self._read_chunk(sse, data, chunk, out)
            self._reading.halved = self._reading.calls.halved = False
        except (ValueError, RecursionError) as error:
            self._reading.failed_as(out, "protocol", f"A chunk is not valid: {error}")


def _choices(value: Any) -> list[Any]:
    match value:
        case {"choices": list()}:
            return cast("dict[str, list[Any]]", value)["choices"]
        case _:
            return []


def _put_halves(choice: Choice, value: Any) -> None:
    """Put back texts that may end in the middle of a character, as they came."""
    match value:
        case {"delta": dict()} if choice.delta is not None:
            members = cast("dict[str, dict[str, Any]]", value)["delta"]
        case _:
            return
    delta = choice.delta
    for name in ("content", "refusal", "reasoning_content", "reasoning", "reasoning_text"):
        if isinstance(members.get(name), str):
            setattr(delta, name, members[name])
    calls = cast("list[Any]", members.get("tool_calls") or [])
    for call, given_call in zip(delta.tool_calls or (), calls, strict=False):
        match given_call:
            case {"function": {"arguments": str() as arguments}} if call.function is not None:
                call.function.arguments = arguments
            case _:
                pass
