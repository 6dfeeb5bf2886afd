# Generated from contract/schemas/effect.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import ApprovalId, CallId, Digest, EpochMs, JsonObject, ToolName, Turn
from .error import ErrorInfo
from .message import AssistantMessage, ToolResultMessage
from .usage import Usage


class GenerateEffect(Model):
    """Call the model."""

    type: Literal["generate"] = "generate"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    turn: Turn
    """The turn."""

    attempt: Annotated[StrictInt, Field(ge=1, le=9007199254740991)]
    """The attempt, from 1."""


class AbortGenerateEffect(Model):
    """Stop the model call in flight and report what arrived."""

    type: Literal["abort_generate"] = "abort_generate"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    turn: Turn
    """The turn."""

    attempt: Annotated[StrictInt, Field(ge=1, le=9007199254740991)]
    """The attempt, from 1."""


PrepareStage = TypeAliasType("PrepareStage", Literal["gates", "edited"])
"""`gates`: lookup, policy, validation, before-tool hooks. `edited`: validation only, of arguments that an approver edited."""


class PrepareCallEffect(Model):
    """Take a call through its gates."""

    type: Literal["prepare_call"] = "prepare_call"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool asked for."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments."""

    stage: PrepareStage
    """Which gates."""


class RequestApprovalEffect(Model):
    """Ask the approver. The answer comes as a command."""

    type: Literal["request_approval"] = "request_approval"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The exact arguments."""

    digest: Digest
    """Digest of the canonical JSON of the arguments."""


class ExecuteCallEffect(Model):
    """Run a tool's body, then the after-tool hooks."""

    type: Literal["execute_call"] = "execute_call"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments."""


class ValidateOutputEffect(Model):
    """Hold the last answer against the output's schema."""

    type: Literal["validate_output"] = "validate_output"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    turn: Turn
    """The turn."""


WaitPurpose = TypeAliasType("WaitPurpose", Literal["retry", "approval"])
"""What is waited for."""


class WaitUntilEffect(Model):
    """Wait until a point in time."""

    type: Literal["wait_until"] = "wait_until"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    due_at: Annotated[EpochMs, Field(alias="dueAt")]
    """Until when."""

    purpose: WaitPurpose
    """What for."""


class PreparedOutcome(Model):
    """The call may go on."""

    type: Literal["prepared"] = "prepared"
    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments after the hooks."""

    needs_approval: Annotated[StrictBool, Field(alias="needsApproval")]
    """Whether an approval is needed."""


class StartedOutcome(Model):
    """The body was entered; the effect goes on."""

    type: Literal["started"] = "started"


class OutputOutcome(Model):
    """The output was held against its schema."""

    type: Literal["output"] = "output"
    output: JsonObject | None = None
    """The parsed output, when valid."""

    problem: StrictStr | None = None
    """What is wrong, when not."""


class ElapsedOutcome(Model):
    """The time has come."""

    type: Literal["elapsed"] = "elapsed"


class CloseCallEffect(Model):
    """Run the after-tool hooks of a call that a gate stopped."""

    type: Literal["close_call"] = "close_call"
    key: Annotated[StrictStr, Field(min_length=1)]
    """The idempotency key: the same pending effect always has the same key."""

    result: ToolResultMessage
    """The result so far."""


Effect = TypeAliasType(
    "Effect",
    Annotated[
        GenerateEffect | AbortGenerateEffect | PrepareCallEffect | RequestApprovalEffect | ExecuteCallEffect | CloseCallEffect | ValidateOutputEffect | WaitUntilEffect,
        Field(discriminator="type"),
    ],
)
"""What the engine asks a driver to have done."""


class RejectedOutcome(Model):
    """A gate stopped the call."""

    type: Literal["rejected"] = "rejected"
    result: ToolResultMessage
    """What the model is told."""


class ResultOutcome(Model):
    """The call has its result."""

    type: Literal["result"] = "result"
    result: ToolResultMessage
    """The result."""


class AnsweredOutcome(Model):
    """The model answered to the end."""

    type: Literal["answered"] = "answered"
    message: AssistantMessage
    """The answer."""


class GenerateFailedOutcome(Model):
    """The model call failed."""

    type: Literal["generate_failed"] = "generate_failed"
    error: ErrorInfo
    """Why."""

    message: AssistantMessage | None = None
    """What arrived, with stop reason `error`; absent when there was no content."""

    usage: Usage | None = None
    """What the attempt consumed, where known."""


class GenerateAbortedOutcome(Model):
    """The model call was stopped."""

    type: Literal["generate_aborted"] = "generate_aborted"
    message: AssistantMessage | None = None
    """What arrived, with stop reason `aborted`; absent when there was no content."""

    usage: Usage | None = None
    """What the attempt consumed, where known."""


EffectOutcome = TypeAliasType(
    "EffectOutcome",
    Annotated[
        AnsweredOutcome | GenerateFailedOutcome | GenerateAbortedOutcome | PreparedOutcome | RejectedOutcome | StartedOutcome | ResultOutcome | OutputOutcome | ElapsedOutcome,
        Field(discriminator="type"),
    ],
)
"""What came of an effect."""
