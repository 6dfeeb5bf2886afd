"""Answers that were not streamed say the same as streams."""

from __future__ import annotations

import json

import pytest

from isoloop.wire import Aborted, Answered, Failed, failure
from tests.wire.anthropic_messages.wire import (
    decoder,
    delta,
    head,
    read,
    start,
    stop,
    tail,
    text_block,
    tool_block,
)

BODY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test-9",
    "content": [
        {"type": "thinking", "thinking": "Hm", "signature": "ab"},
        {"type": "text", "text": "Hello"},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "a", "name": "search", "input": {"q": 1}},
        {"type": "redacted_thinking", "data": "Eq"},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 5},
}


def encoded(body: object) -> bytes:
    """Write compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def test_a_body_gives_the_pieces_and_the_message_of_the_stream() -> None:
    """STREAM-012, DIAL-044."""
    stream = read(
        head(input_tokens=9, output_tokens=1),
        start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, {"type": "thinking_delta", "thinking": "Hm"}),
        delta(0, {"type": "signature_delta", "signature": "ab"}),
        stop(0),
        text_block(1, "Hello"),
        text_block(2, ""),
        tool_block(3, "a", '{"q":1}'),
        start(4, '{"type":"redacted_thinking","data":"Eq"}'),
        stop(4),
        tail("tool_use"),
    )
    assert stream == read(encoded(BODY), stream=False)


def test_a_body_may_be_cut_anywhere() -> None:
    """STREAM-019."""
    body = encoded(BODY)
    whole = read(body, stream=False)
    assert whole == read(*(body[i : i + 1] for i in range(len(body))), stream=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "protocol"),
        (b"<html>", "protocol"),
        (b"[]", "protocol"),
        (b"{}", "protocol"),
        (encoded(BODY)[:-1], "protocol"),
        (b'{"content":[{"text":"x"}]}', "protocol"),
        (b'{"content":[{"type":"text","text":"x"},{"type":"text","text":5}]}', "protocol"),
        (b'{"type":"error","error":{"type":"overloaded_error"}}', "overloaded"),
    ],
)
def test_a_body_that_is_no_message_is_an_error(body: bytes, code: str) -> None:
    """DIAL-044."""
    _, end = read(body, stream=False)
    assert isinstance(end, Failed)
    assert code == end.error.code


def test_half_a_pair_in_a_body_is_replaced() -> None:
    """STREAM-011."""
    body = b'{"content":[{"type":"text","text":"\\ud83ex"}],"stop_reason":"end_turn"}'
    _, end = read(body, stream=False)
    assert isinstance(end, Answered)
    assert ["\ufffdx"] == [block.text for block in end.message.content]


def test_a_body_that_broke_off_is_the_transports_failure() -> None:
    """Nothing of it was read; what comes later changes nothing."""
    reader = decoder(stream=False)
    reader.feed(encoded(BODY)[:100])
    error = failure("network", "The response broke off.")
    assert [] == reader.fail(error)
    assert Failed(error, None, None) == reader.end
    assert [] == reader.fail(error) + reader.abort() + reader.feed(b"x") + reader.finish()
    assert not reader.content_started


def test_an_aborted_body_has_no_message() -> None:
    """Nothing of it was read."""
    reader = decoder(stream=False)
    reader.feed(encoded(BODY)[:100])
    assert [] == reader.abort()
    assert Aborted(None, None) == reader.end
    assert [] == reader.finish()
