"""Time, chance and ids: the only place that asks the machine for them.

Everything else is handed an `Environment`, so that a run can be repeated exactly.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now_ms(self) -> int:
        """Tell the time in epoch milliseconds."""
        ...

    async def sleep_until(self, due_ms: int) -> None:
        """Wait until a point in time; return at once when it has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Tell the time in epoch milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, due_ms: int) -> None:
        """Wait until a point in time; return at once when it has passed."""
        # The event loop's clock may run a little ahead of the wall clock.
        while (left_ms := due_ms - self.now_ms()) > 0:  # noqa: ASYNC110 -- the clock itself
            await asyncio.sleep(left_ms / 1000)


def system_random() -> float:
    """Draw a number: at least 0, below 1."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) / 2**53


def system_id(prefix: str) -> str:
    """Make a new id."""
    return f"{prefix}_{os.urandom(12).hex()}"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run takes from the world beside its model and its tools.

    Attributes:
        clock: Tells the time and waits.
        random: Draws a number of at least 0 and below 1; jitters retries.
        new_id: Makes an id from a prefix, for example of a run.
    """

    clock: Clock = SystemClock()  # noqa: RUF009 -- has no state
    random: Callable[[], float] = system_random
    new_id: Callable[[str], str] = system_id
