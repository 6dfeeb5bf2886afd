"""Responses as api.openai.com answers (recordings of 2025 and 2026).

A stream, shortened; one event is one frame, and every event has a `sequence_number`::

    event: response.created
    data: {"type":"response.created","response":{"id":"resp_00twin","status":"in_progress",…}}

    event: response.output_item.added
    data: {"type":"response.output_item.added","output_index":0,"item":{"id":"msg_00twin00",…}}

    event: response.content_part.added
    data: {"type":"response.content_part.added","item_id":"msg_00twin00","part":{…},…}

    event: response.output_text.delta
    data: {"type":"response.output_text.delta","item_id":"msg_00twin00","delta":"Hi",…}

    event: response.output_text.done
    event: response.content_part.done
    event: response.output_item.done
    event: response.completed
    data: {"type":"response.completed","response":{"status":"completed","output":[…],"usage":…}}

What the dialect says in its own way:

* Each block is an output item; each item of thinking has at most one summary part.
* The stop reason and the usage are in the terminal event alone: after `stop` an `end` leaves both
  untold. `completed` is `tool_use` after calls and `end_turn` otherwise, and nothing else.
* An answer that is `incomplete` has an incomplete last item.
* An `error` before anything else is an `error` event; after the head it is `response.failed`.
* The encrypted content of an item that was only added is another than that of the finished item.
* A keep-alive is an SSE comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop_conformance.exact_json import NotJsonError
from isoloop_conformance.frames import Bytes, End, Frame, Gate
from isoloop_conformance.spans import read_spans
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
from isoloop_conformance.twin._text import Verbatim, encode_json, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.twin._port import Rejection, Scene

# "partial" in base64: what the encrypted content is while an item is in progress.
_PARTIAL = "cGFydGlhbA=="


class OpenAIResponses:
    """The twin of the Responses API."""

    dialect = "openai-responses"
    base_path = "/v1"
    path = "/responses"

    def headers(self, delivery: str, scene: Scene) -> dict[str, str]:
        """Return the headers of an answer with status 200."""
        kind = "text/event-stream; charset=utf-8" if delivery == "sse" else "application/json"
        return {"content-type": kind, "x-request-id": scene.request_id}

    def stream(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as an event stream, one frame per event."""
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
        """Whether an event is `response.completed`, `response.incomplete` or `response.failed`."""
        first_line = event.partition(b"\n")[0]
        return first_line.removeprefix(b"event: response.") in {
            b"completed",
            b"incomplete",
            b"failed",
        }


def _script(reply: Sequence[JsonObject], scene: Scene) -> Script:
    script = read_script(reply, ids=f"call_{scene.exchange:02}twin")
    if script.several:
        raise ScriptError("this dialect reports usage once, at the end")
    return script


class _Answer:
    """The answer so far: what a snapshot of the response holds."""

    def __init__(self, script: Script, scene: Scene) -> None:
        self._scene = scene
        self._usage = script.last
        self.texts: dict[Block, str] = {}
        stops = [step for step in script.steps if isinstance(step, Stop)]
        self._stop = stops[0] if stops else None
        begun = [step.block for step in script.steps if isinstance(step, Begin)]
        self._called = any(isinstance(block, Call) for block in begun)
        # What the reason of an incomplete answer cut short.
        self._cut = begun[-1] if begun and self._stop and self._reason() else None

    def ended(self) -> JsonObject:
        """Return the response as it ends well."""
        reason = self._reason()
        status = "incomplete" if reason else "completed"
        output = [self.item(block) for block in self.texts]
        members = {"incomplete_details": {"reason": reason}} if reason else {}
        usage = None if self._usage is None else _counters(self._usage)
        return self.snapshot(status, output=output, usage=usage, **members)

    def snapshot(self, status: str, **members: Json) -> JsonObject:
        """Return the response in some state; members as in recordings of 2026."""
        done = status == "completed"
        response: JsonObject = {
            "id": f"resp_{self._scene.exchange:02}twin",
            "object": "response",
            "created_at": CREATED_S,
            "status": status,
            "background": False,
            "completed_at": CREATED_S + 1 if done else None,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": None,
            "max_tool_calls": None,
            "model": self._scene.model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": False,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
            "user": None,
            "metadata": {},
        }
        return response | members

    def item_id(self, block: Block) -> str:
        """Return the provider's id of an item."""
        prefix = _ID_PREFIXES[type(block)]
        return f"{prefix}_{self._scene.exchange:02}twin{block.index:02}"

    def item(self, block: Block, *, added: bool = False) -> Json:
        """Return an output item, as it is added or as it is done."""
        text = "" if added else self.texts[block]
        status = "in_progress" if added else "incomplete" if block == self._cut else "completed"
        members: JsonObject = {"id": self.item_id(block)}
        match block:
            case Text():
                content = [] if added else [_part(text)]
                members |= {"type": "message", "status": status, "content": content}
                return members | {"role": "assistant"}
            case Thinking(signature=signature):
                summary = [_summary(text)] if text else []
                members |= {"type": "reasoning", "summary": summary}
                encrypted = _PARTIAL if added else signature
                return members | ({} if signature is None else {"encrypted_content": encrypted})
            case Call():
                ids = {} if block.id is None else {"call_id": block.id}
                members |= {"type": "function_call", "status": status, "arguments": text}
                return members | ids | {"name": block.name}
            case Opaque(json=json):
                return _verbatim(json)
            case _:
                assert_never(block)

    def _reason(self) -> str | None:
        """Return why the answer is incomplete; None when it is completed."""
        stop = self._stop
        if stop is None:
            return None
        if stop.raw is not None:
            return stop.raw
        natural = "tool_use" if self._called else "end_turn"
        if stop.reason == natural and stop.sequence is None:
            return None
        if stop.reason not in _REASONS:
            raise ScriptError(f"this dialect cannot say `{stop.reason}` here; leave the case out")
        return _REASONS[stop.reason]


class _Stream:
    def __init__(self, script: Script, scene: Scene) -> None:
        self._script = script
        self._answer = _Answer(script, scene)
        self._frames: list[Frame] = []
        self._events = 0
        self._begun = False
        # Thinking whose summary part was added.
        self._summaries: set[Block] = set()

    def frames(self) -> list[Frame]:
        for step in self._script.steps:
            if isinstance(step, Head | Begin | Stop | Report):
                self._head()
            match step:
                case Begin(block):
                    self._begin(block)
                case Delta(block, text):
                    self._delta(block, text)
                case Finish(block):
                    self._finish(block)
                case Failure(part):
                    self._fail(part)
                case Terminal():
                    response = self._answer.ended()
                    self._event(f"response.{response['status']}", {"response": response})
                case Aside():
                    self._aside(step)
                case Cut(how):
                    self._frames.append(End(how))
                case Head() | Report() | Stop():
                    pass
                case _:
                    assert_never(step)
        return self._frames

    def _head(self) -> None:
        if self._begun:
            return
        self._begun = True
        for name in ("response.created", "response.in_progress"):
            self._event(name, {"response": self._answer.snapshot("in_progress")})

    def _begin(self, block: Block) -> None:
        self._answer.texts[block] = ""
        item = self._answer.item(block, added=True)
        self._event("response.output_item.added", {"output_index": block.index, "item": item})
        if isinstance(block, Text):
            self._block_event("response.content_part.added", block, {"part": _part("")})

    def _delta(self, block: Block, text: str) -> None:
        self._answer.texts[block] += text
        match block:
            case Text():
                said: JsonObject = {"delta": text, "logprobs": []}
                self._block_event("response.output_text.delta", block, said)
            case Thinking():
                if block not in self._summaries:
                    self._summaries.add(block)
                    part = {"part": _summary("")}
                    self._block_event("response.reasoning_summary_part.added", block, part)
                self._block_event("response.reasoning_summary_text.delta", block, {"delta": text})
            case Call():
                # The item that was added has the empty arguments; no empty delta is ever sent.
                if text:
                    name = "response.function_call_arguments.delta"
                    self._block_event(name, block, {"delta": text})
            case Opaque():
                raise ScriptError("an opaque block has no deltas of its own")
            case _:
                assert_never(block)

    def _finish(self, block: Block) -> None:
        text = self._answer.texts[block]
        match block:
            case Text():
                said: JsonObject = {"text": text, "logprobs": []}
                self._block_event("response.output_text.done", block, said)
                self._block_event("response.content_part.done", block, {"part": _part(text)})
            case Thinking() if block in self._summaries:
                self._block_event("response.reasoning_summary_text.done", block, {"text": text})
                part = {"part": _summary(text)}
                self._block_event("response.reasoning_summary_part.done", block, part)
            case Call():
                name = "response.function_call_arguments.done"
                self._block_event(name, block, {"arguments": text})
            case Thinking() | Opaque():
                pass
            case _:
                assert_never(block)
        item = self._answer.item(block)
        self._event("response.output_item.done", {"output_index": block.index, "item": item})

    def _fail(self, part: JsonObject) -> None:
        error = error_members(part, None)
        if not self._begun:
            self._event("error", {"error": error})
            return
        said = {"code": error["code"] or error["type"], "message": error["message"]}
        response = self._answer.snapshot("failed", error=said)
        self._event("response.failed", {"response": response})

    def _block_event(self, name: str, block: Block, members: JsonObject) -> None:
        places: JsonObject = {
            "item_id": self._answer.item_id(block),
            "output_index": block.index,
        }
        match block:
            case Text():
                places["content_index"] = 0
            case Thinking():
                places["summary_index"] = 0
            case _:
                pass
        self._event(name, places | members)

    def _event(self, name: str, members: JsonObject) -> None:
        data = write_json({"type": name, **members, "sequence_number": self._events})
        self._events += 1
        self._frames.append(Bytes(f"event: {name}\ndata: {data}\n\n".encode()))

    def _aside(self, aside: Aside) -> None:
        match aside.what:
            case "ping":
                # The API sends none; proxies before it do.
                self._frames.append(Bytes(b": keepalive\n\n"))
            case "comment":
                self._frames.append(Bytes(f": {aside.text}\n\n".encode()))
            case "raw":
                self._frames.append(Bytes(aside.text.encode()))
            case "gate":
                self._frames.append(Gate(aside.text))


def _body(script: Script, scene: Scene) -> list[Frame]:
    answer = _Answer(script, scene)
    gates: list[Frame] = []
    end: list[Frame] = []
    for step in script.steps:
        match step:
            case Begin(block):
                answer.texts[block] = ""
            case Delta(block, text):
                answer.texts[block] += text
            case Aside(what="gate", text=name):
                gates.append(Gate(name))
            case Aside(what="raw") | Failure():
                raise ScriptError(
                    "`raw` and `error` have no place in a JSON body; use `body` or `status`"
                )
            case Cut(how):
                end.append(End(how))
            case Head() | Finish() | Report() | Stop() | Terminal() | Aside():
                pass
            case _:
                assert_never(step)
    data = encode_json(answer.ended())
    return [*gates, Bytes(data[: len(data) // 2] if end else data), *end]


def _part(text: str) -> JsonObject:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _summary(text: str) -> JsonObject:
    return {"type": "summary_text", "text": text}


def _verbatim(json: str) -> Verbatim:
    try:
        item = read_spans(json)
    except NotJsonError as error:
        raise ScriptError(f"an opaque item is not JSON: {error}") from None
    if item.get("type") is None:
        raise ScriptError("an output item has a `type`")
    return Verbatim(json)


def _counters(usage: Usage) -> JsonObject:
    """Render counters; what is None is not reported. The input's count includes caches.

    Example::

        "usage":{"input_tokens":18,"input_tokens_details":{"cache_write_tokens":0,
        "cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":0},
        "total_tokens":23}
    """
    given, total = input_and_total(usage)
    counters: JsonObject = {
        "input_tokens": given,
        "input_tokens_details": reported(
            cached_tokens=usage.cache_read, cache_write_tokens=usage.cache_write
        ),
        "output_tokens": usage.output,
        "output_tokens_details": reported(reasoning_tokens=usage.reasoning),
        "total_tokens": total,
    }
    return {name: value for name, value in counters.items() if value is not None}


_ID_PREFIXES: dict[type[Block], str] = {Text: "msg", Thinking: "rs", Call: "fc", Opaque: "it"}

# Why an answer is incomplete.
_REASONS = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
