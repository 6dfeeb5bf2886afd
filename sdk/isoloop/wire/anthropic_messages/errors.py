"""Reads Anthropic's failures: error responses, and error events inside a stream.

HTTP 529
    {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011C…"}

event: error
    data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from isoloop.wire._failure import (
    bounded,
    code_of_status,
    failure,
    refined,
    said_delay_ms,
    said_retryable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop.contract import ErrorCode, ErrorInfo

# The vendor's names, as documented on 2026-11-21. Two of them say more than the status that they
# come with.
_BY_TYPE: dict[str, ErrorCode] = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "billing_error": "quota_exceeded",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "conflict_error": "conflict",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "api_error": "server_error",
    "overloaded_error": "overloaded",
}


class ErrorDetail(msgspec.Struct, frozen=True):
    """`{"type": "overloaded_error", "message": "Overloaded"}`."""

    type: str | None = None
    message: str | None = None


class _ErrorBody(msgspec.Struct, frozen=True):
    error: ErrorDetail | str | None = None
    message: str | None = None
    request_id: str | None = None


def stream_error(detail: ErrorDetail | None, request_id: str | None) -> ErrorInfo:
    """Read an error event; a 200 was sent before it, so only its type tells what it is."""
    detail = detail or ErrorDetail()
    kind = detail.type or ""
    message = detail.message or "The provider reported an error without a message."
    code = refined(_BY_TYPE.get(kind, "server_error"), message)
    return failure(code, message, provider_type=kind, request_id=request_id)


def response_error(status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
    """Read an error response; the body may be anything, HTML too."""
    try:
        parsed = msgspec.json.decode(body, type=_ErrorBody)
    except (ValueError, RecursionError):
        parsed = _ErrorBody()
    kind, message = None, parsed.message
    match parsed.error:
        case ErrorDetail():
            kind, message = parsed.error.type, parsed.error.message or message
        case str():  # {"error": "not found"}: proxies
            message = parsed.error
        case None:
            pass
    if not message:
        message = bounded(body.decode("utf-8", "replace")) or "The response has no body."
    code = code_of_status(status)
    if kind == "billing_error":  # comes as a 400 or a 403 from some hosts
        code = "quota_exceeded"
    code = refined(code, message)
    return failure(
        code,
        message,
        retryable=said_retryable(headers),
        http_status=status if 100 <= status <= 599 else None,
        provider_type=kind,
        retry_after_ms=said_delay_ms(headers, now_ms),
        request_id=parsed.request_id or headers.get("request-id") or headers.get("x-request-id"),
    )
