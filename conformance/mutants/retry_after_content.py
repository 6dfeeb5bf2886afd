"""A model call that fails in the middle of an answer is tried again."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(failed: Any) -> Any:
        def forgetting(run: Any, outcome: Any, env: Any) -> Any:
            return failed(run, outcome.model_copy(update={"message": None}), env)

        return forgetting

    swap("isoloop.engine._settle", "_failed", make)
