"""Builds transcripts and requests, and shows what is sent."""

from __future__ import annotations

import json
from typing import Any

from isoloop.contract import (
    AssistantMessage,
    FunctionTool,
    Message,
    ModelRef,
    ProviderData,
    RunConfig,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from isoloop.wire import HttpRequest, ModelCall, dialect_named

DIALECT = dialect_named("anthropic-messages")
MODEL = ModelRef(dialect="anthropic-messages", model="claude-test-9")
OTHER = ModelRef(dialect="anthropic-messages", model="claude-other-9")
SEARCH = FunctionTool(name="search", description="Search.", input_schema={"type": "object"})
INTERRUPTED = "The call was interrupted; its outcome is unknown."


def user(*blocks: Any) -> UserMessage:
    """Make a user message."""
    return UserMessage(content=[TextBlock(text=b) if isinstance(b, str) else b for b in blocks])


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
    return ProviderData(dialect="anthropic-messages", json_text=json.dumps(members))


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


def sent(*messages: Message, **options: Any) -> list[tuple[str, list[Any]]]:
    """Give role and content of what is sent."""
    return [(m["role"], m["content"]) for m in body(*messages, **options)["messages"]]


def text(value: str) -> dict[str, str]:
    """Make a wire text block."""
    return {"type": "text", "text": value}


def tool_use(call_id: str, arguments: Any = None) -> dict[str, Any]:
    """Make a wire call."""
    return {"type": "tool_use", "id": call_id, "name": "search", "input": arguments or {}}


def tool_result(call_id: str, content: Any, *, is_error: bool = False) -> dict[str, Any]:
    """Make a wire result."""
    members = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return {**members, "is_error": True} if is_error else members
