"""Error responses."""

from __future__ import annotations

import json

import pytest

from isoloop.wire import dialect_named

DIALECT = dialect_named("anthropic-messages")
NOW = 1_792_567_680_000  # Wed, 21 Oct 2026 07:28:00 GMT


def error(status: int, body: object = b"", **headers: str):  # noqa: ANN201 -- the port says
    """Read an error response."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.error(status, sent, raw, NOW)


def named(kind: str, message: str = "No.") -> dict[str, object]:
    """Make the vendor's error body."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "invalid_request", False),
        (401, "authentication", False),
        (402, "quota_exceeded", False),
        (403, "permission", False),
        (404, "not_found", False),
        (408, "timeout", True),
        (409, "conflict", True),
        (413, "too_large", False),
        (418, "invalid_request", False),
        (422, "invalid_request", False),
        (429, "rate_limited", True),
        (500, "server_error", True),
        (502, "server_error", True),
        (503, "overloaded", True),
        (504, "server_error", True),
        (529, "overloaded", True),
        (307, "protocol", False),
    ],
)
def test_the_status_decides(status: int, code: str, retryable: bool) -> None:
    """Decision 14."""
    found = error(status, b"<html>Oops</html>")
    assert (code, retryable, status, "<html>Oops</html>") == (
        found.code,
        found.retryable,
        found.http_status,
        found.message,
    )


def test_the_vendors_words_are_kept() -> None:
    """DIAL-052."""
    found = error(529, named("overloaded_error"), request_id="req_2")
    assert ("overloaded_error", "No.", "req_1") == (
        found.provider_type,
        found.message,
        found.request_id,
    )
    assert "req_2" == error(529, b"", request_id="req_2").request_id


@pytest.mark.parametrize(
    ("status", "kind", "message", "code"),
    [
        (
            400,
            "invalid_request_error",
            "prompt is too long: 213462 tokens > 200000 maximum",
            "context_overflow",
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 3",
            "context_overflow",
        ),
        (413, "request_too_large", "Prompt is too long", "context_overflow"),
        (429, "rate_limit_error", "prompt is too long for your rate", "rate_limited"),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the API.",
            "quota_exceeded",
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits.",
            "quota_exceeded",
        ),
        (429, "rate_limit_error", "You exceeded your current quota", "quota_exceeded"),
        (403, "billing_error", "No.", "quota_exceeded"),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            "content_filter",
        ),
        (
            400,
            "invalid_request_error",
            "messages: at least one message is required",
            "invalid_request",
        ),
    ],
)
def test_the_message_tells_what_the_status_does_not(
    status: int, kind: str, message: str, code: str
) -> None:
    """DIAL-050, DIAL-051; a 429 is never an overflow."""
    assert code == error(status, named(kind, message)).code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after_ms": "1500"}, 1500),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1500),
        ({"retry_after": "2"}, 2000),
        ({"retry_after": "0.5"}, 500),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:05 GMT"}, 5000),
        ({"retry_after": "Wed, 21 Oct 2026 07:27:00 GMT"}, 0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "1e9"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after_ms": "soon", "retry_after": "2"}, 2000),
        ({}, None),
    ],
)
def test_the_server_says_how_long_to_wait(headers: dict[str, str], expected: int | None) -> None:
    """Decision 12: what cannot be read counts as absent."""
    assert expected == error(429, **headers).retry_after_ms


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [(500, "false", False), (400, "true", True), (500, "maybe", True), (400, "", False)],
)
def test_the_servers_word_on_retrying_wins(status: int, said: str, expected: bool) -> None:
    """Decision 12."""
    assert expected is error(status, x_should_retry=said).retryable


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The response has no body."),
        (b"  ", "The response has no body."),
        (b"\xff", "\ufffd"),
        (b"{broken", "{broken"),
        (b"[" * 5000, "[" * 2000 + "…"),
        ({"error": "not found"}, "not found"),
        ({"message": "Forbidden"}, "Forbidden"),
        ({"error": {"type": 5}}, '{"error": {"type": 5}}'),
        (b'{"error":{"message":"\\ud83d"}}', '{"error":{"message":"\\ud83d"}}'),
    ],
)
def test_any_body_gives_an_error_that_can_be_shown(body: object, message: str) -> None:
    """DIAL-052: pages of HTML and other surprises; the length is bounded."""
    found = error(500, body)
    assert message == found.message
    assert "server_error" == found.code
    assert found.model_dump_json()
