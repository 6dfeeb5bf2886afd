"""Thinking goes back without its signature."""

from __future__ import annotations

from typing import Any

from isoloop.contract import ThinkingBlock
from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(answer_block: Any) -> Any:
        def unsigned(block: Any, **how: Any) -> Any:
            if isinstance(block, ThinkingBlock):
                block = block.model_copy(update={"signature": ""})
            return answer_block(block, **how)

        return unsigned

    swap("isoloop.wire.anthropic_messages.encode", "answer_block", make)
