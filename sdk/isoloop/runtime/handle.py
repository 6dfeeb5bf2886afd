"""The handle of a run that was started."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import TYPE_CHECKING, Generic, Self

from typing_extensions import TypeVar

from isoloop.contract import FollowUpCommand, SteerCommand
from isoloop.errors import InternalError, RunFailed
from isoloop.perform.call_tools import decided
from isoloop.runtime._drive import Drive
from isoloop.runtime._start import one_message
from isoloop.runtime.result import RunResult
from isoloop.tools._bodies import BODIES

if TYPE_CHECKING:
    import types
    from collections.abc import AsyncGenerator

    from isoloop.contract import KnownEvent, UserMessage
    from isoloop.perform.gates import Allow, Deny, Edit
    from isoloop.perform.validate_output import Output
    from isoloop.runtime._start import Start

OutputT = TypeVar("OutputT", default=None)


class RunHandle(Generic[OutputT]):
    """A run that is under way: it can be steered and aborted, and its events read.

    `async with agent.start(...) as run:` aborts the run when the block is left before its end.

    Contract: awaiting only `result()` never waits for a reader of the events. The methods belong to
    the event loop in which the run was started.
    """

    def __init__(self, start: Start, output: Output[OutputT] | None) -> None:
        self._start = start
        self._output = output
        self._drive = Drive(start)
        self._task: asyncio.Task[None] | None = None

    @property
    def run_id(self) -> str:
        """The run's id, which all its events carry."""
        return self._start.run_id

    def steer(self, message: str | UserMessage) -> None:
        """Queue a message that enters between turns.

        Contract: a message that is accepted is used, or returned as `undelivered`.

        Raises:
            Refused: The end of the run is decided (`closing`), or over (`no_run`).
        """
        self._drive.command(SteerCommand.trusted(message=one_message(message)))

    def follow_up(self, message: str | UserMessage) -> None:
        """Queue a message that enters when the run would otherwise end.

        Contract: a message that is accepted is used, or returned as `undelivered`.

        Raises:
            Refused: The end of the run is decided (`closing`), or over (`no_run`).
        """
        self._drive.command(FollowUpCommand.trusted(message=one_message(message)))

    def abort(self, reason: str | None = None) -> None:
        """Stop the run, in whatever phase it is.

        Contract: only closing events follow. What arrived so far stays. Harmless when the run is
        stopping or over.

        Args:
            reason: Why, for the log.
        """
        self._drive.abort(reason)

    def resolve_approval(
        self, approval_id: str, decision: Allow | Deny | Edit, *, digest: str | None = None
    ) -> None:
        """Decide on a call that waits for its approval, where `approve="later"`.

        Contract: a decision is used once.

        Args:
            approval_id: The approval, from the event `approval_requested`.
            decision: What is decided.
            digest: The digest of the arguments that were looked at; another one is refused.

        Raises:
            Refused: No such approval is open (`unknown_approval`), or the arguments that would run
                are others (`digest_mismatch`); nothing changed.
            UsageError: The edited arguments cannot be written as JSON.
        """
        self._drive.command(decided(approval_id, decision, digest=digest))

    def events(self) -> AsyncGenerator[KnownEvent, None]:
        """Open the run's events, once and before anything else is awaited.

        Contract: a reader that pauses stops the socket; one that leaves early aborts the run.

        Raises:
            UsageError: They are being read already, or some have been missed.
        """
        drive = self._drive
        drive.outlet.open()
        reader = self._read()
        # A generator that is dropped before its first pull runs no `finally`.
        loop = asyncio.get_running_loop()
        weakref.finalize(reader, _dropped, drive, loop).atexit = False
        return reader

    async def result(self) -> RunResult[OutputT]:
        """Wait for the run's end.

        Contract: may be awaited any number of times. Asyncio cancellation while waiting aborts the
        run, waits until it is closed, and is raised; the handle keeps the result.

        Raises:
            RunFailed: The run failed; it carries the partial result.
            UsageError: The run could not begin as it was asked for.
        """
        await self._ended()
        return self._outcome()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.abort()
        await self._ended()

    # ------------------------------------------------------------ for the agent

    def begin(self) -> Self:
        """Begin the run in a task of its own, which this handle owns."""
        self._task = BODIES.start(self._drive.run(), name=f"isoloop run {self.run_id}")
        return self

    async def here(self) -> RunResult[OutputT]:
        """Drive the run in the caller's task."""
        await self._drive.run()
        return self._outcome()

    async def stream(self) -> AsyncGenerator[KnownEvent, None]:
        """Begin at the first pull; give the events; raise a failure after the last one."""
        drive = self._drive
        drive.outlet.open()
        self.begin()
        buffer = drive.outlet.buffer
        try:
            # Not by delegating to `_read`: a second generator would cost every event a step.
            while await drive.outlet.filled():
                while buffer:
                    yield buffer.popleft()
        finally:
            await self._left()
        self._outcome()

    # ------------------------------------------------------------ inside

    async def _read(self) -> AsyncGenerator[KnownEvent, None]:
        buffer = self._drive.outlet.buffer
        try:
            while await self._drive.outlet.filled():
                while buffer:
                    yield buffer.popleft()
        finally:
            await self._left()

    async def _left(self) -> None:
        """The reader is gone: at the end, or before."""
        self._drive.outlet.leave()
        self._drive.abort("the reader of the events left")
        await self._ended()

    async def _ended(self) -> None:
        """Wait until the run is closed, and raise what kept it from beginning."""
        task = self._task
        if task is None:
            return
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            self.abort()
            await asyncio.wait((task,))
            raise
        if not task.cancelled():
            task.result()
        elif self._drive.end is None:
            raise asyncio.CancelledError

    def _outcome(self) -> RunResult[OutputT]:
        """Give the result, or raise the failure."""
        end = self._drive.end
        assert end is not None
        output = None
        if end.output is not None and self._output is not None:
            output = self._output.typed(end.output)
        result = RunResult(
            run_id=end.run_id,
            outcome=end.outcome,
            new_messages=list(end.new_messages),
            usage=end.usage,
            cost=end.cost,
            stop_reason=end.stop_reason,
            output=output,
            error=end.error,
            undelivered=list(end.undelivered),
            pending_calls=list(end.pending_calls or ()),
            before=(*self._start.history, *self._start.input),
        )
        if end.outcome == "failed" and end.error is not None:
            kind = InternalError if end.error.code == "internal" else RunFailed
            raise kind(end.error, result) from self._drive.cause
        return result


def _dropped(drive: Drive, loop: asyncio.AbstractEventLoop) -> None:
    # The garbage collector may call this in any thread, and when the loop is gone.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_left_unread, drive)


def _left_unread(drive: Drive) -> None:
    if drive.outlet.wanted and not drive.outlet.closed:
        drive.outlet.leave()
        drive.abort("the events were opened and never read")
