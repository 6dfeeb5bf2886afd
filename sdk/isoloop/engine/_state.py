"""The state of a session, and the one function that changes it.

State is the fold of the log: `apply` takes an entry to the next state, and everything else in the
engine only reads. Records are frozen, so an old state stays what it was. The cost of `apply` does
not depend on the length of the history: nothing here walks the transcript.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, assert_never

from isoloop.contract.run import PendingCall
from isoloop.contract.tool import FunctionTool
from isoloop.engine._calls import Call, call_after, calls_of
from isoloop.engine._errors import NondeterminismError
from isoloop.engine._record import Record
from isoloop.engine._table import disposition_of, run_step
from isoloop.engine._transcript import Transcript
from isoloop.engine._usage import NOTHING, add, is_metered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoloop.contract.common import JsonObject
    from isoloop.contract.entry import (
        LogEntry,
        MessageQueuedEntry,
        MessagesDeliveredEntry,
        RunStartedEntry,
    )
    from isoloop.contract.error import ErrorInfo
    from isoloop.contract.message import AssistantMessage, StopReason, UserMessage
    from isoloop.contract.run import Outcome, RunConfig
    from isoloop.contract.usage import Usage
    from isoloop.engine._calls import CallEntry
    from isoloop.engine._table import Disposition, Phase

_set = object.__setattr__

# ------------------------------------------------------------------ records


@dataclass(frozen=True, slots=True)
class Frame(Record):
    """What is fixed for a run."""

    run_id: str
    config: RunConfig
    started_at: int
    first_new: int
    """The position in the transcript after the caller's input."""
    tools: dict[str, FunctionTool]
    """The function tools by name."""


@dataclass(frozen=True, slots=True)
class Turn(Record):
    """The turn that is open, or the last one."""

    number: int = 0
    attempt: int = 1
    retry_at: int | None = None
    answer: AssistantMessage | None = None
    disposition: Disposition | None = None
    calls: tuple[Call, ...] = ()
    usage: Usage = NOTHING
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class Run(Record):
    """A run: what it was given, where it is, and what came of it so far."""

    frame: Frame
    current: Turn = Turn()
    usage: Usage = NOTHING
    metered: bool = True
    """Whether each answer so far reported what it consumed."""
    steering: tuple[UserMessage, ...] = ()
    follow_ups: tuple[UserMessage, ...] = ()
    stop_reason: StopReason | None = None
    aborting: bool = False
    failure: ErrorInfo | None = None
    """What broke outside model calls, tools and hooks (CTRL-022)."""
    repairs: int = 0
    output: JsonObject | None = None
    outcome: Outcome | None = None
    error: ErrorInfo | None = None

    @property
    def run_id(self) -> str:
        """Give the run's id."""
        return self.frame.run_id

    @property
    def config(self) -> RunConfig:
        """Give what the run needs to know besides its messages."""
        return self.frame.config

    @property
    def turn(self) -> int:
        """Give the number of the turn that is open or was the last; 0 before the first."""
        return self.current.number

    @property
    def attempt(self) -> int:
        """Give the number of the model call within the turn, from 1."""
        return self.current.attempt

    @property
    def answer(self) -> AssistantMessage | None:
        """Give the turn's answer."""
        return self.current.answer

    @property
    def is_closing(self) -> bool:
        """Say whether what is open is being closed, on request or because the loop broke."""
        return self.aborting or self.failure is not None

    @property
    def error_of_turn(self) -> ErrorInfo | None:
        """Give why the turn that is open, or was the last, failed."""
        return self.failure or self.current.error

    @property
    def calls(self) -> tuple[Call, ...]:
        """Give the turn's calls, in call order."""
        return self.current.calls

    @property
    def pending_calls(self) -> list[PendingCall] | None:
        """List the calls whose results the caller is asked for; none is nothing (TOOL-044)."""
        return [
            PendingCall.trusted(
                call_id=call.id, tool_name=call.tool_name, arguments_text=call.arguments_text
            )
            for call in self.current.calls
            if call.phase == "deferred"
        ] or None


class Ahead(NamedTuple):
    """The state to which one entry leads."""

    entry: LogEntry
    state: State


@dataclass(frozen=True, slots=True)
class State(Record):
    """A session. Equal states came of equal logs."""

    phase: Phase = "new"
    seq: int = 0
    """The position of the last entry of the log."""
    messages: Transcript = field(default_factory=Transcript)
    """The transcript: history, inputs and what the runs added."""
    run: Run | None = None
    """The active run."""
    ended: Run | None = None
    """The run that ended last."""
    earlier_usage: Usage = NOTHING
    """What the runs that have ended consumed."""
    ahead: Ahead | None = field(default=None, compare=False, repr=False)
    """Where the first entry of a batch leads, which `settle` or `admit` found out to go on from it.
    The driver's `apply` takes it instead of doing the same again (23 of 48 µs per turn)."""

    @property
    def usage(self) -> Usage:
        """Sum what all runs of the session consumed so far."""
        return self.earlier_usage if self.run is None else add(self.earlier_usage, self.run.usage)


def open_state() -> State:
    """Make the state before the first entry: the empty fold."""
    return State()


def fold(entries: Iterable[LogEntry]) -> State:
    """Replay a log.

    Raises:
        NondeterminismError: The log is not one that this engine could have written.
    """
    state = open_state()
    for entry in entries:
        state = apply(state, entry)
    return state


# ------------------------------------------------------------------ apply


def apply(state: State, entry: LogEntry) -> State:
    """Take one entry of the log to the next state.

    Contract: pure, and the only way in which a state changes. The cost does not depend on the
    length of the history.

    Raises:
        NondeterminismError: The entry does not follow on this state.
    """
    ahead = state.ahead
    if ahead is not None and ahead.entry is entry:
        _set(state, "ahead", None)  # taken once, lest an old state keep all later ones alive
        return ahead.state
    return _apply(state, entry)


def apply_ahead(state: State, entry: LogEntry) -> State:
    """Apply an entry that is being decided on, and keep the result for the driver's `apply`."""
    after = _apply(state, entry)
    _set(state, "ahead", Ahead(entry, after))
    return after


def _apply(state: State, entry: LogEntry) -> State:
    _expect("position", entry.seq, state.seq + 1)
    payload = entry.payload
    run = state.run
    match payload.type:
        case "session_opened":
            return _to(state, payload.type, messages=Transcript(payload.history))
        case "run_started":
            return _start_run(state, payload, at=entry.at)
        case _ if run is None:
            raise _does_not_follow(f"`{payload.type}` came while no run is active.")
        case "message_queued":
            return _to(state, payload.type, run=_queue(run, payload))
        case "messages_delivered":
            return _deliver(state, run, payload)
        case "turn_started":
            _expect("turn", payload.turn, run.turn + 1)
            return _to(state, payload.type, run=run.but(current=Turn(payload.turn)))
        case "retry_scheduled":
            _expect("attempt", payload.attempt, run.attempt)
            run = _consume(run, payload.usage, retry_at=payload.due_at)
            return _to(state, payload.type, run=run)
        case "retry_due":
            _expect("attempt", payload.attempt, run.attempt + 1)
            turn = run.current.but(attempt=payload.attempt, retry_at=None)
            return _to(state, payload.type, run=run.but(current=turn))
        case "answer_received":
            return _answer(state, run, payload.message)
        case "answer_failed":
            trigger = payload.type if payload.error else "answer_failed/aborted"
            run = _consume(run, payload.usage, error=payload.error)
            return _to(state, trigger, run=run)
        case (
            "call_prepared"
            | "call_rejected"
            | "approval_requested"
            | "approval_resolved"
            | "call_started"
            | "call_deferred"
            | "call_settled"
        ):
            return _lead_call(state, run, payload)
        case "turn_ended":
            return _end_turn(state, run)
        case "output_accepted":
            return _to(state, payload.type, run=run.but(output=payload.output))
        case "output_rejected":
            messages = state.messages.plus([payload.message])
            run = run.but(repairs=run.repairs + 1)
            return _to(state, payload.type, messages=messages, run=run)
        case "abort_requested":
            return _to(state, payload.type, run=run.but(aborting=True))
        case "failure_noted":
            return _to(state, payload.type, run=run.but(failure=payload.error))
        case "run_ended":
            ended = run.but(outcome=payload.outcome, error=payload.error)
            usage = add(state.earlier_usage, run.usage)
            return _to(state, payload.type, run=None, ended=ended, earlier_usage=usage)
        case _:
            assert_never(payload)


def _to(state: State, trigger: str, **changes: object) -> State:
    """Make the state to which a trigger of the run machine leads."""
    phase = run_step(state.phase, trigger)
    return state.but(phase=phase, seq=state.seq + 1, ahead=None, **changes)


def _start_run(state: State, payload: RunStartedEntry, *, at: int) -> State:
    messages = state.messages.plus(payload.input)
    tools = payload.config.tools or []
    frame = Frame(
        run_id=payload.run_id,
        config=payload.config,
        started_at=at,
        first_new=len(messages),
        tools={tool.name: tool for tool in tools if isinstance(tool, FunctionTool)},
    )
    return _to(state, payload.type, messages=messages, run=Run(frame))


def _queue(run: Run, payload: MessageQueuedEntry) -> Run:
    if payload.queue == "steering":
        return run.but(steering=(*run.steering, payload.message))
    return run.but(follow_ups=(*run.follow_ups, payload.message))


def _deliver(state: State, run: Run, payload: MessagesDeliveredEntry) -> State:
    count = payload.count
    if payload.queue == "steering":
        queue, left = run.steering, run.but(steering=run.steering[count:])
    else:
        queue, left = run.follow_ups, run.but(follow_ups=run.follow_ups[count:])
    if count > len(queue):
        raise _does_not_follow(f"{count} messages left a queue of {len(queue)}.")
    return _to(state, payload.type, messages=state.messages.plus(queue[:count]), run=left)


def _answer(state: State, run: Run, message: AssistantMessage) -> State:
    calls = calls_of(message, run.frame.tools)
    disposition = disposition_of(message.stop_reason, calls=bool(calls))
    if (message.error is not None) != (disposition == "failed"):
        raise _does_not_follow("An answer has an error exactly when its stop reason is `error`.")
    turn = run.current
    turn = turn.but(
        answer=message,
        disposition=disposition,
        calls=calls,
        usage=add(turn.usage, message.usage),
        error=message.error,
    )
    run = run.but(
        current=turn,
        usage=add(run.usage, message.usage),
        metered=run.metered and is_metered(message.usage),
        stop_reason=message.stop_reason,
    )
    trigger = f"answer_received/{disposition}"
    return _to(state, trigger, messages=state.messages.plus([message]), run=run)


def _consume(run: Run, usage: Usage | None, **changes: object) -> Run:
    """Count what a failed attempt consumed, into the turn and into the run (LOOP-034)."""
    turn = run.current.but(usage=add(run.current.usage, usage), **changes)
    return run.but(current=turn, usage=add(run.usage, usage))


def _lead_call(state: State, run: Run, payload: CallEntry) -> State:
    call_id = payload.result.call_id if payload.type == "call_settled" else payload.call_id
    seq, calls = state.seq + 1, run.calls
    for index, call in enumerate(calls):
        if call.id == call_id:
            after = call_after(call, payload, during=state.phase, position=seq)
            calls = (*calls[:index], after, *calls[index + 1 :])
            return state.but(seq=seq, ahead=None, run=run.but(current=run.current.but(calls=calls)))
    raise _does_not_follow(f"`{payload.type}` names the call {call_id!r}, which the turn lacks.")


def _end_turn(state: State, run: Run) -> State:
    # In call order, whatever finished first (TOOL-037).
    results = [call.result for call in run.calls if call.phase == "settled" and call.result]
    deferred = sum(call.phase == "deferred" for call in run.calls)
    trigger = "turn_ended/results_awaited" if deferred else "turn_ended"
    if len(results) + deferred < len(run.calls):
        trigger = "turn_ended/calls_open"
    return _to(state, trigger, messages=state.messages.plus(results))


def _expect(what: str, got: int, expected: int) -> None:
    if got != expected:
        raise _does_not_follow(f"The {what} is {got} where {expected} follows.")


def _does_not_follow(happened: str) -> NondeterminismError:
    return NondeterminismError(
        happened=happened,
        expected="Each entry follows on the state that the entries before it lead to.",
        advice="Append what `admit` and `settle` return, whole and in order, to one log.",
    )
