"""Cuts a result that is too large, the last thing done to it (TOOL-029)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract import TextBlock, ToolResultMessage
from isoloop.engine import _texts as texts

if TYPE_CHECKING:
    from isoloop.contract import ResultBlock


def cut(result: ToolResultMessage, limit_bytes: int) -> ToolResultMessage:
    """Cut the texts of a result, which count together; blocks of other types stay."""
    total = sum(_size(block) for block in result.content)
    if total <= limit_bytes:
        return result
    content: list[ResultBlock] = []
    left = limit_bytes
    crossed = False
    for block in result.content:
        if not isinstance(block, TextBlock):
            content.append(block)
        elif not crossed:
            kept = _clipped(block.text, left)
            left -= len(kept)
            crossed = len(kept) < _size(block)
            text = kept.decode("utf-8", "surrogatepass")
            if crossed:
                text += texts.cut_marker(kept_bytes=limit_bytes - left, total_bytes=total)
            content.append(TextBlock.trusted(text=text))
    return ToolResultMessage.trusted(
        call_id=result.call_id,
        tool_name=result.tool_name,
        content=content,
        is_error=result.is_error,
        code=result.code,
        details=result.details,
    )


def _size(block: ResultBlock) -> int:
    return len(block.text.encode("utf-8", "surrogatepass")) if isinstance(block, TextBlock) else 0


def _clipped(text: str, limit_bytes: int) -> bytes:
    """Cut on a character boundary."""
    encoded = text.encode("utf-8", "surrogatepass")
    end = min(limit_bytes, len(encoded))
    while 0 < end < len(encoded) and encoded[end] & 0xC0 == 0x80:  # inside a character
        end -= 1
    return encoded[:end]
