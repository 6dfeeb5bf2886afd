"""Steering that is sent during the last turn is dropped without a word."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def dropping(next_delivery: Any) -> Any:
        def skipping(run: Any, *, would_end: bool) -> Any:
            return next_delivery(run.but(steering=()) if would_end else run, would_end=would_end)

        return skipping

    def silent(undelivered: Any) -> Any:
        def forgetting(run: Any) -> Any:
            return undelivered(run.but(steering=()))

        return forgetting

    swap("isoloop.engine._follow", "next_delivery", dropping)
    swap("isoloop.engine._events", "undelivered", silent)
