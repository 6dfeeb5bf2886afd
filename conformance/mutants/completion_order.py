"""Results stand in the transcript in the order in which the tools finished."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""
    finished: dict[str, int] = {}

    def noting(after: Any) -> Any:
        def call_after(call: Any, entry: Any, *, during: Any, position: int) -> Any:
            if entry.type == "call_settled":
                finished[call.id] = position
            return after(call, entry, during=during, position=position)

        return call_after

    def by_finish(run: Any) -> Any:
        calls = tuple(sorted(run.calls, key=lambda call: finished[call.id]))
        return run.but(current=run.current.but(calls=calls))

    def told(end_turn: Any) -> Any:
        def events(run: Any, *, at: int, seq: int) -> Any:
            return end_turn(by_finish(run), at=at, seq=seq)

        return events

    def kept(end_turn: Any) -> Any:
        def after(state: Any, run: Any) -> Any:
            return end_turn(state, by_finish(run))

        return after

    swap("isoloop.engine._state", "call_after", noting)
    swap("isoloop.engine._state", "_end_turn", kept)
    swap("isoloop.engine._events", "_end_turn", told)
