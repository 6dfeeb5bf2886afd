"""Chat Completions as api.openai.com answers, with the extensions of the hosts that copy it.

A stream, shortened; one chunk is one frame (recordings of 2025 and 2026)::

    data: {"id":"chatcmpl-00twin","object":"chat.completion.chunk","created":1767225600,"model":"m",
    "choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,
    "finish_reason":null}],"usage":null}

    data: {…"choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}]…}

    data: {…"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]…}

    data: {…"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}

    data: [DONE]

The dialect knows deltas and no blocks:

* Text and thinking (`reasoning_content`, as DeepSeek has it) end when something else comes, so
  two texts in a row, or a text among whose deltas other blocks speak, are a `ScriptError`; so are
  an opaque block, an explicit `close`, a signature, a text without a character. The default
  signature is left out: nobody asked for it.
* A call's first chunk carries its id, its name and the first delta of its arguments.
* Usage comes with the stop reason, in a chunk of its own; an answer that breaks off before that
  reports none. Earlier of several reports are in the `usage` of a chunk, as compatible hosts do.
* A keep-alive is an SSE comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop_conformance.frames import Bytes, End, Frame, Gate
from isoloop_conformance.twin._openai import (
    CREATED_S,
    error_members,
    error_response,
    input_and_total,
    reported,
)
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
from isoloop_conformance.twin._text import encode_json, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.twin._port import Rejection, Scene


class OpenAIChat:
    """The twin of the Chat Completions API."""

    dialect = "openai-chat"
    base_path = "/v1"
    path = "/chat/completions"

    def headers(self, delivery: str, scene: Scene) -> dict[str, str]:
        """Return the headers of an answer with status 200."""
        kind = "text/event-stream; charset=utf-8" if delivery == "sse" else "application/json"
        return {"content-type": kind, "x-request-id": scene.request_id}

    def stream(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as an event stream, one frame per chunk."""
        return _Stream(_script(reply, scene), scene).frames()

    def body(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as one JSON body.

        Gates hold the whole body. A body that is cut by `end` is its first half.
        """
        return _body(_script(reply, scene), scene)

    def rejection(self, status: int | None, error: JsonObject, scene: Scene) -> Rejection:
        """Render an error response; without a status the error's kind decides."""
        return error_response(status, error, scene)

    def is_terminal(self, event: bytes) -> bool:
        """Whether an event is `[DONE]`."""
        return event.strip() == b"data: [DONE]"


def _script(reply: Sequence[JsonObject], scene: Scene) -> Script:
    script = read_script(reply, ids=f"call_{scene.exchange:02}twin")
    texts: dict[Block, str] = {}
    last: Block | None = None
    for step in script.steps:
        match step:
            case Begin(Opaque(kind=kind)):
                raise ScriptError(f"this dialect has no block `{kind}`; use `raw` or a cassette")
            case Begin(Thinking(asked=True)):
                raise ScriptError("this dialect signs no thinking; leave `signature` out")
            case Begin(block):
                texts[block] = ""
            case Delta(block, text):
                if last is not None and block != last and not isinstance(block, Call):
                    _check_apart(block, last, spoken=bool(texts[block]))
                texts[block] += text
                last = block
            case Finish(asked=True):
                raise ScriptError("nothing closes a block in this dialect; leave `close` out")
            case _:
                pass
    if any(not text and not isinstance(block, Call) for block, text in texts.items()):
        raise ScriptError("this dialect has no text or thinking without a character")
    return script


def _check_apart(block: Block, last: Block, *, spoken: bool) -> None:
    """Look whether a text, or thinking, is told apart from what came before it."""
    if spoken:
        raise ScriptError("what else speaks ends a text in this dialect; interleave calls only")
    if type(block) is type(last):
        raise ScriptError("this dialect does not tell two texts in a row apart")


class _Stream:
    def __init__(self, script: Script, scene: Scene) -> None:
        self._script = script
        self._scene = scene
        self._frames: list[Frame] = []
        self._begun = False
        # Calls of which nothing was sent yet, and the index of each.
        self._waiting: list[Call] = []
        self._calls: list[Call] = []

    def frames(self) -> list[Frame]:
        for step in self._script.steps:
            if not isinstance(step, Begin | Delta):
                self._send_waiting()
            if isinstance(step, Head | Begin | Stop | Report):
                self._head()
            match step:
                case Begin(block):
                    if isinstance(block, Call):
                        self._waiting.append(block)
                        self._calls.append(block)
                case Delta(block, text):
                    self._delta(block, text)
                case Report(usage):
                    self._chunk([_choice({})], usage)
                case Stop():
                    self._chunk([_choice({}, _finish_reason(step)) | _stop_sequence(step)])
                    if self._script.last is not None:
                        self._chunk([], self._script.last)
                case Failure(part):
                    self._data(write_json({"error": error_members(part, None)}))
                case Terminal():
                    self._data("[DONE]")
                case Aside():
                    self._aside(step)
                case Cut(how):
                    self._frames.append(End(how))
                case Head() | Finish():
                    pass
                case _:
                    assert_never(step)
        return self._frames

    def _head(self) -> None:
        """Say the role; what stands beside it depends on what comes, as it does live."""
        if self._begun:
            return
        self._begun = True
        begun = (step.block for step in self._script.steps if isinstance(step, Begin))
        delta: JsonObject = {"role": "assistant", "content": "", "refusal": None}
        match next(begun, None):
            case Call():
                delta = {"role": "assistant", "content": None}
            case Thinking():
                delta = {"role": "assistant", "content": None, "reasoning_content": ""}
            case _:
                pass
        self._chunk([_choice(delta)], self._script.first if self._script.several else None)

    def _delta(self, block: Block, text: str) -> None:
        match block:
            case Text():
                self._chunk([_choice({"content": text})])
            case Thinking():
                self._chunk([_choice({"content": None, "reasoning_content": text})])
            case Call() if block in self._waiting:
                self._waiting.remove(block)
                self._call(block, {"arguments": text})
            case Call():
                entry: JsonObject = {
                    "index": self._calls.index(block),
                    "function": {"arguments": text},
                }
                self._chunk([_choice({"tool_calls": [entry]})])
            case Opaque():
                raise ScriptError("an opaque block has no deltas of its own")
            case _:
                assert_never(block)

    def _send_waiting(self) -> None:
        for call in self._waiting:
            self._call(call, {})
        self._waiting = []

    def _call(self, call: Call, arguments: JsonObject) -> None:
        ids = {} if call.id is None else {"id": call.id}
        function = {"name": call.name, **arguments}
        entry: JsonObject = {"index": self._calls.index(call), **ids, "type": "function"}
        self._chunk([_choice({"tool_calls": [entry | {"function": function}]})])

    def _chunk(self, choices: list[JsonObject], usage: Usage | None = None) -> None:
        members: JsonObject = _members(self._scene, "chat.completion.chunk")
        counters = None if usage is None else _counters(usage)
        self._data(write_json({**members, "choices": choices, "usage": counters}))

    def _data(self, text: str) -> None:
        self._frames.append(Bytes(f"data: {text}\n\n".encode()))

    def _aside(self, aside: Aside) -> None:
        match aside.what:
            case "ping":
                # openrouter.ai, 2025 and 2026; api.openai.com sends none.
                self._frames.append(Bytes(b": PROCESSING\n\n"))
            case "comment":
                self._frames.append(Bytes(f": {aside.text}\n\n".encode()))
            case "raw":
                self._frames.append(Bytes(aside.text.encode()))
            case "gate":
                self._frames.append(Gate(aside.text))


def _body(script: Script, scene: Scene) -> list[Frame]:
    texts: dict[Block, str] = {}
    reason: str | None = None
    gates: list[Frame] = []
    end: list[Frame] = []
    for step in script.steps:
        match step:
            case Begin(block):
                texts[block] = ""
            case Delta(block, text):
                texts[block] += text
            case Stop():
                reason = _finish_reason(step)
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
    choice = {"index": 0, "message": _message(texts), "logprobs": None, "finish_reason": reason}
    for step in script.steps:
        choice |= _stop_sequence(step) if isinstance(step, Stop) else {}
    answer: JsonObject = {**_members(scene, "chat.completion"), "choices": [choice]}
    if script.last is not None:
        answer["usage"] = _counters(script.last)
    data = encode_json(answer)
    return [*gates, Bytes(data[: len(data) // 2] if end else data), *end]


def _message(texts: dict[Block, str]) -> JsonObject:
    """Return the message: its members have no order, so the blocks must be in the usual one."""
    message: JsonObject = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    calls: list[JsonObject] = []
    places = [_PLACES.index(type(block)) for block in texts]
    single = [place for place in places if _PLACES[place] is not Call]
    if places != sorted(places) or len(single) != len(set(single)):
        raise ScriptError("a JSON body has one thinking, one text and calls, in this order")
    for block, text in texts.items():
        match block:
            case Text():
                message["content"] = text
            case Thinking():
                message["reasoning_content"] = text
            case Call(name=name):
                ids = {} if block.id is None else {"id": block.id}
                function = {"name": name, "arguments": text}
                calls.append({**ids, "type": "function", "function": function})
            case Opaque():
                raise ScriptError("this dialect has no opaque blocks")
            case _:
                assert_never(block)
    return message | ({"tool_calls": calls} if calls else {})


_PLACES: list[type[Block]] = [Thinking, Text, Call]


def _members(scene: Scene, kind: str) -> JsonObject:
    return {
        "id": f"chatcmpl-{scene.exchange:02}twin",
        "object": kind,
        "created": CREATED_S,
        "model": scene.model,
        "service_tier": "default",
        "system_fingerprint": "fp_isoloop",
    }


def _choice(delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _counters(usage: Usage) -> JsonObject:
    """Render counters; what is None is not reported. The prompt's count includes caches.

    Example::

        "usage":{"prompt_tokens":364,"completion_tokens":40,"total_tokens":404,
        "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
        "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,…}}
    """
    prompt, total = input_and_total(usage)
    counters: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": total,
        "prompt_tokens_details": reported(
            cached_tokens=usage.cache_read, cache_write_tokens=usage.cache_write
        ),
        "completion_tokens_details": reported(reasoning_tokens=usage.reasoning),
    }
    return {name: value for name, value in counters.items() if value is not None}


def _finish_reason(stop: Stop) -> str:
    if stop.raw is not None:
        return stop.raw
    if stop.reason not in _FINISH_REASONS or (stop.sequence is None) == (
        stop.reason == "stop_sequence"
    ):
        raise ScriptError(f"this dialect cannot say `{stop.reason}`; give its own word as `raw`")
    return _FINISH_REASONS[stop.reason]


def _stop_sequence(stop: Stop) -> JsonObject:
    """Name the stop sequence that was met, as vLLM does; OpenAI itself keeps it to itself."""
    return {} if stop.sequence is None else {"stop_reason": stop.sequence}


_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
