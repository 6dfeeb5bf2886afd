"""What the model says, rendered beforehand: the server must not be the bottleneck.

A scenario is a word in the base URL. `text-N` is one answer of N deltas. `tools-K` is K turns with
one call each and then a text of 20 deltas, which is said only if all K results came.
"""

from __future__ import annotations

import json
from functools import cache

RESULT = "value {}"
"""What the tool `look` returns for a number."""

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n"


def expected(scenario: str) -> str:
    """Give the text at the end of a scenario."""
    kind, count = scenario.split("-")
    return "".join(_words(int(count) if kind == "text" else 20))


def response(dialect: str, path: str, body: bytes) -> bytes:
    """Give the whole response to a request."""
    kind, count = path.split("/")[1].split("-")
    turn = 0 if kind == "text" else body.count(_RESULTS[dialect])
    if turn and RESULT.format(turn - 1).encode() not in body:
        return b"HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\nwrong result"
    streamed = b'"stream":true' in body or b'"stream": true' in body
    if kind == "tools" and turn < int(count):
        return _rendered(dialect, streamed, turn, -1)
    return _rendered(dialect, streamed, -1, int(count) if kind == "text" else 20)


_RESULTS = {
    "anthropic-messages": b'"tool_use_id"',
    "openai-chat": b'"tool_call_id"',
    "openai-responses": b'"function_call_output"',
}


def _words(count: int) -> list[str]:
    return [f"word {number} " for number in range(count)]


@cache
def _rendered(dialect: str, streamed: bool, turn: int, count: int) -> bytes:
    """Render a call (of this turn) or a text (of so many words)."""
    words = [] if count < 0 else _words(count)
    if not streamed:
        body = json.dumps(_message(turn, "".join(words))).encode()
        return _HEAD % b"application/json" + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    events = _EVENTS[dialect](turn, words)
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    head = _HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n"
    return head + b"".join(chunks) + b"0\r\n\r\n"


def _data(value: object) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


# ---------------------------------------------------------------- Anthropic Messages

_USAGE = {"input_tokens": 10, "output_tokens": 20}


def _call(turn: int) -> dict[str, object]:
    return {"type": "tool_use", "id": f"call_{turn}", "name": "look", "input": {"number": turn}}


def _message(turn: int, text: str) -> dict[str, object]:
    block = {"type": "text", "text": text} if turn < 0 else _call(turn)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [block],
        "stop_reason": "end_turn" if turn < 0 else "tool_use",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _anthropic(turn: int, words: list[str]) -> list[bytes]:
    block = {"type": "text", "text": ""} if turn < 0 else {**_call(turn), "input": {}}
    deltas: list[dict[str, object]] = [{"type": "text_delta", "text": word} for word in words]
    if turn >= 0:
        text = json.dumps({"number": turn})
        deltas = [
            {"type": "input_json_delta", "partial_json": part} for part in (text[:6], text[6:])
        ]
    stop = {"stop_reason": "end_turn" if turn < 0 else "tool_use", "stop_sequence": None}
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": {**_message(turn, ""), "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": _USAGE},
        {"type": "message_stop"},
    ]
    return [b"event: %b\n" % str(event["type"]).encode() + _data(event) for event in events]


# ---------------------------------------------------------------- OpenAI Chat Completions


def _chat(turn: int, words: list[str]) -> list[bytes]:
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in words]
    if turn >= 0:
        called = {"name": "look", "arguments": json.dumps({"number": turn})}
        call = {"index": 0, "id": f"call_{turn}", "type": "function", "function": called}
        deltas.append({"tool_calls": [call]})
    rest = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    chunks = [
        {**rest, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    reason = "stop" if turn < 0 else "tool_calls"
    chunks.append({**rest, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    chunks.append({**rest, "choices": [], "usage": usage})
    return [*map(_data, chunks), b"data: [DONE]\n\n"]


# ---------------------------------------------------------------- OpenAI Responses


def _responses(turn: int, words: list[str]) -> list[bytes]:
    if turn < 0:
        text = "".join(words)
        part = {"type": "output_text", "text": text, "annotations": []}
        item: dict[str, object] = {"type": "message", "id": "item_1", "role": "assistant"}
        place = {"item_id": "item_1", "output_index": 0, "content_index": 0}
        inner: list[dict[str, object]] = [
            {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
            *({"type": "response.output_text.delta", **place, "delta": word} for word in words),
            {"type": "response.output_text.done", **place, "text": text},
            {"type": "response.content_part.done", **place, "part": part},
        ]
        empty, whole = {**item, "content": []}, {**item, "content": [part], "status": "completed"}
    else:
        arguments = json.dumps({"number": turn})
        call_id = f"call_{turn}"
        item = {"type": "function_call", "id": f"fc_{turn}", "call_id": call_id, "name": "look"}
        place = {"item_id": f"fc_{turn}", "output_index": 0}
        kind = "response.function_call_arguments"
        inner = [
            {"type": f"{kind}.delta", **place, "delta": arguments},
            {"type": f"{kind}.done", **place, "arguments": arguments},
        ]
        empty = {**item, "arguments": ""}
        whole = {**item, "arguments": arguments, "status": "completed"}
    answer = {"id": "resp_1", "object": "response", "model": "bench", "status": "in_progress"}
    usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
    done = {**answer, "status": "completed", "output": [whole], "usage": usage}
    events: list[dict[str, object]] = [
        {"type": "response.created", "response": {**answer, "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        *inner,
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": done},
    ]
    return [
        b"event: %b\n" % str(event["type"]).encode() + _data({**event, "sequence_number": number})
        for number, event in enumerate(events)
    ]


_EVENTS = {
    "anthropic-messages": _anthropic,
    "openai-chat": _chat,
    "openai-responses": _responses,
}
