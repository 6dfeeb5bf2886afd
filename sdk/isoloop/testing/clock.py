"""A clock that moves when it is told to, or when nothing else is left to do."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Any

# How often the loop is asked whether it is idle, where it cannot be asked directly (uvloop).
_PASSES = 50


class VirtualClock:
    """A clock for `Environment`. Tests with it take no time.

    By default it moves by itself: when everybody waits for the clock, to the earliest point in
    time that somebody waits for. With `auto=False` it moves by `advance` alone.

    Contract: sleepers wake in the order of their times; two of the same time in the order in which
    they lay down. The clock never moves backwards. By itself it sees only what happens inside the
    event loop: with real sockets or threads under way, use `auto=False`.

    Args:
        now_ms: The time to begin with.
        auto: Whether it moves by itself.
    """

    def __init__(self, now_ms: int = 1_767_225_600_000, *, auto: bool = True) -> None:
        self._now_ms = now_ms
        self._auto = auto
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._watching = False

    def now_ms(self) -> int:
        """Tell the time in epoch milliseconds."""
        return self._now_ms

    async def sleep_until(self, due_ms: int) -> None:
        """Wait until the clock has come to a point in time."""
        if due_ms <= self._now_ms:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (due_ms, next(self._order), future))
        if self._auto and not self._watching:
            self._watching = True
            loop.call_soon(self._watch, loop, _PASSES)
        await future

    @property
    def waiting(self) -> list[int]:
        """The points in time that somebody waits for, the earliest first."""
        return sorted(due_ms for due_ms, _, future in self._sleepers if not future.done())

    def advance(self, by_ms: int) -> None:
        """Move the clock; who waited for a time up to then wakes when the loop goes on.

        Raises:
            ValueError: The step is negative.
        """
        if by_ms < 0:
            raise ValueError(f"a clock does not move backwards, by {by_ms} ms")
        self._move_to(self._now_ms + by_ms)

    def _move_to(self, now_ms: int) -> None:
        self._now_ms = now_ms
        while self._sleepers and self._sleepers[0][0] <= now_ms:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    def _watch(self, loop: asyncio.AbstractEventLoop, passes: int) -> None:
        """Move to the next sleeper once the loop has nothing else to do."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            self._watching = False
            return
        ready: Any = getattr(loop, "_ready", None)
        idle = passes == 0 if ready is None else not ready
        if idle:
            self._move_to(self._sleepers[0][0])
            passes = _PASSES
        loop.call_soon(self._watch, loop, passes - (ready is None))
