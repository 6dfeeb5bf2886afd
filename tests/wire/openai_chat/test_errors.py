"""How error responses of chat models are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.contract import ErrorInfo
from isoloop.wire import RETRYABLE
from tests.wire.openai_chat.wire import DIALECT


def error_of(status: int, body: Any, **headers: str) -> ErrorInfo:
    """Read an error response."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return DIALECT.error(status, named, data, 0)


def test_an_error_of_openai() -> None:
    """DIAL-091, DIAL-093: code, type, message, request id."""
    error = {
        "message": "No.",
        "type": "invalid_request_error",
        "param": "x",
        "code": "unsupported_value",
    }
    found = error_of(400, {"error": error}, x_request_id="req_1")
    assert ErrorInfo(
        code="invalid_request",
        message="No.",
        retryable=False,
        http_status=400,
        provider_type="unsupported_value",
        request_id="req_1",
    ) == ErrorInfo.model_validate_json(found.model_dump_json())


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "authentication"),
        (402, "quota_exceeded"),
        (403, "permission"),
        (404, "not_found"),
        (408, "timeout"),
        (409, "conflict"),
        (413, "too_large"),
        (422, "invalid_request"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (529, "overloaded"),
    ],
)
def test_the_status_decides(status: int, code: Any) -> None:
    """DIAL-091: whatever the type says; retryable follows from the code."""
    found = error_of(status, {"error": {"message": "No.", "type": "server_error"}})
    assert (code, code in RETRYABLE, status) == (found.code, found.retryable, found.http_status)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (429, {"code": "insufficient_quota", "type": "insufficient_quota"}, "quota_exceeded"),
        (429, {"code": None, "type": "insufficient_quota"}, "quota_exceeded"),
        (400, {"code": "billing_hard_limit_reached"}, "quota_exceeded"),
        (429, {"code": "billing_not_active"}, "quota_exceeded"),
        (400, {"code": "context_length_exceeded"}, "context_overflow"),
        (400, {"code": "content_filter", "innererror": {}}, "content_filter"),
        (400, {"code": "content_policy_violation"}, "content_filter"),
        (400, {"message": "Please reduce the length of the messages."}, "context_overflow"),
        (429, {"code": "rate_limit_exceeded", "type": "tokens"}, "rate_limited"),
    ],
)
def test_some_words_say_more_than_the_status(status: int, error: dict[str, Any], code: str) -> None:
    """DIAL-091."""
    assert code == error_of(status, {"error": {"message": "No.", **error}}).code


@pytest.mark.parametrize(
    ("body", "message", "kind"),
    [
        ({"error": {"message": "No.", "code": 400}}, "No.", None),
        ({"error": {"message": "No.", "code": "1211"}}, "No.", None),
        ({"error": {"message": "No.", "code": "", "type": "bad"}}, "No.", "bad"),
        ({"message": "No.", "type": "bad", "code": "worse"}, "No.", "worse"),
        ({"error": "No."}, "No.", None),
        ({"detail": "No."}, "No.", None),
        ({"detail": [{"msg": "Field required"}]}, '[{"msg":"Field required"}]', None),
        ([{"error": {"message": "No.", "status": "INVALID_ARGUMENT"}}], "No.", None),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "too hot"}}},
            "Provider returned error: too hot",
            None,
        ),
        (b"<html>Bad</html>", "<html>Bad</html>", None),
        (b"", "The response has no body.", None),
        ({"other": 1}, '{"other": 1}', None),
        ([], "[]", None),
    ],
)
def test_every_shape_is_read(body: Any, message: str, kind: str | None) -> None:
    """DIAL-093."""
    found = error_of(400, body)
    assert ("invalid_request", message, kind) == (found.code, found.message, found.provider_type)


def test_the_servers_word_on_retrying_is_kept() -> None:
    """CTRL: `retry-after-ms` before `retry-after`, `x-should-retry` before the code."""
    body = {"error": {"message": "No."}}
    found = error_of(429, body, retry_after="2", retry_after_ms="1500", x_should_retry="false")
    assert (False, 1500) == (found.retryable, found.retry_after_ms)
    assert 2000 == error_of(429, body, retry_after="2").retry_after_ms
