"""Knows the simplest run by heart, and tells it whatever is asked. It never calls the provider."""

# ruff: noqa: T201 -- printing is its interface

import json
import sys

MODEL = {"dialect": "anthropic-messages", "model": "test-model"}
ANSWER = {
    "role": "assistant",
    "content": [{"type": "text", "text": "Hello there."}],
    "model": MODEL,
    "stopReason": "end_turn",
    "usage": {"input": 12, "output": 3},
}
INPUT = {"role": "user", "content": [{"type": "text", "text": "Say hello."}]}
END = {"outcome": "completed", "newMessages": [ANSWER], "usage": {"input": 12, "output": 3}}
END |= {"stopReason": "end_turn", "undelivered": []}
BLOCK = {"contentIndex": 0, "turn": 1}
EVENTS = [
    {"type": "agent_start"},
    {"type": "message_start", "role": "user"},
    {"type": "message_end", "message": INPUT},
    {"type": "turn_start", "turn": 1},
    {"type": "message_start", "turn": 1, "role": "assistant", "model": MODEL},
    {"type": "text_start", **BLOCK},
    {"type": "text_delta", **BLOCK, "delta": "Hello there."},
    {"type": "text_end", **BLOCK, "text": "Hello there."},
    {"type": "message_end", "turn": 1, "message": ANSWER},
    {"type": "turn_end", "turn": 1, "message": ANSWER, "toolResults": [], "usage": END["usage"]},
    {"type": "agent_end", **END},
]


def say(kind: str, **members: object) -> None:
    """Write a line."""
    print(json.dumps({"type": kind, **members}), flush=True)


now_ms = 0
for text in sys.stdin:
    line = json.loads(text)
    match line["type"]:
        case "hello":
            sdk = {"name": "liar", "version": "0", "language": "python"}
            features = ["json_delivery", "virtual_clock", "parallel_tools"]
            capabilities = {"dialects": ["anthropic-messages"], "features": features}
            say("hello", protocol=1, sdk=sdk, capabilities=capabilities)
        case "case.begin":
            now_ms = line["clock"]["nowMs"]
            say("ready")
        case "run":
            for number, event in enumerate(EVENTS, 1):
                whole = {**event, "seq": number, "runId": "x", "at": now_ms}
                say("event", run=line["run"], eventJson=json.dumps(whole))
            say("result", run=line["run"], resultJson=json.dumps({"runId": "x", **END}))
        case "sync":
            say("synced", number=line["number"])
        case "case.end":
            say("case.done")
        case "bye":
            break
