"""What the twins of OpenAI's two dialects share: the words of errors, how tokens are counted.

Examples::

    HTTP 401 {"error":{"message":"Incorrect API key provided: …","type":"invalid_request_error",
             "param":null,"code":"invalid_api_key"}}
    HTTP 429 {"error":{"message":"Rate limit reached for …","type":"tokens","param":null,
             "code":"rate_limit_exceeded"}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.twin._port import Rejection
from isoloop_conformance.twin._script import ScriptError
from isoloop_conformance.twin._text import encode_json

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.twin._port import Scene
    from isoloop_conformance.twin._script import Usage

# When every answer of the twin was made: 2026-01-01T00:00:00Z.
CREATED_S = 1_767_225_600

# Per kind of error: status, `type`, `code`, `message`. From recordings of 2025 and 2026 and, where
# there are none, from reports: `server_is_overloaded` Wei-Shaw/sub2api#3476 (2026-06-25),
# XiaomiMiMo/MiMo-Code#2083 (2026-08-10); the others from the guide to error codes (2026-08).
_WORDS: dict[str, tuple[int, str, str | None, str]] = {
    "authentication": (
        401,
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: test-key.",
    ),
    "permission": (
        403,
        "invalid_request_error",
        "insufficient_permissions",
        "You have insufficient permissions for this operation.",
    ),
    "not_found": (
        404,
        "invalid_request_error",
        "model_not_found",
        "The requested model 'test-model' does not exist.",
    ),
    "invalid_request": (
        400,
        "invalid_request_error",
        "invalid_value",
        "Invalid value: 'tool'. Supported values are: 'system', 'user' and 'assistant'.",
    ),
    "context_overflow": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input.",
    ),
    "content_filter": (
        400,
        "invalid_request_error",
        "content_policy_violation",
        "Your request was rejected as a result of our safety system.",
    ),
    "rate_limited": (
        429,
        "tokens",
        "rate_limit_exceeded",
        "Rate limit reached for test-model on tokens per min (TPM): Limit 30000, Used 29000.",
    ),
    "quota_exceeded": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "overloaded": (
        503,
        "service_unavailable_error",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later.",
    ),
    "server_error": (
        500,
        "server_error",
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    "timeout": (408, "timeout", None, "Request timed out."),
    "conflict": (409, "invalid_request_error", None, "Another request updated the resource."),
    "too_large": (413, "invalid_request_error", None, "The request body is too large."),
}
_KIND_OF_STATUS = {status: kind for kind, (status, *_) in reversed(_WORDS.items())} | {
    400: "invalid_request",
    402: "quota_exceeded",
    429: "rate_limited",
    529: "overloaded",
}


def error_members(part: JsonObject, status: int | None) -> JsonObject:
    """Choose an error's members: those given, else by kind, else by status.

    A `type` without a `code` has none: the provider's word is what the case says.
    """
    _, name, code, message = _words(part, status)
    if "type" in part and "kind" not in part:
        code = None
    return {
        "message": part.get("message", message),
        "type": part.get("type", name),
        "param": None,
        "code": part.get("code", code),
    }


def error_response(status: int | None, part: JsonObject, scene: Scene) -> Rejection:
    """Render an error response; without a status the error's kind decides."""
    said = error_members(part, status)
    headers = {"content-type": "application/json", "x-request-id": scene.request_id}
    return Rejection(status or _words(part, None)[0], headers, encode_json({"error": said}))


def _words(part: JsonObject, status: int | None) -> tuple[int, str, str | None, str]:
    kind = part.get("kind")
    if kind is not None and kind not in _WORDS:
        raise ScriptError(f"this provider cannot say `{kind}`; give a `type` or a `code`")
    number = status or 500
    fallback = "server_error" if number >= 500 else "invalid_request"
    return _WORDS[kind or _KIND_OF_STATUS.get(number, fallback)]


def input_and_total(usage: Usage) -> tuple[int | None, int | None]:
    """Return the input with what caches gave and took, and everything together."""
    if usage.cache_write_long is not None:
        raise ScriptError("this dialect does not tell how long a cache write is kept")
    caches = [n for n in (usage.cache_read, usage.cache_write) if n is not None]
    if caches and usage.input is None:
        raise ScriptError("this dialect counts caches within the input; give `input` too")
    given = None if usage.input is None else usage.input + sum(caches)
    return given, None if given is None or usage.output is None else given + usage.output


def reported(**counters: int | None) -> JsonObject | None:
    """Return the counters that are known; None when none is."""
    return {name: value for name, value in counters.items() if value is not None} or None
