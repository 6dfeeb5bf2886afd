"""Writes streams of Chat Completions by hand."""

from __future__ import annotations

import json
from typing import Any

from isoloop.contract import ModelRef, ProviderData, RunConfig
from isoloop.wire import Answered, Decoder, Ending, Failed, ModelCall, Piece, dialect_named
from tests.wire.pieces import joined

DIALECT = dialect_named("openai-chat")
MODEL = ModelRef(dialect="openai-chat", model="gpt-test-9")
DONE = b"data: [DONE]\n\n"


def event(data: str) -> bytes:
    """Frame a chunk."""
    return f"data: {data}\n\n".encode()


def chunk(*choices: dict[str, Any], **members: Any) -> bytes:
    """Make a chunk."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-test-9"}
    return event(json.dumps({**head, "choices": list(choices), **members}))


def delta(finish: str | None = None, **members: Any) -> bytes:
    """Make a chunk with one delta."""
    return chunk({"index": 0, "delta": members, "finish_reason": finish})


def calls(*fragments: dict[str, Any]) -> bytes:
    """Make a chunk with fragments of calls."""
    return delta(tool_calls=list(fragments))


def fragment(
    index: int | None, arguments: Any = None, *, call_id: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """Make a fragment of a call; what is not given is left out."""
    function = {"name": name, "arguments": arguments}
    members = {"index": index, "id": call_id, "type": "function" if name else None}
    found: dict[str, Any] = {n: v for n, v in members.items() if v is not None}
    return {**found, "function": {n: v for n, v in function.items() if v is not None}}


def tail(finish: str | None = "stop", usage: dict[str, Any] | None = None) -> bytes:
    """End an answer."""
    return delta(finish) + (chunk(usage=usage) if usage else b"") + DONE


def whole(message: dict[str, Any], finish: str | None = "stop", **members: Any) -> bytes:
    """Make a JSON body."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"id": "chatcmpl-1", "choices": [choice], **members}).encode()


def call(*, stream: bool = True, vendor: str | None = None) -> ModelCall:
    """Make a call of a made-up model."""
    model = MODEL if vendor is None else MODEL.model_copy(update={"vendor": vendor})
    return ModelCall(model, RunConfig(model=model), turn=1, stream=stream)


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


def answered(*parts: bytes, **options: Any) -> Answered:
    """Read an answer that ends well."""
    _, end = read(*parts, **options)
    assert isinstance(end, Answered), end
    return end


def failed(*parts: bytes, **options: Any) -> Failed:
    """Read an answer that fails."""
    _, end = read(*parts, **options)
    assert isinstance(end, Failed), end
    return end


def content(*parts: bytes, **options: Any) -> list[Any]:
    """Read the blocks of an answer that ends well."""
    return answered(*parts, **options).message.content


def own(**members: Any) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(dialect="openai-chat", json_text=json.dumps(members, separators=(",", ":")))
