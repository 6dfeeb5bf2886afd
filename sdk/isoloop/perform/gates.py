"""What stands between a model's call and its tool: policy, hooks, approval.

Each is a plain async callable over the records of this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from isoloop.contract import JsonObject, ToolResultMessage
    from isoloop.tools import ToolResult


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as policy, hooks and approver see it.

    Attributes:
        id: The call.
        name: The tool asked for.
        arguments: The arguments as they would run now; `None` when they cannot be read.
        arguments_text: The same as text.
        run_id: The run.
        turn: The turn.
    """

    id: str
    name: str
    arguments: JsonObject | None
    arguments_text: str
    run_id: str
    turn: int


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that waits for an approval.

    Attributes:
        approval_id: Identifies the approval; `approval_requested` carries it too.
        call: The call, with the exact arguments that would run.
        digest: Digest of the canonical JSON of the arguments.
    """

    approval_id: str
    call: ToolCall
    digest: str


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may go on."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The call may not run. The model is told so, with the reason if there is one."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """The call needs an approval."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The call may go on with other arguments, which are validated again."""

    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Block:
    """A hook stops the call. The model is told so, with the reason if there is one."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replace:
    """A hook gives the call other arguments, which are validated again."""

    arguments: JsonObject


Policy: TypeAlias = "Callable[[ToolCall], Awaitable[Allow | Deny | Ask]]"
Approver: TypeAlias = "Callable[[ApprovalRequest], Awaitable[Allow | Deny | Edit]]"
BeforeTool: TypeAlias = "Callable[[ToolCall], Awaitable[Block | Replace | None]]"
AfterTool: TypeAlias = "Callable[[ToolCall, ToolResultMessage], Awaitable[ToolResult | None]]"


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called around tools.

    Attributes:
        before_tool: Called in order before a call runs, with the arguments that the one before
            left. Each may block the call or replace its arguments. One that fails blocks.
        after_tool: Called in order with every call's result, also when the call failed or was
            stopped by a gate. Each may replace the result. One that fails is reported and ignored.
    """

    before_tool: Sequence[BeforeTool] = ()
    after_tool: Sequence[AfterTool] = ()


NO_HOOKS = Hooks()
