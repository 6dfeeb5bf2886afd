"""Answers everything politely, and has no SDK behind it."""

# ruff: noqa: T201 -- printing is its interface

import json
import sys

FEATURES = [
    *("json_delivery", "virtual_clock", "parallel_tools", "abort", "steer", "follow_up", "hooks"),
    *("policy", "approval", "structured_output", "thinking", "images", "documents", "audio"),
    *("provider_tools", "tool_choice", "limits", "cost", "tool_timeout", "tool_progress"),
    *("result_limit", "back_pressure", "cache_breakpoints", "concurrent_runs"),
    "client_tools",
]
DIALECTS = ["anthropic-messages", "openai-chat", "openai-responses"]
RESULT = {
    "runId": "r",
    "outcome": "completed",
    "newMessages": [],
    "usage": {},
    "stopReason": "end_turn",
    "undelivered": [],
}


def say(kind: str, **members: object) -> None:
    """Write a line."""
    print(json.dumps({"type": kind, **members}), flush=True)


for text in sys.stdin:
    line = json.loads(text)
    match line["type"]:
        case "hello":
            sdk = {"name": "polite", "version": "0", "language": "python"}
            say(
                "hello",
                protocol=1,
                sdk=sdk,
                capabilities={"dialects": DIALECTS, "features": FEATURES},
            )
        case "case.begin":
            say("ready")
        case "run":
            say("result", run=line["run"], resultJson=json.dumps(RESULT))
        case "sync":
            say("synced", number=line["number"])
        case "case.end":
            say("case.done")
        case "bye":
            break
