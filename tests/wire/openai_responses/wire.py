"""Writes streams of the Responses API by hand."""

from __future__ import annotations

import json
from typing import Any

from isoloop.contract import ModelRef, RunConfig
from isoloop.wire import Answered, Decoder, Ending, Failed, ModelCall, Piece, dialect_named
from tests.wire.pieces import joined

DIALECT = dialect_named("openai-responses")
MODEL = ModelRef(dialect="openai-responses", model="gpt-test-9")


def call(*, stream: bool = True) -> ModelCall:
    """Make a call of a made-up model."""
    return ModelCall(MODEL, RunConfig(model=MODEL), turn=1, stream=stream)


def event(data: dict[str, Any] | str, name: str | None = None) -> bytes:
    """Frame one event; its name is the type inside unless another is given."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    found = json.loads(text).get("type", "") if name is None else name
    return f"event: {found}\ndata: {text}\n\n".encode()


def say(kind: str, **members: Any) -> bytes:
    """Write an event `response.{kind}`."""
    return event({"type": f"response.{kind}", **members})


def head(status: str = "in_progress") -> bytes:
    """Begin a response."""
    response = {"id": "resp_1", "model": "gpt-test-9", "status": status, "output": []}
    return say("created", response=response)


def added(index: int, **item: Any) -> bytes:
    """Begin an item."""
    return say("output_item.added", output_index=index, item=item)


def done(index: int, **item: Any) -> bytes:
    """Finish an item."""
    return say("output_item.done", output_index=index, item=item)


def text_delta(index: int, delta: str, part: int = 0) -> bytes:
    """Add text."""
    return say("output_text.delta", output_index=index, content_index=part, delta=delta)


def arguments_delta(index: int, delta: str) -> bytes:
    """Add to arguments."""
    return say("function_call_arguments.delta", output_index=index, delta=delta)


def summary_delta(index: int, delta: str, part: int = 0) -> bytes:
    """Add to a summary of reasoning."""
    return say("reasoning_summary_text.delta", output_index=index, summary_index=part, delta=delta)


def output_text(text: str, **members: Any) -> dict[str, Any]:
    """Make a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **members}


def message_item(*texts: str, item_id: str = "msg_1", **members: Any) -> dict[str, Any]:
    """Make a whole message."""
    return {
        "type": "message", "id": item_id, "role": "assistant", "status": "completed",
        "content": [output_text(text) for text in texts], **members,
    }  # fmt: skip


def call_item(
    call_id: str, arguments: str, item_id: str = "fc_1", **members: Any
) -> dict[str, Any]:
    """Make a whole call."""
    return {
        "type": "function_call", "id": item_id, "call_id": call_id, "name": "search",
        "arguments": arguments, "status": "completed", **members,
    }  # fmt: skip


def reasoning_item(*summary: str, encrypted: str | None = "enc", **members: Any) -> dict[str, Any]:
    """Make whole reasoning."""
    return {
        "type": "reasoning", "id": "rs_1",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "encrypted_content": encrypted, **members,
    }  # fmt: skip


def message_of(index: int, text: str, item_id: str = "msg_1", **members: Any) -> bytes:
    """Write a whole message of one text."""
    started = {"type": "message", "id": item_id, "content": [], "status": "in_progress", **members}
    part = output_text("")
    return (
        added(index, **started)
        + say("content_part.added", output_index=index, content_index=0, part=part)
        + text_delta(index, text)
        + say("output_text.done", output_index=index, content_index=0, text=text)
        + say("content_part.done", output_index=index, content_index=0, part=output_text(text))
        + done(index, **message_item(text, item_id=item_id, **members))
    )


def call_of(index: int, call_id: str, arguments: str, **members: Any) -> bytes:
    """Write a whole call."""
    return (
        added(index, **call_item(call_id, "", status="in_progress", **members))
        + arguments_delta(index, arguments)
        + say("function_call_arguments.done", output_index=index, arguments=arguments)
        + done(index, **call_item(call_id, arguments, **members))
    )


def tail(kind: str = "completed", **members: Any) -> bytes:
    """End a response."""
    status = {"done": "completed"}.get(kind, kind)
    response = {"id": "resp_1", "model": "gpt-test-9", "status": status, "output": []}
    return say(kind, response={**response, **members})


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
