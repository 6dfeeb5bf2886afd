"""isoloop: one agent loop, specified once.

from isoloop import Agent, tool

agent = Agent("anthropic:claude-sonnet-4-5", tools=[...])
result = await agent.run("What is Rust?")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isoloop.contract import (
        AssistantMessage,
        DocumentBlock,
        ErrorInfo,
        ImageBlock,
        Message,
        Price,
        TextBlock,
        ToolResultMessage,
        Usage,
        UserMessage,
    )
    from isoloop.contract import KnownEvent as Event
    from isoloop.contract import ModelSettings as Settings
    from isoloop.errors import InternalError, IsoloopError, Refused, RunFailed, UsageError
    from isoloop.perform.environment import Environment
    from isoloop.perform.gates import (
        Allow,
        ApprovalRequest,
        Ask,
        Block,
        Deny,
        Edit,
        Hooks,
        Replace,
        ToolCall,
    )
    from isoloop.perform.model import Model
    from isoloop.runtime.agent import Agent
    from isoloop.runtime.handle import RunHandle
    from isoloop.runtime.options import Limits, Retry
    from isoloop.runtime.result import RunResult
    from isoloop.tools import Tool, ToolContext, ToolResult, tool

__all__ = [
    "Agent",
    "Allow",
    "ApprovalRequest",
    "Ask",
    "AssistantMessage",
    "Block",
    "Deny",
    "DocumentBlock",
    "Edit",
    "Environment",
    "ErrorInfo",
    "Event",
    "Hooks",
    "ImageBlock",
    "InternalError",
    "IsoloopError",
    "Limits",
    "Message",
    "Model",
    "Price",
    "Refused",
    "Replace",
    "Retry",
    "RunFailed",
    "RunHandle",
    "RunResult",
    "Settings",
    "TextBlock",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolResult",
    "ToolResultMessage",
    "Usage",
    "UsageError",
    "UserMessage",
    "tool",
]

# Where each name lives. Nothing is imported before it is asked for: the contract's models alone
# would double the time that an import of this package takes.
_CONTRACT = "isoloop.contract"
_HOMES = {
    "Agent": "isoloop.runtime.agent",
    "Environment": "isoloop.perform.environment",
    "Model": "isoloop.perform.model",
    "RunHandle": "isoloop.runtime.handle",
    "RunResult": "isoloop.runtime.result",
    **dict.fromkeys(("Limits", "Retry"), "isoloop.runtime.options"),
    **dict.fromkeys(("Tool", "ToolContext", "ToolResult", "tool"), "isoloop.tools"),
    **dict.fromkeys(
        ("InternalError", "IsoloopError", "Refused", "RunFailed", "UsageError"), "isoloop.errors"
    ),
    **dict.fromkeys(
        (
            "Allow",
            "ApprovalRequest",
            "Ask",
            "Block",
            "Deny",
            "Edit",
            "Hooks",
            "Replace",
            "ToolCall",
        ),
        "isoloop.perform.gates",
    ),
}
_CONTRACT_NAMES = {"Event": "KnownEvent", "Settings": "ModelSettings"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES.get(name, _CONTRACT))
    value = globals()[name] = getattr(home, _CONTRACT_NAMES.get(name, name))
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
