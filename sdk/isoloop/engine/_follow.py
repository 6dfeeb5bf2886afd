"""What follows by itself: the entries that need no outcome and no command.

`admit` and `settle` write what they were told, then let follow what the state makes inevitable: a
turn ends when its last call is settled, the next begins, the run ends. All of it is one batch, so
that "the run has ended" and "a message was still accepted" can never both be true (CTRL-036).
The decision depends on the state alone, so a batch that a crash tore is completed by `recover`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract.entry import (
    ApprovalRequestedEntry,
    ApprovalResolvedEntry,
    CallDeferredEntry,
    CallSettledEntry,
    FailureNotedEntry,
    LogEntry,
    RunEndedEntry,
    TurnEndedEntry,
    TurnStartedEntry,
)
from isoloop.engine._calls import closing_result, interrupted_result
from isoloop.engine._digest import approval_id, arguments_digest
from isoloop.engine._limits import limit_reached
from isoloop.engine._queues import next_delivery
from isoloop.engine._state import apply_ahead

if TYPE_CHECKING:
    from isoloop.contract.entry import EntryPayload
    from isoloop.contract.error import ErrorInfo
    from isoloop.contract.run import Outcome
    from isoloop.engine._calls import Call
    from isoloop.engine._env import Env
    from isoloop.engine._state import Run, State


class Batch:
    """The entries of one step, and the state that they lead to."""

    __slots__ = ("entries", "env", "state")

    def __init__(self, state: State, env: Env) -> None:
        self.state = state
        self.env = env
        self.entries: list[LogEntry] = []

    def add(self, payload: EntryPayload) -> None:
        """Append an entry."""
        entry = LogEntry.trusted(seq=self.state.seq + 1, at=self.env.now_ms, payload=payload)
        self.state = apply_ahead(self.state, entry)
        self.entries.append(entry)

    def finish(self) -> list[LogEntry]:
        """Append what follows by itself, and give the whole batch."""
        while (payload := _following(self.state, self.env)) is not None:
            self.add(payload)
        return self.entries


def recover(state: State, env: Env) -> list[LogEntry]:
    """Take up a session whose driver died, after its log has been folded.

    Contract: call it once, before anything else, and append what it returns. A call that may or may
    not have run is closed as `interrupted`, unless its tool is repeatable: such a call is executed
    again under its old key. Empty for a log that needs nothing.
    """
    batch = Batch(state, env)
    run = state.run
    if run is not None and state.phase == "calling":
        for call in run.calls:
            if call.phase == "executing" and not _is_repeatable(run, call):
                batch.add(CallSettledEntry.trusted(result=interrupted_result(call)))
    return batch.finish()


def fail(state: State, error: ErrorInfo, env: Env) -> list[LogEntry]:
    """Close a run because something broke outside model calls, tools and hooks (CTRL-022).

    Contract: possible in every phase, between the entries of a batch too. Append all entries to the
    log at once, then apply them in order. The run ends as `failed`, at once or, with a model call
    in flight, when `abort_generate` is settled. A second failure of a run adds only what was still
    missing of its end. Empty when no run is active.
    """
    batch = Batch(state, env)
    if state.run is not None and state.run.failure is None:
        batch.add(FailureNotedEntry.trusted(error=error))
    return batch.finish()


def needs_turn(run: Run) -> bool:
    """Say whether the model has something to answer, queued messages aside."""
    # No disposition: before the first turn.
    return run.current.disposition in (None, "run_calls", "go_on")


def awaits_validation(state: State) -> bool:
    """Say whether the run is at its natural end and its output has yet to be validated."""
    run = state.run
    return (
        run is not None
        and state.phase == "between"
        and run.config.output is not None
        and run.current.disposition == "completed"
        and next_delivery(run, would_end=True) is None
    )


def ended_by_limit(run: Run, env: Env) -> RunEndedEntry | None:
    """End the run if a limit forbids another turn."""
    limit = limit_reached(run, now_ms=env.now_ms)
    return None if limit is None else RunEndedEntry.trusted(outcome=limit)


def _following(state: State, env: Env) -> EntryPayload | None:
    run = state.run
    if run is None:
        return None
    match state.phase:
        case "between":
            return _between(state, run, env)
        case "ready":
            return _begin_turn(run, env)
        case "calling":
            return _ask_together(run, env) or _defer_next(run) or _end_turn(run)
        case "answered":
            return _close_next(run) or _end_turn(run)
        case "closing":
            return _close_next(run) or _end_turn(run)
        case "ending":
            return _end(run)
        case _:
            return None  # an outcome is awaited


def _between(state: State, run: Run, env: Env) -> EntryPayload | None:
    would_end = not needs_turn(run)
    delivery = next_delivery(run, would_end=would_end)
    if delivery is not None:
        # The limit comes first: what it stops is given back, not delivered and left unanswered.
        return ended_by_limit(run, env) or delivery
    if not would_end:
        return _begin_turn(run, env)
    if awaits_validation(state):
        return None
    return _end(run)


def _begin_turn(run: Run, env: Env) -> EntryPayload:
    return ended_by_limit(run, env) or TurnStartedEntry.trusted(turn=run.turn + 1)


def _ask_together(run: Run, env: Env) -> ApprovalRequestedEntry | None:
    """Ask for the next approval, once the gates of all calls have run (CTRL-038)."""
    if any(call.phase == "pending" for call in run.calls):
        return None
    limits = run.config.limits
    patience_ms = None if limits is None else limits.approval_timeout_ms
    for call in run.calls:
        if call.phase == "gated":
            return ApprovalRequestedEntry.trusted(
                call_id=call.id,
                approval_id=approval_id(run.run_id, run.turn, call.id),
                digest=arguments_digest(call.arguments_text),
                expires_at=None if patience_ms is None else env.now_ms + patience_ms,
            )
    return None


def _defer_next(run: Run) -> CallDeferredEntry | None:
    """Leave the next call of a client-side tool to the caller, once its gates are behind it."""
    for call in run.calls:
        if call.client_side and call.phase == "ready":
            return CallDeferredEntry.trusted(call_id=call.id)
    return None


def _close_next(run: Run) -> EntryPayload | None:
    """Close the first open call, its approval before it."""
    for call in run.calls:
        if call.phase == "asked" and call.approval_id is not None:
            return ApprovalResolvedEntry.trusted(
                call_id=call.id, approval_id=call.approval_id, resolution="aborted"
            )
        if call.phase != "settled":
            stop_reason = run.stop_reason or "unknown"
            result = closing_result(call, aborting=run.is_closing, stop_reason=stop_reason)
            return CallSettledEntry.trusted(result=result)
    return None


def _end_turn(run: Run) -> TurnEndedEntry | None:
    is_open = any(call.phase not in ("settled", "deferred") for call in run.calls)
    return None if is_open else TurnEndedEntry.trusted()


def _end(run: Run) -> RunEndedEntry:
    error = run.error_of_turn
    outcome: Outcome = "completed"
    if run.aborting and run.failure is None:
        outcome, error = "aborted", None
    elif error is not None:
        outcome = "failed"
    elif run.current.disposition == "incomplete":
        outcome = "incomplete"
    elif run.pending_calls:
        outcome = "awaiting_results"
    return RunEndedEntry.trusted(outcome=outcome, error=error)


def _is_repeatable(run: Run, call: Call) -> bool:
    tool = run.frame.tools.get(call.tool_name)
    return tool is not None and tool.repeatable is True
