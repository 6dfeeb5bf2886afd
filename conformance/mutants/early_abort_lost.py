"""An abort before the run's first step is not heard."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(abort: Any) -> Any:
        def late(drive: Any, reason: str | None = None) -> None:
            if drive.state.run is not None:
                abort(drive, reason)

        return late

    swap("isoloop.runtime._drive", "Drive.abort", make)
