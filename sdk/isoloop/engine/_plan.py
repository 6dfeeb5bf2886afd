"""What is to be done now (effects), read off the state.

The same state gives the same effects with the same keys: that is crash recovery, and it is how a
driver finds out what to begin and what to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract.effect import (
    AbortGenerateEffect,
    CloseCallEffect,
    ExecuteCallEffect,
    GenerateEffect,
    PrepareCallEffect,
    RequestApprovalEffect,
    ValidateOutputEffect,
    WaitUntilEffect,
)
from isoloop.engine._calls import due_calls
from isoloop.engine._digest import effect_key
from isoloop.engine._follow import awaits_validation

if TYPE_CHECKING:
    from isoloop.contract.effect import Effect, PrepareStage
    from isoloop.engine._calls import Call
    from isoloop.engine._state import Run, State

DEFAULT_MAX_CONCURRENCY = 8


def next_effects(state: State) -> list[Effect]:
    """List what the driver is to have done now.

    Contract: after each entry, begin what is new in the list and stop what is no longer in it,
    by key. `abort_generate` stands for a model call that may be in flight: stop it, and settle what
    came of it, under its own key or under that of `abort_generate`. Empty when no run is active, or
    between the entries of a batch.
    """
    run = state.run
    if run is None:
        return []
    match state.phase:
        case "generating":
            return [
                GenerateEffect.trusted(key=generate_key(run), turn=run.turn, attempt=run.attempt)
            ]
        case "stopping":
            key = _key(run, "abort_generate", run.attempt)
            return [AbortGenerateEffect.trusted(key=key, turn=run.turn, attempt=run.attempt)]
        case "waiting":
            return _wait_for_retry(run)
        case "calling":
            return _for_calls(run)
        case "between" if awaits_validation(state):
            key = _key(run, "validate_output")
            return [ValidateOutputEffect.trusted(key=key, turn=run.turn)]
        case _:
            return []


def generate_key(run: Run) -> str:
    """Name the model call of the current attempt."""
    return _key(run, "generate", run.attempt)


def expiry_key(run: Run, call: Call) -> str:
    """Name the wait for the time at which a call's approval expires."""
    return _key(run, "approval_expiry", call.id)


def _key(run: Run, *parts: object) -> str:
    return effect_key(run.run_id, run.turn, *parts)


def _wait_for_retry(run: Run) -> list[Effect]:
    due_at = run.current.retry_at
    assert due_at is not None
    key = _key(run, "retry", run.attempt)
    return [WaitUntilEffect.trusted(key=key, due_at=due_at, purpose="retry")]


def _for_calls(run: Run) -> list[Effect]:
    config = run.config
    due = due_calls(
        run.calls,
        scheduling=config.scheduling or "auto",
        max_concurrency=config.max_concurrency or DEFAULT_MAX_CONCURRENCY,
    )
    return [effect for call in due for effect in _for_call(run, call)]


def _for_call(run: Run, call: Call) -> list[Effect]:
    match call.phase:
        case "pending":
            return [_prepare(run, call, "gates")]
        case "asked":
            return _ask(run, call)
        case "edited":
            return [_prepare(run, call, "edited")]
        case "ready" if call.client_side:
            return []  # about to be left to the caller
        case "ready" | "executing":
            return [
                ExecuteCallEffect.trusted(
                    key=_key(run, "execute_call", call.id),
                    call_id=call.id,
                    tool_name=call.tool_name,
                    arguments_text=call.arguments_text,
                )
            ]
        case "rejected" if call.result is not None:
            key = _key(run, "close_call", call.id)
            return [CloseCallEffect.trusted(key=key, result=call.result)]
        case _:
            return []


def _prepare(run: Run, call: Call, stage: PrepareStage) -> Effect:
    return PrepareCallEffect.trusted(
        key=_key(run, "prepare_call", stage, call.id),
        call_id=call.id,
        tool_name=call.tool_name,
        arguments_text=call.arguments_text,
        stage=stage,
    )


def _ask(run: Run, call: Call) -> list[Effect]:
    assert call.approval_id is not None
    assert call.digest is not None
    effects: list[Effect] = [
        RequestApprovalEffect.trusted(
            key=_key(run, "request_approval", call.id),
            call_id=call.id,
            approval_id=call.approval_id,
            tool_name=call.tool_name,
            arguments_text=call.arguments_text,
            digest=call.digest,
        )
    ]
    if call.expires_at is not None:
        key = expiry_key(run, call)
        effects.append(WaitUntilEffect.trusted(key=key, due_at=call.expires_at, purpose="approval"))
    return effects
