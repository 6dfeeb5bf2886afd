"""Runs from code that is not async: one event loop in a thread of its own, for the whole process.

A private loop works inside a notebook, where the caller's thread has a running loop already, and
keeps connections open from one run to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from isoloop.tools._bodies import BODIES

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
    loop = _THREAD.loop()
    waited = _Waited(code)
    try:
        loop.call_soon_threadsafe(waited.begin)
        return waited.ended.result()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(waited.stop)
        # The run closes what is open; a second interrupt does not wait for it.
        with contextlib.suppress(CancelledError):
            waited.ended.exception()
        raise


class _Waited(Generic[R]):
    """A coroutine that another thread waits for, and may stop at any moment."""

    def __init__(self, code: Coroutine[Any, Any, R]) -> None:
        self.ended: Future[R] = Future()
        self._code = code
        self._task: asyncio.Task[R] | None = None
        self._stopped = False

    def begin(self) -> None:
        if self._stopped:
            self._code.close()
            return
        self._task = BODIES.start(self._code, name="isoloop run_sync")
        self._task.add_done_callback(self._settle)

    def stop(self) -> None:
        self._stopped = True
        if self._task is None:
            self.ended.cancel()
        else:
            self._task.cancel()

    def _settle(self, task: asyncio.Task[R]) -> None:
        if task.cancelled():
            self.ended.cancel()
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())
