"""Failures in the contract's words; shared by all dialects.

An HTTP status decides first (decision 14 of the loop); a provider's own name for the failure
decides where the status says less. The server's word on retrying wins over ours.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from isoloop.contract import ErrorInfo
from isoloop.wire._surrogates import paired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop.contract import ErrorCode

RETRYABLE: frozenset[ErrorCode] = frozenset(
    {
        "rate_limited",
        "overloaded",
        "server_error",
        "network",
        "timeout",
        "conflict",
        "stream_truncated",
    }
)

_BY_STATUS: dict[int, ErrorCode] = {
    400: "invalid_request",
    401: "authentication",
    402: "quota_exceeded",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

_MESSAGE_LIMIT = 2000
_MAX_SAFE_INTEGER = 2**53 - 1


def code_of_status(status: int) -> ErrorCode:
    """Name the failure that an HTTP status stands for."""
    code = _BY_STATUS.get(status)
    if code is not None:
        return code
    if status >= 500:
        return "server_error"
    # Redirects are not followed: the key would go to another host.
    return "invalid_request" if status >= 400 else "protocol"


def failure(  # noqa: PLR0913 -- a failure has these parts
    code: ErrorCode,
    message: str,
    *,
    retryable: bool | None = None,
    http_status: int | None = None,
    provider_type: str | None = None,
    retry_after_ms: int | None = None,
    request_id: str | None = None,
) -> ErrorInfo:
    """Make an error; whether it may be retried follows from its code unless the server said so."""
    return ErrorInfo.trusted(
        code=code,
        message=bounded(message),
        retryable=code in RETRYABLE if retryable is None else retryable,
        http_status=http_status,
        provider_type=provider_type or None,
        retry_after_ms=retry_after_ms,
        request_id=request_id or None,
    )


def bounded(text: str) -> str:
    """Cut what may be a whole page of HTML."""
    text = paired(text.strip())
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"


def said_retryable(headers: Mapping[str, str]) -> bool | None:
    """Read `x-should-retry: true|false`, the server's own word."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def said_delay_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    """Read how long the server asks to wait. What cannot be read counts as absent.

    retry-after-ms: 1500
    retry-after: 2          (or 0.5)
    retry-after: Wed, 21 Oct 2026 07:28:00 GMT
    """
    exact = _milliseconds(headers.get("retry-after-ms", ""), 1)
    if exact is not None:
        return exact
    value = headers.get("retry-after", "")
    seconds = _milliseconds(value, 1000)
    if seconds is not None:
        return seconds
    try:
        at_ms = int(parsedate_to_datetime(value).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, at_ms - now_ms)


def _milliseconds(text: str, factor: int) -> int | None:
    text = text.strip()
    if not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", text, re.ASCII):
        return None
    return min(round(float(text) * factor), _MAX_SAFE_INTEGER)


# A 400 of these meanings is the transcript's length, not its form. Each line is one vendor's
# wording. A 429 never counts: "too many tokens per minute" is a rate (pi's list of patterns,
# section 4 of its study).
_OVERFLOW = re.compile(
    r"prompt is too long"  # Anthropic: prompt is too long: 213462 tokens > 200000 maximum
    r"|input is too long"  # Bedrock
    r"|input length and `max_tokens` exceed context limit"  # Anthropic, newer
    r"|exceeds? the (?:model'?s? )?(?:maximum )?context (?:window|length|limit)"
    r"|maximum context length"  # OpenAI, OpenRouter, vLLM
    r"|context[_ ]length[_ ]exceeded"
    r"|context[_ ]window[_ ]exceeded"
    r"|exceeds? the available context size"  # llama.cpp
    r"|greater than the context length"  # LM Studio
    r"|input token count.{0,40}exceeds"  # Gemini
    r"|maximum prompt length is \d+"  # xAI
    r"|reduce the length of the messages"  # Groq
    r"|too large for model with \d+ maximum context"  # Mistral
    r"|exceeded model token limit",  # Kimi
    re.IGNORECASE,
)

_QUOTA = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)"
    r"|credit balance is too low"  # Anthropic, as a 400
    r"|exceeded your current quota"  # OpenAI, as a 429
    r"|usage limits? (?:has been )?(?:reached|exceeded)"
    r"|reached your specified (?:workspace )?api usage limits",  # Anthropic, as a 400
    re.IGNORECASE,
)


# Anthropic: Output blocked by content filtering policy. OpenAI and Azure: content_filter.
_FILTER = re.compile(r"blocked by content filtering policy|content[_ ]filter", re.IGNORECASE)


def refined(code: ErrorCode, message: str) -> ErrorCode:
    """Tell the failures apart that share a status: DIAL-051."""
    if code == "invalid_request" and _FILTER.search(message):
        return "content_filter"
    if code in {"invalid_request", "too_large"} and _OVERFLOW.search(message):
        return "context_overflow"
    if code in {"invalid_request", "rate_limited", "permission"} and _QUOTA.search(message):
        return "quota_exceeded"
    return code
