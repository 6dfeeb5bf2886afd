# Generated from contract/schemas/entry.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import (
    ApprovalId,
    CallId,
    Digest,
    DurationMs,
    EpochMs,
    JsonObject,
    RunId,
    Seq,
    Turn,
)
from .error import ErrorInfo
from .event import ApprovalResolution
from .message import (
    AssistantMessage,
    InputMessage,
    Message,
    ToolResultMessage,
    UserMessage,
)
from .run import Outcome, RunConfig
from .usage import Usage

Queue = TypeAliasType("Queue", Literal["steering", "follow_up"])
"""A queue of a run."""


class MessagesDeliveredEntry(Model):
    """Queued messages entered the transcript."""

    type: Literal["messages_delivered"] = "messages_delivered"
    queue: Queue
    """Which queue."""

    count: Annotated[StrictInt, Field(ge=1, le=9007199254740991)]
    """How many, from its head."""


class TurnStartedEntry(Model):
    """A turn began."""

    type: Literal["turn_started"] = "turn_started"
    turn: Turn
    """Its number."""


class RetryDueEntry(Model):
    """The wait before a retry is over."""

    type: Literal["retry_due"] = "retry_due"
    attempt: Annotated[StrictInt, Field(ge=2, le=9007199254740991)]
    """The attempt that follows."""


class CallPreparedEntry(Model):
    """A call passed its gates, up to approval."""

    type: Literal["call_prepared"] = "call_prepared"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    arguments_text: Annotated[StrictStr | None, Field(alias="argumentsText")] = None
    """The final arguments; absent when they are the model's own."""

    needs_approval: Annotated[StrictBool, Field(alias="needsApproval")]
    """Whether an approval is needed."""


class ApprovalRequestedEntry(Model):
    """An approval was asked for."""

    type: Literal["approval_requested"] = "approval_requested"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    digest: Digest
    """Digest of the canonical JSON of the arguments."""

    expires_at: Annotated[EpochMs | None, Field(alias="expiresAt")] = None
    """When it expires."""


class CallStartedEntry(Model):
    """A tool's body was entered."""

    type: Literal["call_started"] = "call_started"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""


class CallDeferredEntry(Model):
    """A call of a client-side tool passed its gates and was left to the caller."""

    type: Literal["call_deferred"] = "call_deferred"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""


class OutputAcceptedEntry(Model):
    """The structured output is valid."""

    type: Literal["output_accepted"] = "output_accepted"
    output: JsonObject
    """The output."""


class TurnEndedEntry(Model):
    """A turn ended."""

    type: Literal["turn_ended"] = "turn_ended"


class AbortRequestedEntry(Model):
    """An abort was asked for."""

    type: Literal["abort_requested"] = "abort_requested"
    reason: StrictStr | None = None
    """Why."""


class MessageQueuedEntry(Model):
    """A message was queued."""

    type: Literal["message_queued"] = "message_queued"
    queue: Queue
    """Which queue."""

    message: UserMessage
    """The message."""


class CallRejectedEntry(Model):
    """A gate stopped a call."""

    type: Literal["call_rejected"] = "call_rejected"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    result: ToolResultMessage
    """The result, before the after-tool hooks."""


class ApprovalResolvedEntry(Model):
    """An approval ended."""

    type: Literal["approval_resolved"] = "approval_resolved"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    resolution: ApprovalResolution
    """How."""

    arguments_text: Annotated[StrictStr | None, Field(alias="argumentsText")] = None
    """The edited arguments."""

    reason: StrictStr | None = None
    """What the approver said."""


class CallSettledEntry(Model):
    """A call has its result."""

    type: Literal["call_settled"] = "call_settled"
    result: ToolResultMessage
    """The result."""


class OutputRejectedEntry(Model):
    """The structured output is not valid."""

    type: Literal["output_rejected"] = "output_rejected"
    message: UserMessage
    """What the model is told."""


class FailureNotedEntry(Model):
    """Something broke outside model calls, tools and hooks; the run is closed and fails."""

    type: Literal["failure_noted"] = "failure_noted"
    error: ErrorInfo
    """What broke."""


class RunEndedEntry(Model):
    """A run ended."""

    type: Literal["run_ended"] = "run_ended"
    outcome: Outcome
    """How."""

    error: ErrorInfo | None = None
    """What went wrong; present exactly when failed."""


class RunStartedEntry(Model):
    """A run began."""

    type: Literal["run_started"] = "run_started"
    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    config: RunConfig
    """What the run needs to know."""

    input: list[InputMessage]
    """What the caller said: first results of pending calls, then messages."""


class RetryScheduledEntry(Model):
    """A model call failed before any content and will be tried again."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    attempt: Annotated[StrictInt, Field(ge=1, le=9007199254740991)]
    """The attempt that failed."""

    error: ErrorInfo
    """Why."""

    usage: Usage | None = None
    """What it consumed, where known."""

    delay_ms: Annotated[DurationMs, Field(alias="delayMs")]
    """How long to wait."""

    due_at: Annotated[EpochMs, Field(alias="dueAt")]
    """When to try again."""


class AnswerFailedEntry(Model):
    """A model call failed, or was aborted, without any content."""

    type: Literal["answer_failed"] = "answer_failed"
    error: ErrorInfo | None = None
    """Why; absent after an abort."""

    usage: Usage | None = None
    """What the attempt consumed, where known."""


class SessionOpenedEntry(Model):
    """A session began."""

    type: Literal["session_opened"] = "session_opened"
    history: list[Message]
    """What was said before."""


class AnswerReceivedEntry(Model):
    """A model answered: fully, or in part (stop reason `error` or `aborted`)."""

    type: Literal["answer_received"] = "answer_received"
    message: AssistantMessage
    """The answer."""


EntryPayload = TypeAliasType(
    "EntryPayload",
    Annotated[
        SessionOpenedEntry | RunStartedEntry | MessageQueuedEntry | MessagesDeliveredEntry | TurnStartedEntry | RetryScheduledEntry | RetryDueEntry | AnswerReceivedEntry | AnswerFailedEntry | CallPreparedEntry | CallRejectedEntry | ApprovalRequestedEntry | ApprovalResolvedEntry | CallStartedEntry | CallDeferredEntry | CallSettledEntry | OutputAcceptedEntry | OutputRejectedEntry | TurnEndedEntry | AbortRequestedEntry | FailureNotedEntry | RunEndedEntry,
        Field(discriminator="type"),
    ],
)
"""What happened."""


class LogEntry(Model):
    """An entry of a session's log. Identity lives here; the payload is a pure value."""

    seq: Seq
    """Position in the log."""

    at: EpochMs
    """When it happened."""

    payload: EntryPayload
    """What happened."""
