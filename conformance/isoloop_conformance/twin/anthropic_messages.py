"""Anthropic Messages as api.anthropic.com answers (version 2023-06-01, seen 2025 and 2026).

A stream, shortened; one event is one frame::

    event: message_start
    data: {"type":"message_start","message":{"model":"m","id":"msg_00twin","type":"message",...}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":0}

    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":…}

    event: message_stop
    data: {"type":"message_stop"}

`message_start` is sent when it is first needed: before content, `stop` or `usage`. An `error` or
`gate` at the head of a script therefore comes before everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop_conformance.exact_json import NotJsonError
from isoloop_conformance.frames import Bytes, End, Frame, Gate
from isoloop_conformance.spans import read_spans
from isoloop_conformance.twin._port import Rejection
from isoloop_conformance.twin._script import (
    Aside,
    Begin,
    Block,
    Call,
    Cut,
    Delta,
    Failure,
    Finish,
    Head,
    Opaque,
    Report,
    Script,
    ScriptError,
    Stop,
    Terminal,
    Text,
    Thinking,
    Usage,
    read_script,
)
from isoloop_conformance.twin._text import Verbatim, encode_json, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.twin._port import Scene


class AnthropicMessages:
    """The twin of the Anthropic Messages API."""

    dialect = "anthropic-messages"
    base_path = ""
    path = "/v1/messages"

    def headers(self, delivery: str, scene: Scene) -> dict[str, str]:
        """Return the headers of an answer with status 200."""
        kind = "text/event-stream; charset=utf-8" if delivery == "sse" else "application/json"
        return {"content-type": kind, "cache-control": "no-cache", "request-id": scene.request_id}

    def stream(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as an event stream, one frame per event."""
        return _Stream(self._script(reply, scene), scene).frames()

    def body(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as one JSON body.

        Gates hold the whole body. A body that is cut by `end` is its first half.
        """
        return _body(self._script(reply, scene), scene)

    def rejection(self, status: int | None, error: JsonObject, scene: Scene) -> Rejection:
        """Render an error response; without a status the error's kind or type decides."""
        said = _error(error, status)
        code = status or _STATUS_OF_TYPE.get(said["type"], 400)
        body = {"type": "error", "error": said, "request_id": scene.request_id}
        headers = {"content-type": "application/json", "request-id": scene.request_id}
        return Rejection(code, headers, encode_json(body))

    def is_terminal(self, event: bytes) -> bool:
        """Whether an event is `message_stop`."""
        return b'"type":"message_stop"' in event.replace(b" ", b"")

    def _script(self, reply: Sequence[JsonObject], scene: Scene) -> Script:
        return read_script(reply, ids=f"toolu_{scene.exchange:02}twin")


class _Stream:
    def __init__(self, script: Script, scene: Scene) -> None:
        self._script = script
        self._scene = scene
        self._frames: list[Frame] = []
        self._begun = False

    def frames(self) -> list[Frame]:
        for step in self._script.steps:
            if isinstance(step, Head | Begin | Stop | Report):
                self._head()
            match step:
                case Head():
                    pass
                case Begin(block):
                    self._begin(block)
                case Delta(block, text):
                    self._delta(block, _delta(block, text))
                case Finish(block):
                    self._finish(block)
                case Report(usage):
                    self._message_delta({"stop_reason": None, "stop_sequence": None}, usage)
                case Stop():
                    self._message_delta(_stop_members(step), self._script.last)
                case Failure(part):
                    self._event("error", {"error": {"details": None, **_error(part, None)}})
                case Terminal():
                    self._event("message_stop", {})
                case Aside():
                    self._aside(step)
                case Cut(how):
                    self._frames.append(End(how))
                case _:
                    assert_never(step)
        return self._frames

    def _head(self) -> None:
        if self._begun:
            return
        self._begun = True
        message: JsonObject = _message(self._scene) | {"stop_reason": None, "stop_sequence": None}
        first = self._script.first
        if first is not None:
            # A live message_start counts the first output token, whatever follows.
            output = None if first.output is None else 1
            counters = _counters(first, output if not self._script.several else first.output)
            message["usage"] = counters | {"service_tier": "standard"}
        self._event("message_start", {"message": message})

    def _begin(self, block: Block) -> None:
        start: Json
        match block:
            case Text():
                start = {"type": "text", "text": ""}
            case Thinking():
                start = {"type": "thinking", "thinking": "", "signature": ""}
            case Call():
                start = _tool_use(block, Verbatim("{}"))
            case Opaque(json=json):
                start, fragment = _opaque_start(json)
                self._block_event("start", block, {"content_block": start})
                if fragment is not None:
                    self._delta(block, {"type": "input_json_delta", "partial_json": ""})
                    self._delta(block, {"type": "input_json_delta", "partial_json": fragment})
                return
        self._block_event("start", block, {"content_block": start})

    def _delta(self, block: Block, delta: JsonObject) -> None:
        self._block_event("delta", block, {"delta": delta})

    def _finish(self, block: Block) -> None:
        if isinstance(block, Thinking) and block.signature is not None:
            self._delta(block, {"type": "signature_delta", "signature": block.signature})
        self._block_event("stop", block, {})

    def _message_delta(self, delta: JsonObject, usage: Usage | None) -> None:
        members: JsonObject = {"delta": delta}
        if usage is not None:
            members["usage"] = _counters(usage, usage.output, nested=False)
        self._event("message_delta", members)

    def _block_event(self, what: str, block: Block, members: JsonObject) -> None:
        self._event(f"content_block_{what}", {"index": block.index, **members})

    def _event(self, name: str, members: JsonObject) -> None:
        data = write_json({"type": name, **members})
        self._frames.append(Bytes(f"event: {name}\ndata: {data}\n\n".encode()))

    def _aside(self, aside: Aside) -> None:
        match aside.what:
            case "ping":
                # The one event that the live API writes with a blank after the colon (2026-08).
                self._frames.append(Bytes(b'event: ping\ndata: {"type": "ping"}\n\n'))
            case "comment":
                self._frames.append(Bytes(f": {aside.text}\n\n".encode()))
            case "raw":
                self._frames.append(Bytes(aside.text.encode()))
            case "gate":
                self._frames.append(Gate(aside.text))


def _body(script: Script, scene: Scene) -> list[Frame]:
    texts: dict[int, str] = {}
    blocks: list[Block] = []
    message: JsonObject = _message(scene)
    gates: list[Frame] = []
    end: list[Frame] = []
    for step in script.steps:
        match step:
            case Begin(block):
                blocks.append(block)
                texts[block.index] = ""
            case Delta(block, text):
                texts[block.index] += text
            case Stop():
                message |= _stop_members(step)
            case Aside(what="gate", text=name):
                gates.append(Gate(name))
            case Aside(what="raw") | Failure():
                raise ScriptError(
                    "`raw` and `error` have no place in a JSON body; use `body` or `status`"
                )
            case Cut(how):
                end.append(End(how))
            case Head() | Finish() | Report() | Terminal() | Aside():
                pass
            case _:
                assert_never(step)
    message["content"] = [_whole_block(block, texts[block.index]) for block in blocks]
    if script.last is not None:
        counters = _counters(script.last, script.last.output)
        message["usage"] = counters | {"service_tier": "standard"}
    data = encode_json(message)
    return [*gates, Bytes(data[: len(data) // 2] if end else data), *end]


def _message(scene: Scene) -> JsonObject:
    return {
        "model": scene.model,
        "id": f"msg_{scene.exchange:02}twin",
        "type": "message",
        "role": "assistant",
        "content": [],
    }


def _delta(block: Block, text: str) -> JsonObject:
    match block:
        case Text():
            return {"type": "text_delta", "text": text}
        case Thinking():
            return {"type": "thinking_delta", "thinking": text}
        case Call():
            return {"type": "input_json_delta", "partial_json": text}
        case Opaque():
            raise ScriptError("an opaque block has no deltas of its own")


def _tool_use(call: Call, arguments: Json) -> JsonObject:
    ids = {} if call.id is None else {"id": call.id}
    return {"type": "tool_use", **ids, "name": call.name, "input": arguments}


def _whole_block(block: Block, text: str) -> Json:
    match block:
        case Text():
            return {"type": "text", "text": text}
        case Thinking(signature=signature):
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
        case Call(name=name):
            try:
                read_spans(text if text.strip() else "{}")
            except NotJsonError as error:
                raise ScriptError(
                    f"a JSON body cannot carry the arguments of `{name}`: {error}; "
                    "leave the json delivery out of the case"
                ) from None
            return _tool_use(block, Verbatim(text if text.strip() else "{}"))
        case Opaque(json=json):
            return Verbatim(json)


def _opaque_start(json: str) -> tuple[Verbatim, str | None]:
    """Return what opens an opaque block, and the input that follows in deltas.

    Blocks of server tools stream their input like `tool_use`; all others stand whole in the start::

        data: {
            "type": "content_block_start",
            "index": 1,
            "content_block": {
                "type": "server_tool_use",
                "id": "srvtoolu_1",
                "name": "web_search",
                "input": {},
            },
        }
    """
    try:
        block = read_spans(json)
    except NotJsonError as error:
        raise ScriptError(f"an opaque block is not JSON: {error}") from None
    given = block.get("input")
    if given is None or not given.members:
        return Verbatim(json), None
    start = f"{json[: given.start]}{{}}{json[given.end :]}"
    return Verbatim(start), given.raw


def _counters(usage: Usage, output: int | None, *, nested: bool = True) -> JsonObject:
    """Render counters; what is None is not reported.

    Example::

        "usage":{"input_tokens":43,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,
        "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1}
    """
    counters: JsonObject = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
    }
    if nested and usage.cache_write is not None and usage.cache_write_long is not None:
        counters["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write - usage.cache_write_long,
            "ephemeral_1h_input_tokens": usage.cache_write_long,
        }
    counters["output_tokens"] = output
    if usage.reasoning is not None:
        counters["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return {name: value for name, value in counters.items() if value is not None}


def _stop_members(stop: Stop) -> JsonObject:
    word = _STOP_WORDS.get(stop.reason, stop.reason) if stop.raw is None else stop.raw
    return {"stop_reason": word, "stop_sequence": stop.sequence}


# The contract's words that this provider says differently.
_STOP_WORDS = {"context_window_exceeded": "model_context_window_exceeded"}

# https://docs.claude.com/en/api/errors, read 2026-08; 408 and 409 as the official SDKs expect them.
_TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUS_OF_TYPE = {name: status for status, name in _TYPE_OF_STATUS.items()} | {"api_error": 500}

_TYPE_OF_KIND = {
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "invalid_request": "invalid_request_error",
    "context_overflow": "invalid_request_error",
    "content_filter": "invalid_request_error",
    "rate_limited": "rate_limit_error",
    "quota_exceeded": "billing_error",
    "overloaded": "overloaded_error",
    "server_error": "api_error",
    "timeout": "timeout_error",
    "conflict": "conflict_error",
    "too_large": "request_too_large",
}
_MESSAGE_OF_KIND = {
    "context_overflow": "prompt is too long: 209153 tokens > 200000 maximum",
    "content_filter": "Output blocked by content filtering policy",
}
_MESSAGE_OF_TYPE = {
    "authentication_error": "invalid x-api-key",
    "billing_error": "Your credit balance is too low to access the Anthropic API.",
    "permission_error": "Your API key does not have permission to use the specified resource.",
    "not_found_error": "model: test-model",
    "request_too_large": "Request exceeds the maximum size",
    "rate_limit_error": "This request would exceed your organization's rate limit.",
    "overloaded_error": "Overloaded",
    "api_error": "Internal server error",
    "timeout_error": "Request timed out",
    "invalid_request_error": "messages: Field required",
}


def _error(part: JsonObject, status: int | None) -> JsonObject:
    """Choose an error's words: those given, else by kind, else by status.

    Example::

        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    """
    kind = part.get("kind")
    if kind is not None and kind not in _TYPE_OF_KIND:
        raise ScriptError(f"this provider cannot say `{kind}`; give a `type`")
    by_status = _TYPE_OF_STATUS.get(
        status or 500, "api_error" if (status or 500) >= 500 else "invalid_request_error"
    )
    name = part.get("type") or (_TYPE_OF_KIND[kind] if kind else by_status)
    fallback = _MESSAGE_OF_KIND.get(kind or "") or _MESSAGE_OF_TYPE.get(
        name, "Something went wrong"
    )
    return {"type": name, "message": part.get("message", fallback)}
