"""The result of a tool that failed vanishes from the transcript."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(end_turn: Any) -> Any:
        def dropping(state: Any, run: Any) -> Any:
            results = [call.result for call in run.calls if call.result.code != "tool_failed"]
            return end_turn(state, run).but(messages=state.messages.plus(results))

        return dropping

    swap("isoloop.engine._state", "_end_turn", make)
