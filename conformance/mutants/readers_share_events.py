"""A second reader is let in, and the readers share one stream of events."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(open_once: Any) -> Any:
        def open_always(outlet: Any) -> None:
            if not outlet.wanted:
                open_once(outlet)

        return open_always

    swap("isoloop.runtime._outlet", "Outlet.open", make)
