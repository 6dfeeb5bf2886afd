"""What is decoded of a chunk of a stream, and of a whole answer, in one pass.

{"id":"chatcmpl-…","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],…}
{"id":"chatcmpl-…","choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}],…}

A message has the members of a delta, so both are read by the same record. Every member may be
absent or null.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct, json

NULL = Raw(b"null")


class Function(Struct, gc=False):
    """`{"name":"search","arguments":"{}"}`; some hosts give the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Raw] | None = None


class Custom(Struct, gc=False):
    """`{"name":"run_code","input":"print(1)"}`."""

    name: str | None = None
    input: str | None = None


class CallDelta(Struct, gc=False):
    """`{"index":0,"id":"call_…","type":"function","function":{…}}`; later ones lack id and name."""

    index: int | None = None
    function: Function | None = None
    id: str | None = None
    type: str | None = None
    custom: Custom | None = None
    # Gemini's signature of a call: {"google":{"thought_signature":"…"}}
    extra_content: Raw = NULL


class Delta(Struct, gc=False):
    """What a chunk adds, or what a whole message has."""

    # Mistral: [{"type":"thinking","thinking":[{"type":"text","text":"…"}]},{"type":"text",…}]
    content: str | list[Raw] | None = None
    tool_calls: list[CallDelta] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    refusal: str | None = None
    function_call: Function | None = None
    annotations: list[Raw] | None = None
    audio: dict[str, Any] | None = None
    images: list[Raw] | None = None


class Choice(Struct, gc=False):
    """One of the answers; only the first is read."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    index: int | None = None
    usage: dict[str, Any] | None = None  # Moonshot puts it here
    # vLLM: the stop sequence that was met, or the number of a token
    stop_reason: str | int | None = None


class GroqPart(Struct, gc=False):
    """`{"id":"req_…","usage":{…}}`: older answers of Groq have the usage only here."""

    usage: dict[str, Any] | None = None


class Chunk(Struct, gc=False):
    """A chunk, or a whole answer; what nearly every chunk is read for."""

    choices: list[Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Raw = NULL


class Head(Struct, gc=False):
    """What surrounds the choices: the same in every chunk, or in the last ones only."""

    id: str | None = None
    model: str | None = None
    object: str | None = None
    x_groq: GroqPart | None = None
    citations: list[Raw] | None = None  # Perplexity


decode_chunk = json.Decoder(Chunk).decode
decode_head = json.Decoder(Head).decode


def given(value: Raw) -> bool:
    """Whether a raw member is there and not null."""
    return bytes(value) != b"null"


def is_error(chunk: Chunk, data: bytes, *, named: bool) -> bool:
    """Whether an error stands in place of a chunk or of an answer.

    `{"error":{…}}`, `{"object":"error","message":"…"}`, or an SSE event that is named so.
    """
    if given(chunk.error):
        return True
    return chunk.choices is None and (named or decode_head(data).object == "error")
