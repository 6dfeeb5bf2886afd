"""What a finished effect adds to the log.

An outcome for an effect that is no longer pending adds nothing: it came too late, for example after
an abort, or twice. An outcome that cannot come of its effect is an error of the driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop.contract.entry import (
    AnswerFailedEntry,
    AnswerReceivedEntry,
    ApprovalResolvedEntry,
    CallPreparedEntry,
    CallRejectedEntry,
    CallSettledEntry,
    CallStartedEntry,
    OutputAcceptedEntry,
    OutputRejectedEntry,
    RetryDueEntry,
    RetryScheduledEntry,
    RunEndedEntry,
)
from isoloop.engine._errors import NondeterminismError
from isoloop.engine._follow import Batch, ended_by_limit
from isoloop.engine._plan import expiry_key, generate_key, next_effects
from isoloop.engine._retry import retry_delay_ms
from isoloop.engine._table import check_outcome
from isoloop.engine._texts import output_invalid, output_repair

if TYPE_CHECKING:
    from isoloop.contract.effect import (
        Effect,
        EffectOutcome,
        GenerateAbortedOutcome,
        GenerateFailedOutcome,
        OutputOutcome,
        PrepareCallEffect,
        PreparedOutcome,
        WaitUntilEffect,
    )
    from isoloop.contract.entry import EntryPayload, LogEntry
    from isoloop.contract.error import ErrorInfo
    from isoloop.contract.message import AssistantMessage, ToolResultMessage
    from isoloop.contract.usage import Usage
    from isoloop.engine._env import Env
    from isoloop.engine._state import Run, State

MAX_REPAIRS = 1
"""How often a run is asked to correct its structured output."""

# An answer with one of these did not come to its end.
_CUT = ("error", "aborted")


def settle(state: State, key: str, outcome: EffectOutcome, env: Env) -> list[LogEntry]:
    """Take up what came of an effect.

    Contract: append all entries to the log at once, then apply them in order. An empty list means
    that the outcome changes nothing.

    Raises:
        NondeterminismError: The effect is pending, but this cannot come of it.
    """
    run = state.run
    effect = _pending(state, key)
    if run is None or effect is None:
        return []
    check_outcome(effect.type, outcome.type)
    payload = _entry_of(run, effect, outcome, env)
    if payload is None:
        return []
    batch = Batch(state, env)
    batch.add(payload)
    return batch.finish()


def _pending(state: State, key: str) -> Effect | None:
    for effect in next_effects(state):
        if effect.key == key:
            return effect
        if effect.type == "abort_generate" and state.run and key == generate_key(state.run):
            return effect  # the model call itself reports what an abort left of it
    return None


def _entry_of(run: Run, effect: Effect, outcome: EffectOutcome, env: Env) -> EntryPayload | None:
    # Which effect an outcome belongs to has been checked against the table; the assertions only
    # tell the type checker.
    match outcome.type:
        case "answered":
            _check_stop_reason(outcome.message, fits=outcome.message.stop_reason not in _CUT)
            return AnswerReceivedEntry.trusted(message=outcome.message)
        case "generate_failed":
            return _failed(run, outcome, env)
        case "generate_aborted":
            return _aborted(outcome)
        case "prepared":
            assert effect.type == "prepare_call"
            return _prepared(effect, outcome)
        case "rejected":
            assert effect.type == "prepare_call"
            _check_call(outcome.result, effect.call_id)
            return CallRejectedEntry.trusted(call_id=effect.call_id, result=outcome.result)
        case "started":
            assert effect.type == "execute_call"
            # A repeatable call that is executed again after a crash has been entered before.
            entered = any(call.id == effect.call_id and call.entered for call in run.calls)
            return None if entered else CallStartedEntry.trusted(call_id=effect.call_id)
        case "result":
            if effect.type == "close_call":
                _check_call(outcome.result, effect.result.call_id)
            else:
                assert effect.type == "execute_call"
                _check_call(outcome.result, effect.call_id)
            return CallSettledEntry.trusted(result=outcome.result)
        case "output":
            return _validated(run, outcome, env)
        case "elapsed":
            assert effect.type == "wait_until"
            return _elapsed(run, effect)
        case _:
            assert_never(outcome)


def _failed(run: Run, outcome: GenerateFailedOutcome, env: Env) -> EntryPayload:
    """Keep what arrived; otherwise try again, unless an abort waits or no attempt is left."""
    message, error, usage = outcome.message, outcome.error, outcome.usage
    if message is not None:
        _check_stop_reason(message, fits=message.stop_reason == "error")
        return _partial(message, error=message.error or error, usage=usage)
    if run.is_closing:
        return AnswerFailedEntry.trusted(usage=usage)
    delay_ms = retry_delay_ms(run.config.retry, error, attempt=run.attempt, random=env.random)
    if delay_ms is None:
        return AnswerFailedEntry.trusted(error=error, usage=usage)
    return RetryScheduledEntry.trusted(
        attempt=run.attempt,
        error=error,
        usage=usage,
        delay_ms=delay_ms,
        due_at=env.now_ms + delay_ms,
    )


def _aborted(outcome: GenerateAbortedOutcome) -> EntryPayload:
    message = outcome.message
    if message is None:
        return AnswerFailedEntry.trusted(usage=outcome.usage)
    _check_stop_reason(message, fits=message.stop_reason == "aborted")
    return _partial(message, error=None, usage=outcome.usage)


def _partial(
    message: AssistantMessage, *, error: ErrorInfo | None, usage: Usage | None
) -> AnswerReceivedEntry:
    """Enter a partial answer. What its attempt consumed is counted once, in the message."""
    changes = {"error": error, "usage": message.usage or usage}
    return AnswerReceivedEntry.trusted(message=message.model_copy(update=changes))


def _prepared(effect: PrepareCallEffect, outcome: PreparedOutcome) -> CallPreparedEntry:
    text = outcome.arguments_text
    return CallPreparedEntry.trusted(
        call_id=effect.call_id,
        arguments_text=None if text == effect.arguments_text else text,
        # What an approver edited is not asked for again.
        needs_approval=outcome.needs_approval and effect.stage == "gates",
    )


def _validated(run: Run, outcome: OutputOutcome, env: Env) -> EntryPayload:
    if outcome.output is not None:
        return OutputAcceptedEntry.trusted(output=outcome.output)
    problem = outcome.problem or "it is not a JSON object"
    if run.repairs >= MAX_REPAIRS:
        return RunEndedEntry.trusted(outcome="failed", error=output_invalid(problem))
    limited = ended_by_limit(run, env)
    return limited or OutputRejectedEntry.trusted(message=output_repair(problem))


def _elapsed(run: Run, effect: WaitUntilEffect) -> EntryPayload:
    if effect.purpose == "retry":
        return RetryDueEntry.trusted(attempt=run.attempt + 1)
    call = next(call for call in run.calls if expiry_key(run, call) == effect.key)
    assert call.approval_id is not None
    return ApprovalResolvedEntry.trusted(
        call_id=call.id, approval_id=call.approval_id, resolution="expired"
    )


def _check_stop_reason(message: AssistantMessage, *, fits: bool) -> None:
    if not fits:
        raise NondeterminismError(
            happened=f"An answer came with the stop reason {message.stop_reason!r}.",
            expected="`answered` has neither `error` nor `aborted`, `generate_failed` has `error`,"
            " `generate_aborted` has `aborted`.",
            advice="Settle the model call with the outcome that it had.",
        )


def _check_call(result: ToolResultMessage, call_id: str) -> None:
    if result.call_id != call_id:
        raise NondeterminismError(
            happened=f"A result for the call {result.call_id!r} came.",
            expected=f"The effect is about the call {call_id!r}.",
            advice="Settle each effect under its own key.",
        )
