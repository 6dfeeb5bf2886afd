"""A reader is given the loop's own lists, and what it does to them is done to the transcript."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(copy: Any) -> Any:
        del copy
        return _as_it_is

    swap("isoloop.runtime._drive", "for_reader", make)


def _as_it_is(event: object) -> object:
    return event
