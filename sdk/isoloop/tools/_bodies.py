"""The owner of user code that outlives its call.

A tool body that ignores its abort must not hold up the run (abort is honoured in every phase), so
it cannot belong to the run's task group. All bodies, hooks and approvers are started here; those
that still run when their run is over are reported: when they are left behind, and when they end.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

R = TypeVar("R")

_log = logging.getLogger("isoloop.tools")

# Loop passes that a cancelled body gets to leave its `finally` blocks before it is reported.
_GRACE_PASSES = 8


class Bodies:
    """Starts user code and keeps what outlives its run; one per process."""

    def __init__(self) -> None:
        self._begun: set[asyncio.Task[Any]] = set()  # an event loop's own references are weak
        self._left: set[asyncio.Task[Any] | threading.Thread] = set()

    def start(self, code: Coroutine[Any, Any, R], *, name: str) -> asyncio.Task[R]:
        """Start code as a task. Whoever starts it awaits it, or hands it over by `leave`."""
        task = asyncio.get_running_loop().create_task(code, name=name)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def leave(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Take over what a run cancelled; the well-behaved end within a few passes."""
        pending: Collection[asyncio.Task[Any]] = [task for task in tasks if not task.done()]
        for _ in range(_GRACE_PASSES):
            if not pending:
                return
            _, pending = await asyncio.wait(pending, timeout=0)
        for task in pending:
            self._left.add(task)
            _log.warning("%s ignores its abort and outlives its run", task.get_name())
            task.add_done_callback(self._ended)

    async def in_thread(self, function: Callable[[], R], *, name: str) -> R:
        """Run a sync function in a thread of its own, which ends with it.

        A pool would be exhausted by bodies that hang; a daemon thread does not hold up the
        interpreter's end. A thread cannot be stopped: after an abort it is kept and reported here.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        context = contextvars.copy_context()

        def deliver(settle: Callable[[], None]) -> None:
            if not future.done():
                settle()

        def body() -> None:
            # `SystemExit` in a thread ends the thread and nothing else.
            error: Exception = RuntimeError("the thread ended without a result")
            try:
                value = context.run(function)
            except StopIteration as stop:  # a future refuses it
                error = RuntimeError(f"StopIteration: {stop}")
            except Exception as raised:  # noqa: BLE001 -- user code
                error = raised
            else:
                _later(loop, deliver, lambda: future.set_result(value))
                return
            finally:
                self._thread_ended(thread)
            _later(loop, deliver, lambda: future.set_exception(error))

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        try:
            return await future
        except asyncio.CancelledError:
            if thread.is_alive():
                self._left.add(thread)
                _log.warning("%s runs in a thread and outlives its call", name)
            raise

    @property
    def left(self) -> frozenset[str]:
        """The names of what is still running though its run is over."""
        return frozenset(
            body.name if isinstance(body, threading.Thread) else body.get_name()
            for body in self._left
        )

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        error = None if task.cancelled() else task.exception()
        _log.info(
            "%s ended after its run; what it says is discarded", task.get_name(), exc_info=error
        )

    def _thread_ended(self, thread: threading.Thread) -> None:
        if thread in self._left:
            self._left.discard(thread)
            _log.info("%s ended after its call; what it says is discarded", thread.name)


def _later(
    loop: asyncio.AbstractEventLoop,
    deliver: Callable[[Callable[[], None]], None],
    settle: Callable[[], None],
) -> None:
    try:
        loop.call_soon_threadsafe(deliver, settle)
    except RuntimeError:  # the loop is closed: nobody waits any more
        _log.info("a tool's thread ended after its event loop")


BODIES = Bodies()
