"""The calls of an answer that ran out of tokens are run."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(disposition_of: Any) -> Any:
        def running(stop_reason: str, *, calls: bool) -> str:
            meant = "tool_use" if stop_reason == "max_tokens" and calls else stop_reason
            return disposition_of(meant, calls=calls)

        return running

    swap("isoloop.engine._state", "disposition_of", make)
