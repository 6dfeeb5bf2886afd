"""An abort during the wait before a retry is not heard."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(abort: Any) -> Any:
        def deaf(drive: Any, reason: str | None = None) -> None:
            if drive.state.phase != "waiting":
                abort(drive, reason)

        return deaf

    swap("isoloop.runtime._drive", "Drive.abort", make)
