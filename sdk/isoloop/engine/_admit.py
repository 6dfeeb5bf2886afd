"""Commands in, entries out (CTRL-037, CTRL-043, CTRL-044, LOOP-047 to LOOP-049).

A command that is refused changes nothing. Whether it is refused depends on the phase (see the
table), and on what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop.contract.content import ToolCallBlock
from isoloop.contract.entry import (
    AbortRequestedEntry,
    ApprovalResolvedEntry,
    MessageQueuedEntry,
    RunStartedEntry,
    SessionOpenedEntry,
)
from isoloop.contract.tool import FunctionTool, ProviderTool
from isoloop.engine._errors import Rejected
from isoloop.engine._follow import Batch
from isoloop.engine._table import verdict_on

if TYPE_CHECKING:
    from isoloop.contract.command import (
        Command,
        RejectionCode,
        ResolveApprovalCommand,
        StartRunCommand,
    )
    from isoloop.contract.entry import EntryPayload, LogEntry
    from isoloop.contract.event import ApprovalResolution
    from isoloop.contract.run import RunConfig
    from isoloop.engine._env import Env
    from isoloop.engine._state import State


def admit(state: State, command: Command, env: Env) -> list[LogEntry]:
    """Decide on a command.

    Contract: append all entries to the log at once, then apply them in order. An empty list means
    that the command changes nothing (a second abort).

    Raises:
        Rejected: The command is refused; the state is as it was.
    """
    verdict = verdict_on(state.phase, command.type)
    if verdict == "ignored":
        return []
    if verdict != "allowed":
        raise Rejected(verdict, _REFUSALS[verdict].format(command=command.type))
    batch = Batch(state, env)
    batch.add(_entry_of(state, command))
    return batch.finish()


_REFUSALS: dict[RejectionCode, str] = {
    "busy": "A run is active. A session has at most one: wait for its end or abort it.",
    "no_run": "No run is active, so `{command}` has nothing to act on. Start a run first.",
    "closing": "The end of the run is decided, so `{command}` comes too late. Start another run.",
    "unknown_approval": "No such approval is open. Each is answered once, while its call waits.",
    "invalid": "`{command}` is not possible now. A session is opened once, before its first run.",
}


def _entry_of(state: State, command: Command) -> EntryPayload:
    match command.type:
        case "open":
            return SessionOpenedEntry.trusted(history=command.history or [])
        case "start_run":
            return _start(state, command)
        case "steer":
            return MessageQueuedEntry.trusted(queue="steering", message=command.message)
        case "follow_up":
            return MessageQueuedEntry.trusted(queue="follow_up", message=command.message)
        case "abort":
            return AbortRequestedEntry.trusted(reason=command.reason)
        case "resolve_approval":
            return _resolve(state, command)
        case _:
            assert_never(command)


def _start(state: State, command: StartRunCommand) -> RunStartedEntry:
    _check_results(state, command)
    last = state.messages[-1] if state.messages else None
    if not command.input and (last is None or last.role == "assistant"):
        raise Rejected(
            "invalid",
            "`input` is empty and the transcript does not end with a user message or a tool"
            " result, so the model has nothing to answer. Give a message.",
        )
    _check_config(command.config)
    return RunStartedEntry.trusted(
        run_id=command.run_id, config=command.config, input=command.input
    )


def _check_results(state: State, command: StartRunCommand) -> None:
    """Refuse results that answer nothing: they would never reach a model (TOOL-046)."""
    awaited = None  # most runs are given no results
    said = False
    for message in command.input:
        if message.role != "tool_result":
            said = True
            continue
        if awaited is None:
            awaited = _calls_without_result(state)
        if said or message.call_id not in awaited:
            raise Rejected(
                "invalid",
                f"`input` holds a result of {message.call_id!r}. Results come first, one for each"
                f" call of the last answer that has none ({', '.join(awaited) or 'there is none'})."
                " Remove it or correct its `callId`.",
            )
        awaited.remove(message.call_id)


def _calls_without_result(state: State) -> list[str]:
    """List the calls of the last answer that wait for results, in call order.

    Only that answer and its results are looked at, however long the history is.
    """
    answered: set[str] = set()
    for at in range(len(state.messages) - 1, -1, -1):
        message = state.messages[at]
        match message.role:
            case "tool_result":
                answered.add(message.call_id)
            case "assistant" if message.stop_reason != "error":  # such an answer is never sent
                calls = [b for b in message.content if isinstance(b, ToolCallBlock)]
                return [b.id for b in calls if not b.incomplete and b.id not in answered]
            case _:
                break
    return []


def _check_config(config: RunConfig) -> None:
    if config.limits and config.limits.max_cost_usd is not None and config.price is None:
        raise Rejected(
            "config",
            f"`limits.maxCostUsd` is set, but the price of {config.model.model!r} is not known."
            " Give a price or remove the limit.",
        )
    names: set[str] = set()
    for tool in config.tools or []:
        match tool:
            case FunctionTool():
                if tool.name in names:
                    raise Rejected(
                        "config", f"Two tools are named {tool.name!r}. Give each its own name."
                    )
                names.add(tool.name)
            case ProviderTool():
                if tool.dialect != config.model.dialect:
                    raise Rejected(
                        "config",
                        f"A provider tool belongs to {tool.dialect}, but the model speaks"
                        f" {config.model.dialect}. Remove the tool or change the model.",
                    )
            case _:
                assert_never(tool)


def _resolve(state: State, command: ResolveApprovalCommand) -> ApprovalResolvedEntry:
    calls = state.run.calls if state.run is not None else ()
    for call in calls:
        if call.approval_id == command.approval_id and call.phase == "asked":
            break
    else:
        raise Rejected("unknown_approval", _REFUSALS["unknown_approval"])
    if command.digest is not None and command.digest != call.digest:
        raise Rejected(
            "digest_mismatch",
            f"The approver saw arguments with digest {command.digest}, but {call.digest} would"
            " run. Look at the arguments again and decide anew.",
        )
    if (command.arguments_text is not None) != (command.decision == "edit"):
        raise Rejected(
            "invalid",
            f"The decision is {command.decision!r}; `argumentsText` is given exactly when it is"
            " `edit`. Correct one of the two.",
        )
    return ApprovalResolvedEntry.trusted(
        call_id=call.id,
        approval_id=command.approval_id,
        resolution=_RESOLUTIONS[command.decision],
        arguments_text=command.arguments_text,
        reason=command.reason,
    )


_RESOLUTIONS: dict[str, ApprovalResolution] = {
    "allow": "allowed",
    "deny": "denied",
    "edit": "edited",
}
