"""A call of a client-side tool is run by the loop."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(calls_of: Any) -> Any:
        def grasping(answer: Any, tools: Any) -> Any:
            return tuple(call.but(client_side=False) for call in calls_of(answer, tools))

        return grasping

    swap("isoloop.engine._state", "calls_of", make)
