# Generated from contract/schemas/message.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictStr
from typing_extensions import TypeAliasType

from .common import CallId, JsonObject, ProviderData, ToolName
from .content import AnswerBlock, ResultBlock, UserBlock
from .error import ErrorInfo, ResultCode
from .model import ModelRef
from .usage import Usage

StopReason = TypeAliasType("StopReason", Literal["end_turn", "stop_sequence", "tool_use", "pause_turn", "max_tokens", "refusal", "context_window_exceeded", "unknown", "error", "aborted"])
"""Why an answer ended."""


class UserMessage(Model):
    """What the caller says."""

    role: Literal["user"] = "user"
    content: list[UserBlock]
    """The parts, in order."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class ToolResultMessage(Model):
    """What came of a tool call."""

    role: Literal["tool_result"] = "tool_result"
    call_id: Annotated[CallId, Field(alias="callId")]
    """The call that this answers."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool that was asked for."""

    content: list[ResultBlock]
    """The parts, in order."""

    is_error: Annotated[StrictBool, Field(alias="isError")]
    """Whether the model is told that the call failed."""

    code: ResultCode | None = None
    """Why the result was not written by the tool. Absent when the tool wrote it."""

    details: JsonObject | None = None
    """For the application only; never sent to a model."""


InputMessage = TypeAliasType(
    "InputMessage",
    Annotated[
        UserMessage | ToolResultMessage, Field(discriminator="role")
    ],
)
"""A message of a run's input: what a user says, or the result of a call that the caller was asked for."""


class AssistantMessage(Model):
    """What a model answered, and who it was."""

    role: Literal["assistant"] = "assistant"
    content: list[AnswerBlock]
    """The parts, in the provider's order. May be empty."""

    model: ModelRef
    """The model that was asked."""

    stop_reason: Annotated[StopReason, Field(alias="stopReason")]
    """Why the answer ended."""

    raw_stop_reason: Annotated[StrictStr | None, Field(alias="rawStopReason")] = None
    """The provider's own word; always present when `stopReason` is `unknown`."""

    stop_sequence: Annotated[StrictStr | None, Field(alias="stopSequence")] = None
    """The stop sequence that was met, where the provider says so."""

    usage: Usage | None = None
    """What this answer consumed, failed attempts not included."""

    error: ErrorInfo | None = None
    """What went wrong; present exactly when `stopReason` is `error`."""

    response_id: Annotated[
        StrictStr | None, Field(alias="responseId", min_length=1)
    ] = None
    """The provider's id of the answer."""

    answered_by: Annotated[
        StrictStr | None, Field(alias="answeredBy", min_length=1)
    ] = None
    """The model's name as the provider answered it, where it differs from the one requested."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


Message = TypeAliasType(
    "Message",
    Annotated[
        UserMessage | AssistantMessage | ToolResultMessage, Field(discriminator="role")
    ],
)
"""An entry of the transcript."""
