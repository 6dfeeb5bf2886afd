"""Answers that were not streamed say the same as streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.wire import Aborted, Failed, failure
from tests.wire.openai_responses.wire import (
    added,
    answered,
    call_item,
    call_of,
    decoder,
    done,
    failed,
    head,
    message_item,
    message_of,
    read,
    reasoning_item,
    summary_delta,
    tail,
)

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
SEARCHED = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
BODY = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-test-9",
    "error": None,
    "incomplete_details": None,
    "output": [
        reasoning_item("Hm"),
        SEARCHED,
        message_item("Hello", phase="commentary"),
        call_item("a", '{"q":1}'),
    ],
    "usage": USAGE,
}


def encoded(body: object) -> bytes:
    """Write compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def test_a_body_gives_the_pieces_and_the_message_of_the_stream() -> None:
    """STREAM-012, DIAL-125."""
    stream = read(
        head(),
        added(0, **reasoning_item()), summary_delta(0, "Hm"), done(0, **reasoning_item("Hm")),
        added(1, type="web_search_call"), done(1, **SEARCHED),
        message_of(2, "Hello", phase="commentary"),
        call_of(3, "a", '{"q":1}'),
        tail(output=BODY["output"], usage=USAGE),
    )  # fmt: skip
    assert stream == read(encoded(BODY), stream=False)


def test_a_streaming_request_may_be_answered_by_a_body() -> None:
    """DIAL-122: whatever was asked for."""
    assert read(encoded(BODY), stream=False) == read(b" ", encoded(BODY), stream=True)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"message": "Slow", "type": "requests", "code": "rate_limit_exceeded"}},
         "rate_limited", "Slow"),
        ({**BODY, "status": "failed", "output": [], "error": {"code": "server_error",
          "message": "Oops"}}, "server_error", "Oops"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_with_status_200_is_an_error(
    body: dict[str, Any], code: str, message: str, stream: bool
) -> None:
    """DIAL-125, DIAL-128."""
    end = failed(encoded(body), stream=stream)
    assert (code, message, None) == (end.error.code, end.error.message, end.message)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b"<html>",
        encoded({**BODY, "output": None}),
        encoded({**BODY, "output": [1]}),
        encoded({**BODY, "output": [message_item("Hi"), {"type": "function_call", "name": 1}]}),
        encoded({**BODY, "output": [{"type": "message", "content": 1}]}),
        encoded({**BODY, "status": "queued", "output": []}),
    ],
)
def test_a_body_that_is_no_answer_is_refused(body: bytes) -> None:
    """DIAL-125, DIAL-128: and no block of it is told."""
    pieces, end = read(body, stream=False)
    assert isinstance(end, Failed)
    assert ("protocol", []) == (end.error.code, pieces)


def test_a_body_that_is_cut_off_says_why() -> None:
    """Decision 20: nothing of it can be told."""
    reader = decoder(stream=False)
    assert [] == reader.feed(encoded(BODY)[:-9])
    assert [] == reader.fail(failure("network", "reset"))
    assert "network" == reader.end.error.code
    other = decoder(stream=False)
    assert [] == other.abort()
    assert Aborted(None, None) == other.end


def test_odd_texts_of_a_body_are_made_whole() -> None:
    """STREAM-010, STREAM-011."""
    text = encoded(BODY).replace(b'"Hello"', b'"He\\ud83ello\xff"')
    found = answered(text, stream=False).message.content[2]
    assert "He\ufffdllo\ufffd" == found.text


def test_an_incomplete_body_has_its_stop_reason() -> None:
    """DIAL-126."""
    details = {"reason": "max_output_tokens"}
    body = {**BODY, "status": "incomplete", "incomplete_details": details}
    message = answered(encoded(body), stream=False).message
    assert ("max_tokens", "max_output_tokens") == (message.stop_reason, message.raw_stop_reason)
