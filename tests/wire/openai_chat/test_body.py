"""What is read of an answer that was not streamed."""

from __future__ import annotations

import json

import pytest

from isoloop.contract import TextBlock, ThinkingBlock, ToolCallBlock
from isoloop.wire import Answered
from tests.wire.openai_chat.wire import (
    calls,
    content,
    delta,
    failed,
    fragment,
    own,
    read,
    tail,
    whole,
)

CALL = {"id": "a", "type": "function", "function": {"name": "x", "arguments": '{"n":1}'}}


def test_a_body_gives_the_pieces_and_the_message_of_the_stream() -> None:
    """DIAL-083, STREAM-012: thinking, text, calls; one delta per block."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    message = {"content": "Hi", "reasoning": "hm", "tool_calls": [CALL]}
    body = whole(message, "tool_calls", usage=usage, model="gpt-test-9")
    streamed = read(
        delta(reasoning="hm"),
        delta(content="Hi"),
        calls(fragment(0, '{"n":1}', call_id="a", name="x")),
        tail("tool_calls", usage),
    )
    assert streamed == read(body, stream=False)
    assert isinstance(streamed[1], Answered)
    assert [
        ThinkingBlock(text="hm", provider_data=own(member="reasoning")),
        TextBlock(text="Hi"),
        ToolCallBlock(id="a", name="x", arguments_text='{"n":1}'),
    ] == streamed[1].message.content


def test_every_entry_is_a_call_of_its_own() -> None:
    """DIAL-083: without index and id, or with the same ones."""
    bare = {"function": {"name": "x", "arguments": ""}}
    body = whole({"tool_calls": [bare, bare, {**CALL, "index": 0}, {**CALL, "index": 0}]})
    assert ["call_1", "call_2", "a", "a~2"] == [b.id for b in content(body, stream=False)]


def test_a_body_for_a_streaming_request_is_read() -> None:
    """DIAL-086: a host that ignored `stream`; blanks before it, byte by byte."""
    body = b" \r\n" + whole({"content": "Hi"})
    assert [TextBlock(text="Hi")] == content(body)
    assert [TextBlock(text="Hi")] == content(*(body[i : i + 1] for i in range(len(body))))


def test_null_and_absent_content_are_the_same() -> None:
    """Decision 24: a success with `content: []`."""
    assert [] == content(whole({"content": None}), stream=False) == content(whole({}), stream=False)


def test_half_pairs_and_bytes_that_are_no_utf8_are_replaced() -> None:
    """STREAM-026, STREAM-011."""
    body = whole({"content": "AB"}).replace(b"A", rb"\ud83e").replace(b"B", b"\xff")
    assert [TextBlock(text="\ufffd\ufffd")] == content(body, stream=False)


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_under_status_200_is_an_error(stream: bool) -> None:
    """DIAL-082."""
    body = json.dumps({"error": {"message": "No.", "code": 503}}).encode()
    end = failed(body, stream=stream)
    assert ("overloaded", "No.", None) == (end.error.code, end.error.message, end.message)


@pytest.mark.parametrize(
    ("body", "streamed"),
    [
        (b"<html>oops</html>", "protocol"),
        (b"{}", "protocol"),
        (b'{"choices":[]}', "protocol"),
        (b'{"choices":[{"index":0}]}', "protocol"),
        (b'{"choices":[{"index":1,"message":{"content":"x"}}]}', "protocol"),
        (b'{"choices":[{"message":{"content":[1]}}]}', "protocol"),
        (b"", "stream_truncated"),
        (b"[DONE]", "protocol"),
    ],
)
def test_a_body_that_is_no_answer_is_never_a_success(body: bytes, streamed: str) -> None:
    """DIAL-086."""
    assert "protocol" == failed(body, stream=False).error.code
    assert streamed == failed(body).error.code
