"""Builds transcripts and requests of Chat Completions, and shows what is sent."""

from __future__ import annotations

import json
from typing import Any

from isoloop.contract import (
    AssistantMessage,
    FunctionTool,
    Message,
    ModelRef,
    ModelSettings,
    ProviderData,
    RunConfig,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from isoloop.wire import HttpRequest, ModelCall, dialect_named

DIALECT = dialect_named("openai-chat")
MODEL = ModelRef(dialect="openai-chat", model="gpt-test-9")
OTHER = ModelRef(dialect="openai-chat", model="gpt-other-9")
SEARCH = FunctionTool(
    type="function", name="search", description="Search.", input_schema={"type": "object"}
)
INTERRUPTED = "[error] The call was interrupted; its outcome is unknown."


def at(vendor: str, model: str = "gpt-test-9") -> ModelRef:
    """Name a model of a vendor."""
    return ModelRef(dialect="openai-chat", model=model, vendor=vendor)


def user(*blocks: Any, **members: Any) -> UserMessage:
    """Make a user message."""
    content = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return UserMessage(content=content, **members)


def answer(*blocks: Any, model: ModelRef = MODEL, **members: Any) -> AssistantMessage:
    """Make an answer."""
    content = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return AssistantMessage(content=content, model=model, **({"stop_reason": "end_turn"} | members))


def tool_call(call_id: str, arguments: str = "{}", **members: Any) -> ToolCallBlock:
    """Make a call."""
    return ToolCallBlock(id=call_id, name="search", arguments_text=arguments, **members)


def result(call_id: str, *blocks: Any, is_error: bool = False) -> ToolResultMessage:
    """Make a result."""
    content = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return ToolResultMessage(
        call_id=call_id, tool_name="search", content=content, is_error=is_error
    )


def own(**members: Any) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(dialect="openai-chat", json_text=json.dumps(members))


def settings(**members: Any) -> ModelSettings:
    """Make settings."""
    return ModelSettings.model_validate(members)


def request(*messages: Message, turn: int = 1, stream: bool = True, **config: Any) -> HttpRequest:
    """Build the request for these messages."""
    run = RunConfig(**({"model": MODEL} | config))
    conversation = DIALECT.conversation(run)
    for message in messages or (user("Hi"),):
        conversation.append(message)
    return conversation.request(ModelCall(run.model, run, turn=turn, stream=stream))


def body(*messages: Message, **options: Any) -> dict[str, Any]:
    """Give the body of the request."""
    return json.loads(request(*messages, **options).body)


def sent(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    """Give the messages that are sent."""
    return body(*messages, **options)["messages"]


def text(value: str) -> dict[str, str]:
    """Make a text part."""
    return {"type": "text", "text": value}


def wire_call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    """Make a wire call."""
    function = {"name": "search", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def wire_result(call_id: str, content: Any) -> dict[str, Any]:
    """Make a wire result."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def wire_answer(content: Any, *calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Make a wire answer."""
    made = {"role": "assistant", "content": content, **members}
    return {**made, "tool_calls": list(calls)} if calls else made
