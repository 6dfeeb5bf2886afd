"""What OpenAI's two dialects and the hosts that copy them share: failures.

HTTP 429
    {"error":{"message":"You exceeded…","type":"insufficient_quota","code":"insufficient_quota"}}
HTTP 400, Azure
    {"error":{"code":"content_filter","message":"The response was filtered…","status":400}}
HTTP 429, OpenRouter
    {"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"…"}}}
HTTP 422, Mistral
    {"object":"error","message":{"detail":[{"msg":"…"}]},"type":"invalid_request_error"}
in a stream, Groq
    data: {"error":{"message":"Tool call…","code":"tool_use_failed","status_code":400}}

Other shapes that hosts send: the members of `error` at the top level, `{"error":"text"}`,
`{"detail":"text"}`, and the whole in an array of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from isoloop.wire._failure import (
    bounded,
    code_of_status,
    failure,
    refined,
    said_delay_ms,
    said_retryable,
)
from isoloop.wire._json import encode_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop.contract import ErrorCode, ErrorInfo

# Words that say more than the status that they come with.
_OVER_STATUS: dict[str, ErrorCode] = {
    "insufficient_quota": "quota_exceeded",
    "billing_hard_limit_reached": "quota_exceeded",
    "billing_not_active": "quota_exceeded",
    "context_length_exceeded": "context_overflow",
    "model_context_window_exceeded": "context_overflow",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "moderation_blocked": "content_filter",
    "bio_policy": "content_filter",
    "image_content_policy_violation": "content_filter",
    "misalignment_policy_violation": "content_filter",
}

# Words that decide where there is no status, inside a stream; as documented on 2026-11-21. Any
# other is `server_error`.
_BY_WORD: dict[str, ErrorCode] = {
    **_OVER_STATUS,
    "invalid_request_error": "invalid_request",
    "invalid_prompt": "invalid_request",
    "invalid_value": "invalid_request",
    "authentication_error": "authentication",
    "invalid_api_key": "authentication",
    "permission_error": "permission",
    "insufficient_permissions": "permission",
    "not_found_error": "not_found",
    "model_not_found": "not_found",
    "rate_limit_error": "rate_limited",
    "rate_limit_exceeded": "rate_limited",
    "requests": "rate_limited",
    "tokens": "rate_limited",
    "overloaded_error": "overloaded",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    "service_unavailable": "overloaded",
    "service_unavailable_error": "overloaded",
    "timeout": "timeout",
    "timeout_error": "timeout",
    "vector_store_timeout": "timeout",
    # What a Responses API found wrong with the images and the place of a request.
    "data_residency_mismatch": "invalid_request",
    "empty_image_file": "invalid_request",
    "failed_to_download_image": "invalid_request",
    "image_file_not_found": "invalid_request",
    "image_file_too_large": "invalid_request",
    "image_parse_error": "invalid_request",
    "image_too_large": "invalid_request",
    "image_too_small": "invalid_request",
    "invalid_base64_image": "invalid_request",
    "invalid_image": "invalid_request",
    "invalid_image_format": "invalid_request",
    "invalid_image_mode": "invalid_request",
    "invalid_image_url": "invalid_request",
    "unsupported_image_media_type": "invalid_request",
}

_NO_MESSAGE = "The provider reported an error without a message."


@dataclass(frozen=True, slots=True)
class _Said:
    """What a provider says of a failure, whatever the shape."""

    message: str
    words: tuple[str, ...]  # the code, then the type: the code says more
    status: int | None  # where a body repeats or replaces the HTTP status


def stream_error(members: Any, request_id: str | None = None) -> ErrorInfo:
    """Read an error inside a stream or a 200 body; a status that it names counts."""
    said = _said(members)
    word = next((word for word in said.words if word in _BY_WORD), None)
    code: ErrorCode = "server_error"
    if word in _OVER_STATUS or (word is not None and said.status is None):
        code = _BY_WORD[word]
    elif said.status is not None:
        code = code_of_status(said.status)
    message = said.message or _NO_MESSAGE
    return failure(
        refined(code, message),
        message,
        provider_type=next(iter(said.words), None),
        request_id=request_id,
    )


def response_error(status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
    """Read an error response; the body may be anything, HTML too."""
    try:
        said = _said(msgspec.json.decode(body))
    except (ValueError, RecursionError):
        said = _Said("", (), None)
    message = said.message
    if not message:
        message = bounded(body.decode("utf-8", "replace")) or "The response has no body."
    code = code_of_status(status)
    for word in said.words:
        code = _OVER_STATUS.get(word, code)
    return failure(
        refined(code, message),
        message,
        retryable=said_retryable(headers),
        http_status=status if 100 <= status <= 599 else None,
        provider_type=next(iter(said.words), None),
        retry_after_ms=said_delay_ms(headers, now_ms),
        request_id=headers.get("x-request-id") or headers.get("request-id"),
    )


def _said(value: Any) -> _Said:
    match value:
        case [first, *_]:  # [{"error":{…}}]: Gemini's compatible endpoint
            return _said(first)
        case {"error": dict()}:
            return _of_members(cast("dict[str, dict[str, Any]]", value)["error"])
        case {"error": str() as message}:  # {"error":"not found"}: proxies
            return _Said(message, (), None)
        case dict():
            return _of_members(cast("dict[str, Any]", value))
        case _:
            return _Said("", (), None)


def _of_members(members: dict[str, Any]) -> _Said:
    code, status = members.get("code"), members.get("status_code", members.get("status"))
    words = [word for word in (code, members.get("type")) if isinstance(word, str)]
    # {"code":"1211"}: z.ai counts its failures; {"code":429}: OpenRouter repeats the status
    words = [word for word in words if word and not word.isdigit()]
    if isinstance(code, int) and 400 <= code <= 599:
        status = code
    return _Said(
        _message(members), tuple(words), status if type(status) is int and status >= 400 else None
    )


def _message(members: dict[str, Any]) -> str:
    message = members.get("message") or members.get("detail") or ""
    if not isinstance(message, str):
        message = encode_text(message)
    match members.get("metadata"):
        case {"raw": str() as raw} if raw:  # what the provider behind OpenRouter said
            return f"{message}: {raw}"
        case _:
            return message
