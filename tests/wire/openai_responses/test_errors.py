"""Error responses."""

from __future__ import annotations

import json

import pytest

from isoloop.wire import dialect_named

DIALECT = dialect_named("openai-responses")


@pytest.mark.parametrize(
    ("status", "kind", "word", "code"),
    [
        (400, "invalid_request_error", "model_not_found", "invalid_request"),
        (400, "invalid_request_error", "context_length_exceeded", "context_overflow"),
        (400, "invalid_request_error", "bio_policy", "content_filter"),
        (401, "invalid_request_error", "invalid_api_key", "authentication"),
        (404, "invalid_request_error", "model_not_found", "not_found"),
        (429, "requests", "rate_limit_exceeded", "rate_limited"),
        (429, "insufficient_quota", "insufficient_quota", "quota_exceeded"),
        (500, "server_error", None, "server_error"),
        (503, "service_unavailable_error", "server_is_overloaded", "overloaded"),
    ],
)
def test_the_status_decides_unless_the_code_says_more(
    status: int, kind: str, word: str | None, code: str
) -> None:
    """DIAL-130."""
    members = {"message": "No.", "type": kind, "param": None, "code": word}
    found = DIALECT.error(
        status, {"x-request-id": "req_1"}, json.dumps({"error": members}).encode(), 0
    )
    assert (code, status, word or kind, "No.", "req_1") == (
        found.code,
        found.http_status,
        found.provider_type,
        found.message,
        found.request_id,
    )


def test_a_long_transcript_is_told_from_a_wrong_one() -> None:
    """DIAL-130: by its words, where the code is missing."""
    members = {"message": "This model's maximum context length is 128000 tokens.", "code": None}
    body = json.dumps({"error": members}).encode()
    assert "context_overflow" == DIALECT.error(400, {}, body, 0).code


def test_the_servers_word_on_retrying_is_read() -> None:
    """Decision 12."""
    headers = {"retry-after-ms": "1500", "x-should-retry": "false"}
    found = DIALECT.error(429, headers, b"<html>", 0)
    assert (1500, False, "<html>") == (found.retry_after_ms, found.retryable, found.message)
