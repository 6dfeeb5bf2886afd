"""The life of one call, and which calls of a turn may do what now.

Gates TOOL-013 to TOOL-021, schedules TOOL-032 to TOOL-038, approvals CTRL-038 to CTRL-045.

The order is: the gates of all calls, one after the other; then all approvals together; then the
executions as the scheduling allows. A call that a gate or the approver stopped has a provisional
result, which the after-tool hooks see (`close_call`) before it is settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from isoloop.contract.content import ToolCallBlock
from isoloop.engine import _texts
from isoloop.engine._errors import NondeterminismError
from isoloop.engine._record import Record
from isoloop.engine._table import call_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop.contract.entry import (
        ApprovalRequestedEntry,
        ApprovalResolvedEntry,
        CallDeferredEntry,
        CallPreparedEntry,
        CallRejectedEntry,
        CallSettledEntry,
        CallStartedEntry,
    )
    from isoloop.contract.error import ResultCode
    from isoloop.contract.message import AssistantMessage, StopReason, ToolResultMessage
    from isoloop.contract.run import Scheduling
    from isoloop.contract.tool import FunctionTool
    from isoloop.engine._table import CallPhase, Phase

    CallEntry: TypeAlias = (
        CallPreparedEntry
        | CallRejectedEntry
        | ApprovalRequestedEntry
        | ApprovalResolvedEntry
        | CallStartedEntry
        | CallDeferredEntry
        | CallSettledEntry
    )

# Codes that only the engine gives, and which the table tells from a result that came of an effect.
_CLOSING_CODES = frozenset({"aborted", "not_executed", "interrupted"})


@dataclass(frozen=True, slots=True)
class Call(Record):
    """One call of the current turn."""

    id: str
    tool_name: str
    arguments_text: str
    """The arguments as they would run now: the model's, a hook's or the approver's."""
    read_only: bool
    client_side: bool = False
    """Whether the caller runs it (TOOL-043)."""
    phase: CallPhase = "pending"
    entered: bool = False
    """Whether the tool's body was entered."""
    ready_at: int = 0
    """The log position at which the call became ready: first come, first served."""
    approval_id: str | None = None
    digest: str | None = None
    expires_at: int | None = None
    result: ToolResultMessage | None = None
    """The result; provisional while the call is `rejected`."""


def calls_of(answer: AssistantMessage, tools: Mapping[str, FunctionTool]) -> tuple[Call, ...]:
    """Take the calls out of an answer, in call order.

    A tool is mutating unless it says otherwise; so is one that does not exist, until the lookup
    has rejected the call.
    """
    calls: list[Call] = []
    seen: set[str] = set()
    for block in answer.content:
        if block.type == "tool_call" and isinstance(block, ToolCallBlock):
            if block.id in seen:
                raise NondeterminismError(
                    happened=f"Two calls of one answer have the id {block.id!r}.",
                    expected="Ids are made unique when an answer is decoded.",
                    advice="Correct the decoder.",
                )
            seen.add(block.id)
            tool = tools.get(block.name)
            read_only = tool is not None and tool.access == "read_only"
            client_side = tool is not None and tool.client_side is True
            text = block.arguments_text
            calls.append(Call(block.id, block.name, text, read_only, client_side))
    return tuple(calls)


def trigger_of(entry: CallEntry) -> str:
    """Name what an entry means for a call, in the words of the table."""
    match entry.type:
        case "call_prepared":
            return "call_prepared/needs_approval" if entry.needs_approval else "call_prepared"
        case "approval_resolved":
            return f"approval_resolved/{entry.resolution}"
        case "call_settled":
            code = entry.result.code
            return f"call_settled/{code}" if code in _CLOSING_CODES else "call_settled"
        case "call_rejected" | "approval_requested" | "call_started" | "call_deferred":
            return entry.type
        case _:
            assert_never(entry)


def call_after(call: Call, entry: CallEntry, *, during: Phase, position: int) -> Call:
    """Lead a call through an entry.

    Raises:
        NondeterminismError: The table does not allow it.
    """
    phase = call_step(call.phase, trigger_of(entry), during=during)
    ready_at = position if phase == "ready" else call.ready_at
    match entry.type:
        case "call_prepared":
            text = call.arguments_text if entry.arguments_text is None else entry.arguments_text
            return call.but(phase=phase, ready_at=ready_at, arguments_text=text)
        case "call_rejected" | "call_settled":
            return call.but(phase=phase, result=entry.result)
        case "approval_requested":
            return call.but(
                phase=phase,
                approval_id=entry.approval_id,
                digest=entry.digest,
                expires_at=entry.expires_at,
            )
        case "approval_resolved":
            return _resolved(call.but(phase=phase, ready_at=ready_at), entry)
        case "call_started":
            return call.but(phase=phase, entered=True)
        case "call_deferred":
            return call.but(phase=phase)
        case _:
            assert_never(entry)


def due_calls(
    calls: tuple[Call, ...], *, scheduling: Scheduling, max_concurrency: int
) -> list[Call]:
    """List the calls for which something is to be done now, in call order.

    The set only grows at its end while calls settle: what a driver has begun is never taken back,
    except by an abort.
    """
    for call in calls:
        if call.phase == "pending":
            return [call]  # gates run in call order, before anything else
    if scheduling == "parallel":
        return _side_by_side(calls, max_concurrency)
    return _in_order(calls, max_concurrency, one_by_one=scheduling == "sequential")


def closing_result(call: Call, *, aborting: bool, stop_reason: StopReason) -> ToolResultMessage:
    """Make the result of a call that will not come to its end (LOOP-021, TOOL-040)."""
    if aborting:
        return _result(call, "aborted", _texts.ABORTED)
    return _result(call, "not_executed", _texts.not_executed(stop_reason))


def interrupted_result(call: Call) -> ToolResultMessage:
    """Make the result of a call that may or may not have run when its driver died (TOOL-041)."""
    return _result(call, "interrupted", _texts.INTERRUPTED)


def _result(call: Call, code: ResultCode, text: str) -> ToolResultMessage:
    return _texts.result_without_tool(call.id, call.tool_name, code=code, text=text)


def _resolved(call: Call, entry: ApprovalResolvedEntry) -> Call:
    match entry.resolution:
        case "allowed" | "aborted":
            return call
        case "edited":
            return call.but(arguments_text=entry.arguments_text)
        case "denied":
            return call.but(result=_result(call, "denied", _texts.denied(entry.reason)))
        case "expired":
            text = _texts.denied(_texts.APPROVAL_EXPIRED)
            return call.but(result=_result(call, "denied", text))
        case _:
            assert_never(entry.resolution)


def _side_by_side(calls: tuple[Call, ...], max_concurrency: int) -> list[Call]:
    # First come, first served: were it call order, a call that is approved late would take the
    # slot of one that has begun.
    able = [call for call in calls if call.phase in ("ready", "executing")]
    able.sort(key=lambda call: call.ready_at)
    begun = {call.id for call in able[:max_concurrency]}
    return [c for c in calls if c.id in begun or c.phase in ("asked", "edited", "rejected")]


def _in_order(calls: tuple[Call, ...], max_concurrency: int, *, one_by_one: bool) -> list[Call]:
    due: list[Call] = []
    running = 0
    held = False  # by an earlier call that waits for its approver, or runs alone
    for call in calls:
        match call.phase:
            case "asked" | "edited" | "gated":
                due.append(call)  # approvals are asked together, so being held does not matter
                held = True
            case "rejected":
                # It will not run, so it does not break a stretch, and takes no slot.
                if not held:
                    due.append(call)
                held = held or one_by_one
            case "ready" | "executing":
                alone = one_by_one or not call.read_only
                if not held and running < (1 if alone else max_concurrency):
                    due.append(call)
                    running += 1
                held = held or alone
            case "pending" | "stopped" | "deferred" | "settled":
                pass  # gates come first; a stopped call is about to be closed
            case _:
                assert_never(call.phase)
    return due
