"""The texts that the contract fixes, so that every implementation tells a model the same.

They are used where a result, a message or an error was written by no tool and no provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract.content import TextBlock
from isoloop.contract.error import ErrorInfo
from isoloop.contract.message import ToolResultMessage, UserMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract.error import ResultCode
    from isoloop.contract.message import StopReason

APPROVAL_EXPIRED = "the approval expired."
ABORTED = "The call was aborted."
INTERRUPTED = "The call was interrupted; its outcome is unknown."


def unknown_tool(name: str, available: Sequence[str]) -> str:
    if not available:
        return f'Tool "{name}" does not exist. No tools are available.'
    return f'Tool "{name}" does not exist. Available tools: {", ".join(available)}.'


def denied(reason: str | None = None) -> str:
    return f"The call was denied: {reason}" if reason else "The call was denied."


def blocked(reason: str | None = None) -> str:
    return f"The call was blocked: {reason}" if reason else "The call was blocked."


def invalid_arguments(name: str, problem: str) -> str:
    return f'The arguments of "{name}" are invalid: {problem}'


def timeout(timeout_ms: int) -> str:
    return f"The tool did not finish within {timeout_ms} ms."


def tool_failed(message: str) -> str:
    return f"The tool failed: {message}" if message.strip() else "The tool failed."


def not_executed(stop_reason: StopReason) -> str:
    return f'The call was not executed because the answer ended with "{stop_reason}".'


def cut_marker(*, kept_bytes: int, total_bytes: int) -> str:
    return f"\n[cut: {kept_bytes} of {total_bytes} bytes]"


def cut(text: str, limit_bytes: int) -> str:
    """Cut a text to a size in UTF-8, on a character boundary, and say so at its end."""
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= limit_bytes:
        return text
    kept = encoded[:limit_bytes]
    # A character is cut off whole: step back over what continues it (10xxxxxx).
    end = limit_bytes
    while end > 0 and encoded[end] & 0xC0 == 0x80:
        end -= 1
    kept = encoded[:end]
    marker = cut_marker(kept_bytes=len(kept), total_bytes=len(encoded))
    return kept.decode("utf-8", "surrogatepass") + marker


def result_without_tool(
    call_id: str, tool_name: str, *, code: ResultCode, text: str
) -> ToolResultMessage:
    """Make the result of a call that its tool did not write (TOOL-039)."""
    return ToolResultMessage.trusted(
        role="tool_result",
        call_id=call_id,
        tool_name=tool_name,
        content=[TextBlock.trusted(type="text", text=text)],
        is_error=True,
        code=code,
    )


def output_repair(problem: str) -> UserMessage:
    """Tell the model why its output was refused, once."""
    text = f"The output is invalid: {problem}\nAnswer again with a valid output."
    return UserMessage.trusted(role="user", content=[TextBlock.trusted(type="text", text=text)])


def output_invalid(problem: str) -> ErrorInfo:
    """Say why a run with structured output failed."""
    return ErrorInfo.trusted(
        code="output_invalid",
        message=f"The output is still invalid after one repair: {problem}",
        retryable=False,
    )
