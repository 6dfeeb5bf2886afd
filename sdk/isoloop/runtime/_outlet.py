"""The hand-off between a run and the one reader of its events.

Back-pressure is real: whoever publishes much waits for `room`, so a reader that pauses stops the
socket. A reader that keeps up costs one wake-up for each batch, not for each delta.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from isoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from isoloop.contract import KnownEvent

# Events in the buffer from which on publishers wait until the reader has taken all of them. One
# network chunk may go beyond it.
FULL = 64


class Outlet:
    """Events on their way to a reader.

    Attributes:
        buffer: Events that the reader has not taken.
        wanted: Whether there is a reader. Without one, events need not be made.
        closed: Whether the run is over.
    """

    __slots__ = ("_begun", "_opened", "_reader", "_waiting", "buffer", "closed", "wanted")

    def __init__(self) -> None:
        self.buffer: deque[KnownEvent] = deque()
        self.wanted = False
        self.closed = False
        self._opened = False
        self._begun = False
        self._reader: asyncio.Future[None] | None = None
        self._waiting: list[Callable[[], None]] = []

    # ------------------------------------------------------------ the run's side

    def publish(self, events: Iterable[KnownEvent]) -> None:
        """Hand events over; nothing is awaited."""
        self._begun = True
        if self.wanted:
            self.buffer.extend(events)
            if self._reader is not None:
                self._wake()

    @property
    def full(self) -> bool:
        """Whether a publisher should wait for room; nobody makes room once the run is over."""
        return len(self.buffer) >= FULL and not self.closed

    def room(self) -> asyncio.Future[None]:
        """Give what ends when the reader has taken everything, or there is no reader."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.when_room(lambda: None if future.done() else future.set_result(None))
        return future

    def when_room(self, tell: Callable[[], None]) -> None:
        """Call back when the reader has taken everything, or there is no reader."""
        if self.full:
            self._waiting.append(tell)
        else:
            tell()

    def close(self) -> None:
        """Say that nothing follows."""
        self.closed = True
        self._wake()
        self._release()

    # ------------------------------------------------------------ the reader's side

    def open(self) -> None:
        """Register the reader.

        Raises:
            UsageError: There was a reader already, or events that it has missed.
        """
        if self._opened:
            raise UsageError(
                "The events of this run are being read already. A run has one reader: hand the "
                "events on from there."
            )
        if self._begun:
            raise UsageError(
                "The run has already published events, which this reader would miss. "
                "Call events() right after start(), before anything is awaited."
            )
        self._opened = self.wanted = True

    async def filled(self) -> bool:
        """Wait for events in the buffer; false when there are none left to come.

        The reader calls this when it has taken everything.
        """
        if self._waiting:
            self._release()
        while not self.buffer and not self.closed:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return bool(self.buffer)

    def leave(self) -> None:
        """Say that the reader is gone; what comes is no longer made."""
        self.wanted = False
        self.buffer.clear()
        self._release()

    # ------------------------------------------------------------ inside

    def _wake(self) -> None:
        reader = self._reader
        if reader is not None:
            self._reader = None
            if not reader.done():
                reader.set_result(None)

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell()
