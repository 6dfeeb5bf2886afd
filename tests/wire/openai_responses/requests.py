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
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from isoloop.wire import HttpRequest, ModelCall, dialect_named

DIALECT = dialect_named("openai-responses")
MODEL = ModelRef(dialect="openai-responses", model="gpt-test-9")
OTHER = ModelRef(dialect="openai-responses", model="gpt-other-9")
SEARCH = FunctionTool(name="search", description="Search.", input_schema={"type": "object"})
INTERRUPTED = "[error] The call was interrupted; its outcome is unknown."


def user(*blocks: Any) -> UserMessage:
    """Make a user message."""
    return UserMessage(content=[TextBlock(text=b) if isinstance(b, str) else b for b in blocks])


def answer(*blocks: Any, model: ModelRef = MODEL, **members: Any) -> AssistantMessage:
    """Make an answer."""
    content = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return AssistantMessage(content=content, model=model, **({"stop_reason": "end_turn"} | members))


def said(text: str, item_id: str, **members: Any) -> TextBlock:
    """Make a text of an item."""
    return TextBlock(text=text, provider_data=own(item_id=item_id, **members))


def thought(text: str, signature: str | None = "enc", item_id: str = "rs_1") -> ThinkingBlock:
    """Make reasoning."""
    signed = {} if signature is None else {"signature": signature}
    return ThinkingBlock(text=text, provider_data=own(item_id=item_id), **signed)


def tool_call(call_id: str, arguments: str = "{}", **members: Any) -> ToolCallBlock:
    """Make a call; `members` are what the provider said of it besides."""
    block: dict[str, Any] = {"id": call_id, "name": "search", "arguments_text": arguments}
    if members:
        block["provider_data"] = own(**members)
    return ToolCallBlock(**block)


def result(call_id: str, *blocks: Any, is_error: bool = False) -> ToolResultMessage:
    """Make a result."""
    content = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
    return ToolResultMessage(
        call_id=call_id, tool_name="search", content=content, is_error=is_error
    )


def own(**members: Any) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(dialect="openai-responses", json_text=json.dumps(members))


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


def sent(*messages: Message, **options: Any) -> list[Any]:
    """Give the items that are sent."""
    return body(*messages, **options)["input"]


def asked(*texts: str) -> dict[str, Any]:
    """Make a wire user message."""
    return {"role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}


def message(item_id: str, *texts: str, **members: Any) -> dict[str, Any]:
    """Make a wire answer."""
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {
        "type": "message", "id": item_id, "role": "assistant", "status": "completed",
        "content": parts, **members,
    }  # fmt: skip


def function_call(call_id: str, arguments: str = "{}", **members: Any) -> dict[str, Any]:
    """Make a wire call."""
    return {
        "type": "function_call", "call_id": call_id, "name": "search", "arguments": arguments,
        **members,
    }  # fmt: skip


def reasoning(summary: str, encrypted: str = "enc", item_id: str = "rs_1") -> dict[str, Any]:
    """Make wire reasoning."""
    parts = [{"type": "summary_text", "text": summary}] if summary else []
    return {
        "type": "reasoning", "id": item_id, "summary": parts, "encrypted_content": encrypted
    }  # fmt: skip


def output(call_id: str, value: Any) -> dict[str, Any]:
    """Make a wire result."""
    return {"type": "function_call_output", "call_id": call_id, "output": value}
