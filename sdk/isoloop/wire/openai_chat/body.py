"""Reads a chat model's answer when it was not streamed: the same pieces, one delta per block.

{"id":"chatcmpl-…","model":"gpt-…","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},
 "finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import ValidationError

from isoloop.wire._decoders import WholeDecoder
from isoloop.wire.openai_chat.answer import Reading
from isoloop.wire.openai_chat.chunks import decode_chunk, decode_head, is_error

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.wire._pieces import Piece
    from isoloop.wire._port import ModelCall


class BodyDecoder(WholeDecoder):
    """Collects a body and reads it at its end."""

    def __init__(
        self, call: ModelCall, taken: Collection[str] = (), reading: Reading | None = None
    ) -> None:
        self._reading = reading or Reading(call, taken)
        super().__init__(self._reading)

    def _read(self, body: bytes, out: list[Piece]) -> None:
        chunk = decode_chunk(body)
        reading = self._reading
        reading.read_head(decode_head(body), chunk.usage)
        if is_error(chunk, body, named=False):
            # {"error":{"message":"…","code":502}} under status 200: OpenRouter
            reading.read_error(body, out)
            return
        choice = next((choice for choice in chunk.choices or () if not choice.index), None)
        if choice is None or choice.message is None:
            raise ValidationError("Object missing required field `message` - at `$.choices[0]`")
        for place, call in enumerate(choice.message.tool_calls or ()):
            call.index = place  # every entry is a whole call, whatever its id is
        reading.read_choice(choice, choice.message, out)
        reading.answered(out)
