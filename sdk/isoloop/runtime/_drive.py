"""The loop around the engine, in process.

    while pending := next_effects(state):
        got = await self._next(pending)             # an outcome; commands are admitted as they come
        self._append(settle(state, got.key, got.outcome, env))

An outcome comes from a task that carries out one effect. A command (`steer`, `abort`, ...) is
admitted in the caller's own step, so that its answer is final when it returns, and then wakes the
loop, which finds other effects pending than before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never, cast

from isoloop.contract import (
    AbortCommand,
    AgentEndEvent,
    AnsweredOutcome,
    ElapsedOutcome,
    ErrorInfo,
    GenerateAbortedOutcome,
    GenerateFailedOutcome,
    OpenCommand,
    StartedOutcome,
    StartRunCommand,
    ToolExecutionUpdateEvent,
)
from isoloop.engine import (
    Env,
    Rejected,
    admit,
    apply,
    events_of,
    fail,
    next_effects,
    open_state,
    settle,
)
from isoloop.errors import Refused
from isoloop.perform.call_tools import CallSetting, ToolCalls
from isoloop.perform.piece_events import events_of_pieces
from isoloop.runtime._copies import for_reader
from isoloop.runtime._outlet import Outlet
from isoloop.runtime._start import resolved
from isoloop.tools._bodies import BODIES
from isoloop.tools._context import DONE
from isoloop.wire import Aborted, Answered, Failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine

    from isoloop.contract import (
        AssistantMessage,
        Command,
        Effect,
        EffectOutcome,
        GenerateEffect,
        JsonObject,
        KnownEvent,
        LogEntry,
        RequestApprovalEffect,
        ResultBlock,
        WaitUntilEffect,
    )
    from isoloop.perform.port import Attempt, Caller, Publish
    from isoloop.runtime._start import Instructions, Start
    from isoloop.tools._context import Progress
    from isoloop.wire import Ending, Piece

_log = logging.getLogger("isoloop.runtime")

_STARTED = StartedOutcome.trusted()
_ELAPSED = ElapsedOutcome.trusted()


class Got(NamedTuple):
    """An effect came to something."""

    key: str
    outcome: EffectOutcome


class Drive:
    """One run.

    Attributes:
        state: The fold of the run's log so far.
        outlet: Where its events go.
        end: The run's last event, once it has ended.
        cause: The exception behind a failure, where there was one.
    """

    def __init__(self, start: Start) -> None:
        self.state = open_state()
        self.outlet = Outlet()
        self.end: AgentEndEvent | None = None
        self.cause: Exception | None = None
        self._start = start
        self._environment = start.agent.environment
        self._seq = 1  # of the next event
        self._sent = 0  # messages that the model's caller has
        self._early: list[Command] | None = []  # commands that came before the run's start
        self._interrupted: asyncio.CancelledError | None = None
        self._got: deque[Got | Exception] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}  # effects in flight, by key
        self._stopped: list[asyncio.Task[Any]] = []  # user code that was told to stop
        self._generate_key = ""
        self._generating: asyncio.Task[None] | None = None
        self._unsettled: AssistantMessage | None = None  # told of, and then not taken

    # ------------------------------------------------------------ commands

    def command(self, command: Command) -> None:
        """Carry out a command, at once.

        Raises:
            Refused: It came too late; nothing changed.
        """
        if self._early is not None:
            if self._aborted_early and not isinstance(command, AbortCommand):
                raise Refused("closing", "The run is being aborted. Start another run.")
            self._early.append(command)
        else:
            try:
                self._append(admit(self.state, command, self._env()))
            except Rejected as rejected:
                raise Refused(rejected.code, rejected.message) from None
            except Exception as error:
                self._put(error)  # whoever gave the command learns of it, and the run fails
                raise
        self._rouse()

    def abort(self, reason: str | None = None) -> None:
        """Stop the run. Harmless when it is stopping, or over."""
        if self._early is not None or self.state.run is not None:
            self.command(AbortCommand.trusted(reason=reason))

    # ------------------------------------------------------------ the loop

    async def run(self) -> None:
        """Drive the run to its end.

        Contract: asyncio cancellation aborts the run, closes what is open, and is then raised.
        Once the run has begun, a defect ends it as `failed` (CTRL-022): `cause` is what broke.

        Raises:
            UsageError: The run cannot begin as it was asked for.
        """
        try:
            try:
                await self._begin()
            except Exception as error:
                if self.state.run is None:
                    raise
                self._break(error)
            async with asyncio.TaskGroup() as self._group:
                while self.end is None:
                    try:
                        await self._step()
                    except Exception as error:  # noqa: BLE001 -- a defect must not leave a run open
                        self._break(error)
                self._stop_but(frozenset())
                if self._generating is not None:
                    self._generating.cancel()  # only when the run had to end without it
            await BODIES.leave(self._stopped + self._calls.left)
        finally:
            self.outlet.close()
        if self._interrupted is not None:
            raise self._interrupted

    async def _step(self) -> None:
        got = await self._next(next_effects(self.state))
        if got is not None:
            self._unsettled = _message_in(got.outcome)
            self._append(self._settled(got))
            self._unsettled = None

    def _break(self, error: Exception) -> None:
        """Close the run, because the loop itself broke."""
        _log.error("the loop broke", exc_info=error)
        run = self.state.run
        again = run is not None and run.failure is not None
        if not again:
            self.cause = error
        info = ErrorInfo.trusted(code="internal", message=_broke(error), retryable=False)
        env = Env(self._last_ms)  # it may be the clock that broke
        try:
            self._append(fail(self.state, info, env))
            if again:
                # What a model call left cannot be taken as it is.
                for effect in next_effects(self.state):
                    left = _left_of(self._unsettled, calls=False)
                    self._append(settle(self.state, effect.key, left, env))
        except Exception as worse:  # noqa: BLE001 -- the reader and the caller get an end all the same
            _log.error("a broken run could not be closed", exc_info=worse)
            self._end_anyhow(info)
        if self.end is None and not next_effects(self.state):
            self._end_anyhow(info)  # the end itself could not be told

    def _end_anyhow(self, error: ErrorInfo) -> None:
        """End the run without the engine, which broke while it closed it."""
        run = self.state.run or self.state.ended
        assert run is not None
        self.end = AgentEndEvent.trusted(
            seq=self._seq,
            run_id=self._start.run_id,
            at=self._last_ms,
            outcome="failed",
            new_messages=self.state.messages.since(run.frame.first_new),
            usage=run.usage,
            error=error,
            undelivered=[*run.steering, *run.follow_ups],
        )
        self.outlet.publish((self.end,))

    async def _begin(self) -> None:
        """Admit the run, and what came before it could be."""
        start = self._start
        agent = start.agent
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        config = start.config(await self._instructions())
        self._caller: Caller = agent.model.caller(config, self._environment)
        self._calls = ToolCalls(
            CallSetting(
                run_id=start.run_id,
                deps=start.deps,
                tools=agent.tools,
                policy=agent.policy,
                hooks=agent.hooks,
                approve=agent.approve,
                clock=self._environment.clock,
                result_limit_bytes=agent.limits.result_limit_bytes,
            )
        )
        try:
            opened = OpenCommand.trusted(history=start.history)
            self._append(admit(self.state, opened, self._env()))
            started = StartRunCommand.trusted(run_id=start.run_id, config=config, input=start.input)
            entries = admit(self.state, started, self._env())
        except Rejected as rejected:
            raise Refused(rejected.code, rejected.message) from None
        early, aborted = self._early or (), self._aborted_early
        self._early = None
        # With an abort among them no turn begins (CTRL-001): of each batch only the fact itself.
        self._append(entries[:1] if aborted else entries)
        for command in early:
            entries = admit(self.state, command, self._env())
            queued = not isinstance(command, AbortCommand)
            self._append(entries[:1] if aborted and queued else entries)

    @property
    def _aborted_early(self) -> bool:
        return any(isinstance(command, AbortCommand) for command in self._early or ())

    async def _instructions(self) -> Instructions | None:
        said = self._start.agent.instructions
        if not callable(said):
            return said
        asked = BODIES.start(resolved(said, self._start.deps), name="instructions")
        asked.add_done_callback(lambda _: self._rouse())
        while not asked.done() and not self._aborted_early:
            await self._roused()
        if asked.done():
            return asked.result()
        self._stop(asked)
        return None  # it is sent to nobody

    async def _next(self, pending: list[Effect]) -> Got | None:
        """Begin what is new, stop what is obsolete, and wait for an outcome or a command."""
        self._stop_but({effect.key for effect in pending})
        for effect in pending:
            if effect.key not in self._tasks:
                got = await self._take_up(effect)
                if got is not None:
                    return got
        if not self._got:
            await self._roused()
        if not self._got:
            return None  # a command changed what is pending
        got = self._got.popleft()
        if isinstance(got, Exception):
            raise got
        if got.key == self._generate_key:
            self._generating = None
        return got

    async def _roused(self) -> None:
        """Wait until something came of an effect, or a command came."""
        self._wake = self._loop.create_future()
        try:
            await self._wake
        except asyncio.CancelledError as error:
            # The caller's task is told to stop. The run is closed as by an abort; then it is told.
            self._interrupted = error
            self.abort()
        finally:
            self._wake = None

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _append(self, entries: list[LogEntry]) -> None:
        """The log of a run in process is not kept: its fold is, and its events."""
        for entry in entries:
            self.state = apply(self.state, entry)
            ended = entry.payload.type == "run_ended"
            if self.outlet.wanted or ended:
                events = events_of(self.state, entry, self._seq)
                if ended:
                    self.end = next(e for e in events if isinstance(e, AgentEndEvent))
                self._seq += len(events)
                self.outlet.publish(map(for_reader, cast("list[KnownEvent]", events)))
            else:
                self.outlet.publish(())

    def _settled(self, got: Got) -> list[LogEntry]:
        entries = settle(self.state, got.key, got.outcome, self._env())
        if got.outcome.type == "generate_failed" and entries:
            first = entries[0].payload
            if first.type == "retry_scheduled" and first.error.retry_after_ms is None:
                # Chance is drawn once for each delay that is computed, and for nothing else
                # (CTRL-027), so that a list of numbers means the same to every implementation.
                env = Env(self._env().now_ms, self._environment.random())
                return settle(self.state, got.key, got.outcome, env)
        return entries

    def _env(self) -> Env:
        self._last_ms = self._environment.clock.now_ms()
        return Env(self._last_ms)

    # ------------------------------------------------------------ effects

    async def _take_up(self, effect: Effect) -> Got | None:
        """Begin an effect. What needs nobody's code but ours is done at once."""
        calls = self._calls
        match effect.type:
            case "generate":
                self._generate_key = effect.key
                generating = self._watched(lambda: self._generate(effect), model=True)
                self._generating = self._group.create_task(generating)
                self._generating.add_done_callback(partial(self._never_began, effect.key))
                self._tasks[effect.key] = self._generating
            case "abort_generate":
                # The outcome comes under the key of the model call, which the engine accepts.
                if self._generating is None:
                    return Got(effect.key, _left_of(self._unsettled, calls=True))
                self._tasks[effect.key] = self._generating
                self._generating.cancel()
            case "prepare_call":
                preparing = calls.prepare(effect, self._turn)
                if not calls.gates_wait:
                    return Got(effect.key, await preparing)
                self._begin_user_code(effect.key, preparing, "gates")
            case "request_approval":
                if self._start.agent.approve == "later":
                    return None  # the caller has been told by an event, and answers by a command
                self._tasks[effect.key] = BODIES.start(self._ask(effect), name="approver")
            case "execute_call":
                executing = calls.execute(
                    effect,
                    started=lambda: self._append(
                        settle(self.state, effect.key, _STARTED, self._env())
                    ),
                    progress=self._progress(effect.key, effect.call_id),
                )
                self._begin_user_code(effect.key, executing, f"tool {effect.tool_name}")
            case "close_call":
                closing = calls.close(effect)
                if not calls.closing_waits:
                    return Got(effect.key, await closing)
                self._begin_user_code(effect.key, closing, "after-tool hooks")
            case "validate_output":
                return Got(effect.key, self._validated())
            case "wait_until":
                waiting = self._watched(lambda: self._wait(effect))
                self._tasks[effect.key] = self._group.create_task(waiting)
            case _:
                assert_never(effect)
        return None

    def _begin_user_code(
        self, key: str, code: Coroutine[Any, Any, EffectOutcome], name: str
    ) -> None:
        self._tasks[key] = BODIES.start(self._report(key, code), name=name)

    async def _report(self, key: str, code: Coroutine[Any, Any, EffectOutcome]) -> None:
        try:
            outcome = await code
        except Exception as error:  # noqa: BLE001 -- user code is guarded further in: this is ours
            self._put(error)
        else:
            self._put(Got(key, outcome))

    async def _watched(
        self, begin: Callable[[], Coroutine[Any, Any, None]], *, model: bool = False
    ) -> None:
        """Hand what breaks to the loop, which closes the run; the group would only stop it."""
        try:
            await begin()
        except Exception as error:  # noqa: BLE001 -- a defect, or the caller's clock
            if model:
                self._generating = None  # nothing more will come of it
            self._put(error)

    def _never_began(self, key: str, generating: asyncio.Task[None]) -> None:
        if generating.cancelled():
            self._put(Got(key, GenerateAbortedOutcome.trusted()))

    def _put(self, got: Got | Exception) -> None:
        self._got.append(got)
        self._rouse()

    def _stop_but(self, keys: Collection[str]) -> None:
        """Stop what is in flight and no longer pending."""
        for key in [key for key in self._tasks if key not in keys]:
            task = self._tasks.pop(key)
            # A model call is stopped by `abort_generate` and in no other way.
            if task is not self._generating:
                self._stop(task)

    def _stop(self, task: asyncio.Task[Any]) -> None:
        if not task.done():
            task.cancel()
            self._stopped.append(task)

    # ------------------------------------------------------------ the model

    async def _generate(self, effect: GenerateEffect) -> None:
        messages = self.state.messages
        for message in messages.since(self._sent):
            self._caller.append(message)
        self._sent = len(messages)
        attempt = self._caller.attempt(effect.turn)
        try:
            ending = await attempt.run(self._publisher())
        except asyncio.CancelledError:
            if self.state.run is None:
                raise
            # By us, or by an event loop that is being closed and will stop the run as well.
            ending = self._closed(attempt)
        except Exception as error:  # the seam says that this is a defect; the run still ends well  # noqa: BLE001 -- user code
            _log.exception("a model call broke")
            self.cause = error
            ending = _broken(self._closed(attempt), error)
        self._put(Got(effect.key, _outcome_of(ending)))

    def _closed(self, attempt: Attempt) -> Ending:
        self._publisher()(attempt.abort())
        return attempt.end or Aborted(None, None)

    def _publisher(self) -> Publish:
        """Make the function that tells of an answer's pieces; it is called for each chunk."""
        outlet = self.outlet
        now_ms = self._environment.clock.now_ms
        run_id, turn = self._start.run_id, self._turn

        def publish(pieces: list[Piece]) -> Awaitable[None] | None:
            if not outlet.wanted:
                return None
            seq = self._seq
            self._seq = seq + len(pieces)
            at = now_ms()
            outlet.publish(events_of_pieces(pieces, seq=seq, run_id=run_id, turn=turn, at=at))
            return outlet.room() if outlet.full else None

        return publish

    @property
    def _turn(self) -> int:
        run = self.state.run
        return 0 if run is None else run.turn

    # ------------------------------------------------------------ approvals, progress, waits

    async def _ask(self, effect: RequestApprovalEffect) -> None:
        try:
            self.command(await self._calls.approve(effect))
        except Refused as late:  # it expired meanwhile
            _log.info("an approval came too late: %s", late)
        except Exception as error:  # noqa: BLE001 -- guarded further in: this is ours
            self._put(error)

    def _progress(self, key: str, call_id: str) -> Progress:
        """Make the function by which a body reports."""

        def publish(content: list[ResultBlock], details: JsonObject | None) -> None:
            if self.outlet.wanted and key in self._tasks:
                event = ToolExecutionUpdateEvent.trusted(
                    seq=self._seq,
                    run_id=self._start.run_id,
                    at=self._environment.clock.now_ms(),
                    turn=self._turn,
                    call_id=call_id,
                    content=content,
                    details=details,
                )
                self._seq += 1
                self.outlet.publish((event,))

        def progress(content: list[ResultBlock], details: JsonObject | None) -> Awaitable[None]:
            if threading.get_ident() == self._thread:
                publish(content, details)
                return self.outlet.room() if self.outlet.full else DONE
            # A sync body in its thread: hand over, and wait here for room.
            told = threading.Event()

            def hand_over() -> None:
                publish(content, details)
                self.outlet.when_room(told.set)

            self._loop.call_soon_threadsafe(hand_over)
            told.wait()
            return DONE

        return progress

    async def _wait(self, effect: WaitUntilEffect) -> None:
        await self._environment.clock.sleep_until(effect.due_at)
        self._put(Got(effect.key, _ELAPSED))

    def _validated(self) -> EffectOutcome:
        run = self.state.run
        output = self._start.agent.output
        assert run is not None
        assert run.answer is not None
        assert output is not None
        return output.validate(run.answer)


def _outcome_of(ending: Ending) -> EffectOutcome:
    match ending:
        case Answered(message):
            return AnsweredOutcome.trusted(message=message)
        case Failed(error, message, usage):
            return GenerateFailedOutcome.trusted(error=error, message=message, usage=usage)
        case Aborted(message, usage):
            return GenerateAbortedOutcome.trusted(message=message, usage=usage)
        case _:
            assert_never(ending)


def _message_in(outcome: EffectOutcome) -> AssistantMessage | None:
    match outcome.type:
        case "answered" | "generate_failed" | "generate_aborted":
            return outcome.message
        case _:
            return None


def _left_of(message: AssistantMessage | None, *, calls: bool) -> GenerateAbortedOutcome:
    """Give what is left of an answer that was told of and could not be taken."""
    if message is None:
        return GenerateAbortedOutcome.trusted()
    content = [block for block in message.content if calls or block.type != "tool_call"]
    changes = {"content": content, "stop_reason": "aborted", "error": None}
    return GenerateAbortedOutcome.trusted(message=message.model_copy(update=changes))


def _broke(error: Exception) -> str:
    # Only the kind: what an exception says may hold a secret or a prompt.
    kind = type(error).__name__
    return f"The loop itself broke ({kind}). Please report this, with the traceback of the cause."


def _broken(ending: Ending, error: Exception) -> Ending:
    """Make a failure of what was closed after an exception."""
    info = ErrorInfo.trusted(
        code="internal", message=f"The model call broke: {error!r}", retryable=False
    )
    match ending:
        case Answered(message) | Failed(_, message, _) | Aborted(message, _):
            pass
    usage = None if isinstance(ending, Answered) else ending.usage
    if message is not None:
        message = message.model_copy(update={"stop_reason": "error", "error": info})
    return Failed(info, message, usage)
