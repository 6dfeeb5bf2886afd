# Generated from contract/schemas/error.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import DurationMs

ErrorCode = TypeAliasType("ErrorCode", Literal["authentication", "permission", "not_found", "invalid_request", "context_overflow", "rate_limited", "quota_exceeded", "overloaded", "server_error", "network", "timeout", "conflict", "too_large", "stream_truncated", "protocol", "content_filter", "output_invalid", "busy", "config", "internal"])
"""What kind of failure it was."""


class ErrorInfo(Model):
    """One failure."""

    code: ErrorCode
    """What kind of failure."""

    message: StrictStr
    """For people: what happened, what was expected, what to do. Never a secret, never a prompt."""

    retryable: StrictBool
    """Whether the same request may succeed later. The provider's own word wins."""

    http_status: Annotated[
        StrictInt | None, Field(alias="httpStatus", ge=100, le=599)
    ] = None
    """The HTTP status, where there was a response."""

    provider_type: Annotated[
        StrictStr | None, Field(alias="providerType", min_length=1)
    ] = None
    """The provider's own name for the failure, for example `overloaded_error`."""

    retry_after_ms: Annotated[DurationMs | None, Field(alias="retryAfterMs")] = None
    """How long the provider asks to wait."""

    request_id: Annotated[StrictStr | None, Field(alias="requestId", min_length=1)] = (
        None
    )
    """The provider's id of the request."""


ResultCode = TypeAliasType("ResultCode", Literal["unknown_tool", "denied", "blocked", "invalid_arguments", "timeout", "tool_failed", "aborted", "not_executed", "interrupted"])
"""Why a tool's result was not written by the tool."""
