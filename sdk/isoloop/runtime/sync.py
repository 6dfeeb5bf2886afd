"""Runs from code that is not async: one event loop in a thread of its own, for the whole process.

A private loop works inside a notebook, where the caller's thread has a running loop already, and
keeps connections open from one run to the next.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

R = TypeVar("R")


class _Thread:
    """Makes the loop when it is first needed; after a fork, the child makes its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="isoloop run_sync", daemon=True
                )
                self._thread.start()
            return self._loop


_THREAD = _Thread()


def wait_for(code: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on the private loop and wait for it here."""
    future = asyncio.run_coroutine_threadsafe(code, _THREAD.loop())
    try:
        return future.result()
    except KeyboardInterrupt:
        # The run closes what is open; whatever comes of it, the interrupt is what the caller asked
        # for.
        ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())
        future.cancel()
        ended.wait()
        raise
