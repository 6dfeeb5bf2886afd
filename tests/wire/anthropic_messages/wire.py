"""Writes Anthropic's streams by hand."""

from __future__ import annotations

import json
from typing import Any

from isoloop.wire import Decoder, Ending, Piece, dialect_named
from tests.wire.pieces import call, joined

DIALECT = dialect_named("anthropic-messages")
STOP = '{"type":"message_stop"}'


def event(data: str, name: str | None = None) -> bytes:
    """Frame one event; its name is the type inside unless another is given."""
    found = json.loads(data).get("type", "") if name is None else name
    return f"event: {found}\ndata: {data}\n\n".encode()


def head(**usage: Any) -> bytes:
    """Begin a message."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test-9"}
    return event(json.dumps({"type": "message_start", "message": {**message, "usage": usage}}))


def start(index: int, block: dict[str, Any] | str) -> bytes:
    """Begin a block."""
    text = block if isinstance(block, str) else json.dumps(block)
    return event(f'{{"type":"content_block_start","index":{index},"content_block":{text}}}')


def delta(index: int, delta: dict[str, Any] | str) -> bytes:
    """Add to a block."""
    text = delta if isinstance(delta, str) else json.dumps(delta)
    return event(f'{{"type":"content_block_delta","index":{index},"delta":{text}}}')


def text_delta(index: int, text: str) -> bytes:
    """Add text to a block."""
    return delta(index, {"type": "text_delta", "text": text})


def stop(index: int) -> bytes:
    """End a block."""
    return event(f'{{"type":"content_block_stop","index":{index}}}')


def tail(reason: str | None = "end_turn", **members: Any) -> bytes:
    """End a message."""
    usage = members.pop("usage", {"output_tokens": 5})
    data = {
        "type": "message_delta",
        "delta": {"stop_reason": reason, **members},
        "usage": usage,
    }
    return event(json.dumps(data)) + event(STOP)


def text_block(index: int, text: str) -> bytes:
    """Write a whole text block."""
    return start(index, {"type": "text", "text": ""}) + text_delta(index, text) + stop(index)


def tool_block(index: int, call_id: str, arguments: str, name: str = "search") -> bytes:
    """Write a whole call."""
    return (
        start(index, {"type": "tool_use", "id": call_id, "name": name, "input": {}})
        + delta(index, {"type": "input_json_delta", "partial_json": arguments})
        + stop(index)
    )


def decoder(**options: Any) -> Decoder:
    """Make a decoder."""
    return DIALECT.decoder(call(**options))


def read(*parts: bytes, finish: bool = True, **options: Any) -> tuple[list[Piece], Ending | None]:
    """Feed parts to a new decoder."""
    reader = decoder(**options)
    pieces = [piece for part in parts for piece in reader.feed(part)]
    if finish:
        pieces += reader.finish()
    return joined(pieces), reader.end
