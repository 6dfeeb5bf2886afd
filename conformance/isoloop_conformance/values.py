"""Turn what a case says into the values that a driver is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from isoloop_conformance.exact_json import exact, write

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.variants import Variant

MODEL = "test-model"
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
# Looks like a key, so that a leak is found wherever it shows up.
API_KEY = "sk-isoloop-conformance-0123456789abcdef"

_SETUP_MEMBERS = (
    *("toolChoice", "settings", "scheduling", "maxConcurrency", "limits", "retry"),
    *("steeringMode", "followUpMode", "resultLimitBytes", "price", "approver"),
)


def blocks(content: Json) -> list[JsonObject]:
    """Return content blocks; a string stands for one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def model_name(case: JsonObject) -> str:
    """Return the model that the case's agent asks."""
    return str(case.get("agent", {}).get("model", MODEL))


def start_ms(case: JsonObject) -> int:
    """Return the time at which the case begins."""
    return int(case.get("clock", {}).get("nowMs", START_MS))


def case_begin(variant: Variant, token: str, base_url: str) -> JsonObject:
    """Return the line that has a driver build the agent. It does not name the case."""
    case = variant.case
    return {
        "type": "case.begin",
        "token": token,
        "dialect": variant.dialect,
        "baseUrl": base_url,
        "apiKey": API_KEY,
        "model": model_name(case),
        "stream": variant.delivery == "sse",
        "agent": _agent_setup(case.get("agent", {})),
        "clock": {"mode": case.get("clock", {}).get("mode", "virtual"), "nowMs": start_ms(case)},
        "random": case.get("random", [0]),
    }


def input_messages(run: JsonObject) -> list[JsonObject]:
    """Return what the caller of a run says."""
    given = run["input"]
    if isinstance(given, str):
        return [user_message(given)]
    return [
        _tool_result(m, {}) if m["role"] == "tool_result" else user_message(m["content"])
        for m in given
    ]


def user_message(content: Json) -> JsonObject:
    """Return a user message."""
    return {"role": "user", "content": blocks(content)}


def history_messages(run: JsonObject, variant: Variant) -> list[JsonObject]:
    """Return what was said before a run, in the contract's full form."""
    names: dict[str, str] = {}
    messages: list[JsonObject] = []
    for spec in run.get("history", []):
        match spec["role"]:
            case "user":
                messages.append(user_message(spec["content"]))
            case "assistant":
                messages.append(_assistant_message(spec, variant))
                calls = (b for b in messages[-1]["content"] if b["type"] == "tool_call")
                names |= {b["id"]: b["name"] for b in calls}
            case _:
                messages.append(_tool_result(spec, names))
    return messages


def continued(history_json: str, input_json: str, result_json: str) -> str:
    """Return history, input and new messages of a run as the next run's history."""
    parts = [exact(history_json), exact(input_json), exact(result_json)["newMessages"]]
    return write([m for part in parts for m in part])


def tool_answer(answer: JsonObject, invocation: str) -> JsonObject:
    """Return the line that says what the body of a call does."""
    match answer:
        case {"raise": str(message)}:
            return {"type": "tool.raise", "invocation": invocation, "message": message}
        case {"value": value}:
            return {"type": "tool.return", "invocation": invocation, "valueJson": write(value)}
        case {"odd": odd}:
            return {"type": "tool.return", "invocation": invocation, "odd": odd}
        case {"progress": content}:
            return {
                "type": "tool.progress",
                "invocation": invocation,
                "contentJson": write(blocks(content)),
            }
        case _:
            content = answer.get("content", answer.get("text", answer.get("failure")))
            details = {"detailsJson": write(answer["details"])} if "details" in answer else {}
            return {
                "type": "tool.result",
                "invocation": invocation,
                "contentJson": write(blocks(content)),
                "isError": "failure" in answer,
                **details,
            }


def hook_answer(answer: JsonObject, invocation: str) -> JsonObject:
    """Return the line that says what a hook says."""
    ((action, value),) = answer.items()
    line: JsonObject = {"type": "hook.result", "invocation": invocation, "action": action}
    match action:
        case "deny" | "block" | "raise":
            line["reason"] = value
        case "replace":
            line["argumentsText"] = value
        case "result":
            line["contentJson"] = write(blocks(value["content"]))
            line["isError"] = value.get("isError", False)
        case _:
            pass
    return line


def _agent_setup(agent: JsonObject) -> JsonObject:
    setup: JsonObject = {k: agent[k] for k in _SETUP_MEMBERS if k in agent}
    if "instructions" in agent:
        setup["instructionsJson"] = write(blocks(agent["instructions"]))
    if "tools" in agent:
        setup["tools"] = [_tool_setup(t) for t in agent["tools"]]
    if "output" in agent:
        output = dict(agent["output"])
        output["schemaJson"] = write(output.pop("schema"))
        setup["output"] = output
    if "hooks" in agent:
        setup["hooks"] = [{"name": h["name"], "stage": h["stage"]} for h in agent["hooks"]]
    return setup


def _tool_setup(tool: JsonObject) -> JsonObject:
    setup = dict(tool)
    if tool["type"] == "function":
        setup["inputSchemaJson"] = write(setup.pop("inputSchema"))
    return setup


def _assistant_message(spec: JsonObject, variant: Variant) -> JsonObject:
    message: JsonObject = {
        **spec,
        "content": [_answer_block(b, variant) for b in blocks(spec["content"])],
    }
    has_calls = any(b["type"] == "tool_call" for b in message["content"])
    message.setdefault("model", {"dialect": variant.dialect, "model": model_name(variant.case)})
    message.setdefault("stopReason", "tool_use" if has_calls else "end_turn")
    if "error" in message:
        message["error"] = {"message": "failed", "retryable": False, **message["error"]}
    return message


def _answer_block(block: JsonObject, variant: Variant) -> JsonObject:
    made = {k: v for k, v in block.items() if k not in {"argumentsState", "prefix"}}
    if made["type"] == "opaque":
        made.setdefault("dialect", variant.dialect)
    return made


def _tool_result(spec: JsonObject, names: dict[str, str]) -> JsonObject:
    message: JsonObject = {"isError": False, **spec, "content": blocks(spec["content"])}
    message.setdefault("toolName", names.get(cast("str", spec["callId"]), "unknown"))
    return message
