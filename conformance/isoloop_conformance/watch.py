"""Wait for observations, never for durations; give up only when nothing moves any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INACTIVITY_S = 10.0


class NothingMovesError(Exception):
    """Nothing was observed for as long as the watchdog waits."""


class Watch:
    """An inactivity watchdog: every observation on any channel starts it anew.

    An absolute limit would fail a slow machine; this one fails only what stands still.
    """

    def __init__(self, inactivity_s: float = INACTIVITY_S) -> None:
        self.inactivity_s = inactivity_s
        self.activity: Callable[[], int] = lambda: 0
        """Grows with whatever moves without being told to `moved`: bytes on a socket."""
        self._moved = asyncio.Event()

    def moved(self) -> None:
        """Say that something was observed."""
        self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; it is asked after each observation.

        Raises:
            NothingMovesError: Nothing was observed for `inactivity_s`.
        """
        while not condition():
            self._moved.clear()
            before = self.activity()
            try:
                async with asyncio.timeout(self.inactivity_s):
                    await self._moved.wait()
            except TimeoutError:
                if self.activity() != before:
                    continue
                raise NothingMovesError from None
