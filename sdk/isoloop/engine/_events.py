"""What the consumer is told when an entry has been applied (LOOP-001 to LOOP-018).

The streamed parts of an answer, from its `message_start` to its last block, and the progress of
tools are told by the driver while they happen: they are not facts of the log. `message_end` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop.contract.event import (
    AgentEndEvent,
    AgentStartEvent,
    ApprovalRequestedEvent,
    ApprovalResolvedEvent,
    MessageEndEvent,
    MessageStartEvent,
    RetryScheduledEvent,
    ToolExecutionEndEvent,
    ToolExecutionStartEvent,
    TurnEndEvent,
    TurnStartEvent,
)
from isoloop.engine._queues import undelivered
from isoloop.engine._usage import cost_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract.entry import (
        ApprovalRequestedEntry,
        ApprovalResolvedEntry,
        CallSettledEntry,
        CallStartedEntry,
        LogEntry,
    )
    from isoloop.contract.event import Event
    from isoloop.contract.message import Message
    from isoloop.engine._calls import Call
    from isoloop.engine._state import Run, State


def events_of(state: State, entry: LogEntry, seq: int) -> list[Event]:
    """Tell what an entry means to a consumer.

    Args:
        state: The state after the entry was applied.
        entry: The entry.
        seq: The next free number among the events of the run.
    """
    run = state.run or state.ended
    if run is None:
        return []
    payload = entry.payload
    at = entry.at
    run_id, turn = run.run_id, run.turn
    match payload.type:
        case "run_started":
            start = AgentStartEvent.trusted(seq=seq, run_id=run_id, at=at)
            return [start, *_messages(payload.input, run_id, at=at, seq=seq + 1)]
        case "messages_delivered":
            delivered = state.messages.since(len(state.messages) - payload.count)
            return _messages(delivered, run_id, at=at, seq=seq)
        case "output_rejected":
            return _messages([payload.message], run_id, at=at, seq=seq)
        case "turn_started":
            return [TurnStartEvent.trusted(seq=seq, run_id=run_id, at=at, turn=turn)]
        case "retry_scheduled":
            return [
                RetryScheduledEvent.trusted(
                    seq=seq,
                    run_id=run_id,
                    at=at,
                    turn=turn,
                    attempt=payload.attempt,
                    delay_ms=payload.delay_ms,
                    error=payload.error,
                    usage=payload.usage,
                )
            ]
        case "answer_received":
            message = payload.message
            return [
                MessageEndEvent.trusted(seq=seq, run_id=run_id, at=at, turn=turn, message=message)
            ]
        case "approval_requested":
            return [_approval_requested(run, payload, at=at, seq=seq)]
        case "approval_resolved":
            return [_approval_resolved(run, payload, at=at, seq=seq)]
        case "call_started":
            return [_call_started(run, payload, at=at, seq=seq)]
        case "call_settled":
            return _call_settled(run, payload, at=at, seq=seq)
        case "turn_ended":
            return _end_turn(run, at=at, seq=seq)
        case "run_ended":
            return [_end(state, run, at=at, seq=seq)]
        case (
            "session_opened"
            | "message_queued"
            | "retry_due"
            | "answer_failed"
            | "call_prepared"
            | "call_rejected"
            | "call_deferred"
            | "output_accepted"
            | "abort_requested"
            | "failure_noted"
        ):
            return []  # what they lead to is told by the entries that follow
        case _:
            assert_never(payload)


def _messages(messages: Sequence[Message], run_id: str, *, at: int, seq: int) -> list[Event]:
    """Tell of messages that enter whole, outside a turn."""
    events: list[Event] = []
    for message in messages:
        events.append(MessageStartEvent.trusted(seq=seq, run_id=run_id, at=at, role=message.role))
        events.append(MessageEndEvent.trusted(seq=seq + 1, run_id=run_id, at=at, message=message))
        seq += 2
    return events


def _approval_requested(run: Run, payload: ApprovalRequestedEntry, *, at: int, seq: int) -> Event:
    call = _call(run, payload.call_id)
    return ApprovalRequestedEvent.trusted(
        seq=seq,
        run_id=run.run_id,
        at=at,
        turn=run.turn,
        call_id=call.id,
        approval_id=payload.approval_id,
        tool_name=call.tool_name,
        arguments_text=call.arguments_text,
        digest=payload.digest,
    )


def _approval_resolved(run: Run, payload: ApprovalResolvedEntry, *, at: int, seq: int) -> Event:
    return ApprovalResolvedEvent.trusted(
        seq=seq,
        run_id=run.run_id,
        at=at,
        turn=run.turn,
        call_id=payload.call_id,
        approval_id=payload.approval_id,
        resolution=payload.resolution,
        arguments_text=payload.arguments_text,
        reason=payload.reason,
    )


def _call_started(run: Run, payload: CallStartedEntry, *, at: int, seq: int) -> Event:
    call = _call(run, payload.call_id)
    return ToolExecutionStartEvent.trusted(
        seq=seq,
        run_id=run.run_id,
        at=at,
        turn=run.turn,
        call_id=call.id,
        tool_name=call.tool_name,
        arguments_text=call.arguments_text,
    )


def _call_settled(run: Run, payload: CallSettledEntry, *, at: int, seq: int) -> list[Event]:
    result = payload.result
    if not _call(run, result.call_id).entered:
        return []  # a call that was stopped before its body has only its result
    return [
        ToolExecutionEndEvent.trusted(
            seq=seq,
            run_id=run.run_id,
            at=at,
            turn=run.turn,
            call_id=result.call_id,
            tool_name=result.tool_name,
            is_error=result.is_error,
            code=result.code,
        )
    ]


def _end_turn(run: Run, *, at: int, seq: int) -> list[Event]:
    """Tell of one result per call, in call order, and of the end of the turn."""
    run_id, turn = run.run_id, run.turn
    results = [call.result for call in run.calls if call.result is not None]
    events: list[Event] = []
    for result in results:
        events += (
            MessageStartEvent.trusted(seq=seq, run_id=run_id, at=at, turn=turn, role="tool_result"),
            MessageEndEvent.trusted(seq=seq + 1, run_id=run_id, at=at, turn=turn, message=result),
        )
        seq += 2
    current = run.current
    events.append(
        TurnEndEvent.trusted(
            seq=seq,
            run_id=run_id,
            at=at,
            turn=turn,
            message=current.answer,
            tool_results=results,
            usage=current.usage,
            error=run.error_of_turn,
            pending_calls=run.pending_calls,
        )
    )
    return events


def _end(state: State, run: Run, *, at: int, seq: int) -> Event:
    price = run.config.price
    assert run.outcome is not None
    return AgentEndEvent.trusted(
        seq=seq,
        run_id=run.run_id,
        at=at,
        outcome=run.outcome,
        new_messages=state.messages.since(run.frame.first_new),
        usage=run.usage,
        cost=None if price is None else cost_of(run.usage, price, metered=run.metered),
        stop_reason=run.stop_reason,
        output=run.output,
        error=run.error,
        undelivered=undelivered(run),
        pending_calls=run.pending_calls,
    )


def _call(run: Run, call_id: str) -> Call:
    return next(call for call in run.calls if call.id == call_id)
