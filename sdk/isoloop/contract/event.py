# Generated from contract/schemas/event.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from isoloop.contract._refined import OnlyTrue, UnknownEventType
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import (
    ApprovalId,
    CallId,
    ContentIndex,
    Dialect,
    Digest,
    DurationMs,
    EpochMs,
    JsonObject,
    JsonText,
    RunId,
    Seq,
    ToolName,
    Turn,
)
from .content import ResultBlock
from .error import ErrorInfo, ResultCode
from .message import (
    AssistantMessage,
    Message,
    StopReason,
    ToolResultMessage,
    UserMessage,
)
from .model import ModelRef
from .run import Outcome, PendingCall
from .usage import Cost, Usage


class AgentStartEvent(Model):
    """A run begins."""

    type: Literal["agent_start"] = "agent_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""


class TurnStartEvent(Model):
    """A turn begins."""

    type: Literal["turn_start"] = "turn_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""


class TextStartEvent(Model):
    """A text block begins."""

    type: Literal["text_start"] = "text_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""


class TextDeltaEvent(Model):
    """More text of a block."""

    type: Literal["text_delta"] = "text_delta"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    delta: StrictStr
    """The new text only. Never ends inside a surrogate pair."""


class TextEndEvent(Model):
    """A text block is complete."""

    type: Literal["text_end"] = "text_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    text: StrictStr
    """The whole text: the deltas joined."""


class ThinkingStartEvent(Model):
    """A thinking block begins."""

    type: Literal["thinking_start"] = "thinking_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""


class ThinkingDeltaEvent(Model):
    """More text of a thinking block."""

    type: Literal["thinking_delta"] = "thinking_delta"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    delta: StrictStr
    """The new text only."""


class ThinkingEndEvent(Model):
    """A thinking block is complete."""

    type: Literal["thinking_end"] = "thinking_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    text: StrictStr
    """The whole text: the deltas joined."""

    signature: StrictStr | None = None
    """The provider's signature, where it gave one."""


class ToolCallStartEvent(Model):
    """A tool call begins."""

    type: Literal["tool_call_start"] = "tool_call_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool asked for."""


class ToolCallDeltaEvent(Model):
    """More of a call's arguments, as raw text."""

    type: Literal["tool_call_delta"] = "tool_call_delta"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    delta: StrictStr
    """The new text only."""


class ToolCallEndEvent(Model):
    """A tool call is complete, or will not become so."""

    type: Literal["tool_call_end"] = "tool_call_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool asked for."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments exactly as they came: the deltas joined."""

    arguments_state: Annotated[
        Literal["complete", "incomplete", "invalid"], Field(alias="argumentsState")
    ]
    """`complete`: a JSON object (blank text counts as `{}`); `incomplete`: the provider never ended the block; `invalid`: ended, but not a JSON object."""

    arguments: JsonObject | None = None
    """The parsed arguments; present exactly when the state is `complete`."""


class OpaqueStartEvent(Model):
    """A block that the contract does not model begins."""

    type: Literal["opaque_start"] = "opaque_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    dialect: Dialect
    """Whose block it is."""

    kind: Annotated[StrictStr, Field(min_length=1)]
    """The provider's name for it."""


class OpaqueEndEvent(Model):
    """A block that the contract does not model is complete."""

    type: Literal["opaque_end"] = "opaque_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    content_index: Annotated[ContentIndex, Field(alias="contentIndex")]
    """The block within the answer."""

    dialect: Dialect
    """Whose block it is."""

    kind: Annotated[StrictStr, Field(min_length=1)]
    """The provider's name for it."""

    json_text: Annotated[JsonText, Field(alias="json")]
    """The whole block."""

    incomplete: OnlyTrue | None = None
    """Present when the block could not be rebuilt."""


class ApprovalRequestedEvent(Model):
    """A call waits for an approval."""

    type: Literal["approval_requested"] = "approval_requested"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The exact arguments that would run."""

    digest: Digest
    """Digest of the canonical JSON of the arguments."""


ApprovalResolution = TypeAliasType("ApprovalResolution", Literal["allowed", "edited", "denied", "aborted", "expired"])
"""How an approval ended."""


class ApprovalResolvedEvent(Model):
    """An approval ended."""

    type: Literal["approval_resolved"] = "approval_resolved"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    resolution: ApprovalResolution
    """How."""

    arguments_text: Annotated[StrictStr | None, Field(alias="argumentsText")] = None
    """The edited arguments; present exactly when edited."""

    reason: StrictStr | None = None
    """What the approver said."""


class ToolExecutionStartEvent(Model):
    """A tool's body was entered."""

    type: Literal["tool_execution_start"] = "tool_execution_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments that the body was given, after hooks and approval."""


class ToolExecutionUpdateEvent(Model):
    """A tool reports progress."""

    type: Literal["tool_execution_update"] = "tool_execution_update"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    content: list[ResultBlock]
    """What the tool reports so far."""

    details: JsonObject | None = None
    """For the application only."""


class ToolExecutionEndEvent(Model):
    """A tool's body was left."""

    type: Literal["tool_execution_end"] = "tool_execution_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    is_error: Annotated[StrictBool, Field(alias="isError")]
    """Whether the call failed."""

    code: ResultCode | None = None
    """Why, where the tool did not write the result itself."""


class UnknownEvent(Model):
    """An event of a type that this version of the contract does not know."""

    model_config = ConfigDict(
        extra="allow",
    )
    type: Annotated[UnknownEventType, Field(min_length=1)]
    """The unknown type."""

    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""


class MessageStartEvent(Model):
    """A message begins."""

    type: Literal["message_start"] = "message_start"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn | None = None
    """The turn; absent outside a turn."""

    role: Literal["user", "assistant", "tool_result"]
    """The message's role."""

    model: ModelRef | None = None
    """Who answers; present exactly when the role is `assistant`."""


class RetryScheduledEvent(Model):
    """A model call failed before any content and will be tried again."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    attempt: Annotated[StrictInt, Field(ge=1, le=9007199254740991)]
    """The attempt that failed, from 1."""

    delay_ms: Annotated[DurationMs, Field(alias="delayMs")]
    """How long the loop waits."""

    error: ErrorInfo
    """Why it failed."""

    usage: Usage | None = None
    """What the failed attempt consumed, where known."""


class MessageEndEvent(Model):
    """A message is complete."""

    type: Literal["message_end"] = "message_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn | None = None
    """The turn; absent outside a turn."""

    message: Message
    """The whole message."""


class TurnEndEvent(Model):
    """A turn ends."""

    type: Literal["turn_end"] = "turn_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    turn: Turn
    """The turn."""

    message: AssistantMessage | None = None
    """The answer; absent when there was none."""

    tool_results: Annotated[list[ToolResultMessage], Field(alias="toolResults")]
    """One per call, in call order."""

    usage: Usage
    """What the turn consumed, failed attempts included."""

    error: ErrorInfo | None = None
    """Why the turn failed."""

    pending_calls: Annotated[
        list[PendingCall] | None, Field(alias="pendingCalls", min_length=1)
    ] = None
    """The calls whose results the caller is asked for, in call order; present exactly when there are any."""


class AgentEndEvent(Model):
    """A run ends. Comes exactly once and last."""

    type: Literal["agent_end"] = "agent_end"
    seq: Seq
    """Position among the run's events."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    at: EpochMs
    """When it happened."""

    outcome: Outcome
    """How the run ended."""

    new_messages: Annotated[list[Message], Field(alias="newMessages")]
    """What the run added after the caller's input."""

    usage: Usage
    """The sum over all attempts."""

    cost: Cost | None = None
    """What it cost; absent when no prices were given."""

    stop_reason: Annotated[StopReason | None, Field(alias="stopReason")] = None
    """The last answer's stop reason; absent when there was no answer."""

    output: JsonObject | None = None
    """The structured output, where one was asked for and is valid."""

    error: ErrorInfo | None = None
    """What went wrong; present exactly when the outcome is `failed`."""

    undelivered: list[UserMessage]
    """Queued messages that were never used, steering before follow-ups, each in order."""

    pending_calls: Annotated[
        list[PendingCall] | None, Field(alias="pendingCalls", min_length=1)
    ] = None
    """The calls whose results the caller is asked for, in call order; present exactly when there are any."""


KnownEvent = TypeAliasType(
    "KnownEvent",
    Annotated[
        AgentStartEvent | TurnStartEvent | RetryScheduledEvent | MessageStartEvent | MessageEndEvent | TextStartEvent | TextDeltaEvent | TextEndEvent | ThinkingStartEvent | ThinkingDeltaEvent | ThinkingEndEvent | ToolCallStartEvent | ToolCallDeltaEvent | ToolCallEndEvent | OpaqueStartEvent | OpaqueEndEvent | ApprovalRequestedEvent | ApprovalResolvedEvent | ToolExecutionStartEvent | ToolExecutionUpdateEvent | ToolExecutionEndEvent | TurnEndEvent | AgentEndEvent,
        Field(discriminator="type"),
    ],
)
"""An event that this version of the contract knows."""


Event = TypeAliasType("Event", KnownEvent | UnknownEvent)
"""What an implementation tells its consumer while a run goes on."""
