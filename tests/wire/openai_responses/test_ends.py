"""How answers of the Responses API end: well, badly, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.contract import ProviderData, TextBlock
from isoloop.wire import (
    Aborted,
    Answered,
    AnswerStarted,
    TextDelta,
    TextEnded,
    ThinkingEnded,
    ToolCallEnded,
    failure,
)
from tests.wire.openai_responses.wire import (
    MODEL,
    added,
    answered,
    arguments_delta,
    call_item,
    decoder,
    done,
    event,
    failed,
    head,
    message_item,
    message_of,
    read,
    reasoning_item,
    say,
    tail,
    text_delta,
)


def own(**members: Any) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(
        dialect="openai-responses", json_text=json.dumps(members, separators=(",", ":"))
    )


@pytest.mark.parametrize("kind", ["completed", "done"])
def test_the_answer_ends_at_its_terminal_event(kind: str) -> None:
    """DIAL-122: even if the body stays open; what follows is not read."""
    reader = decoder()
    reader.feed(head() + message_of(0, "Hello") + tail(kind))
    assert isinstance(reader.end, Answered)
    assert [] == reader.feed(message_of(1, "more")) + reader.finish()
    assert ("end_turn", None, "resp_1") == (
        reader.end.message.stop_reason,
        reader.end.message.raw_stop_reason,
        reader.end.message.response_id,
    )


@pytest.mark.parametrize(
    ("terminal", "reason", "word"),
    [
        (tail("incomplete", incomplete_details={"reason": "max_output_tokens"}),
         "max_tokens", "max_output_tokens"),
        (tail("incomplete", incomplete_details={"reason": "content_filter"}),
         "refusal", "content_filter"),
        (tail("incomplete", incomplete_details={"reason": "steered"}), "unknown", "steered"),
        (tail("incomplete"), "unknown", ""),
        (tail("done", status="incomplete", incomplete_details={"reason": "content_filter"}),
         "refusal", "content_filter"),
        (tail("completed", status="half_done"), "unknown", "half_done"),
        (tail("completed", status=None), "end_turn", None),
    ],
)  # fmt: skip
def test_stop_reasons_are_translated(terminal: bytes, reason: str, word: str | None) -> None:
    """DIAL-126."""
    end = answered(head(), message_of(0, "Hello"), terminal)
    assert (reason, word) == (end.message.stop_reason, end.message.raw_stop_reason)


def test_another_name_of_the_model_is_told() -> None:
    """DIAL-115."""
    end = answered(head(), tail(model="gpt-test-9-2026-01-01"))
    assert "gpt-test-9-2026-01-01" == end.message.answered_by
    assert [] == end.message.content


def test_what_belongs_to_the_whole_answer_is_kept() -> None:
    """DIAL-119."""
    end = answered(head(), tail(conversation={"id": "conv_1"}, moderation=None))
    assert own(conversation={"id": "conv_1"}) == end.message.provider_data


def test_a_terminal_event_alone_holds_the_answer() -> None:
    """DIAL-123."""
    output = [reasoning_item("Hm"), message_item("Hello"), call_item("a", "{}")]
    pieces, end = read(tail(output=output))
    assert isinstance(end, Answered)
    assert ["thinking", "text", "tool_call"] == [block.type for block in end.message.content]
    assert "tool_use" == end.message.stop_reason
    assert TextDelta(1, "Hello") in pieces


def test_items_that_no_event_finished_are_finished_by_the_terminal_event() -> None:
    """DIAL-123: with what they say there, and once."""
    streamed = (
        message_of(0, "Hello"),
        added(1, **call_item("a", "", item_id="fc_9")),
        arguments_delta(1, '{"q"'),
    )
    output = [message_item("Hello"), call_item("a", '{"q":1}'), call_item("b", "{}", "fc_2")]
    end = answered(head(), *streamed, tail(output=output))
    text, first, second = end.message.content
    assert ("Hello", '{"q":1}', "b") == (text.text, first.arguments_text, second.id)
    assert first.incomplete is None


def test_an_item_known_under_another_index_is_not_read_twice() -> None:
    """DIAL-123: a host that counts its items in another way runs no call twice."""
    begun = added(7, **call_item("a", "", item_id="early"))
    whole = call_item("a", "{}")
    end = answered(head(), begun, done(7, **whole), tail(output=[whole]))
    assert ["a"] == [block.id for block in end.message.content]


def test_open_items_count_as_ended_when_the_response_completed() -> None:
    """DIAL-123: and as cut off when it did not."""
    begin = (
        head(),
        added(0, **call_item("a", "")),
        arguments_delta(0, "{}"),
        added(1, type="web_search_call"),
    )
    good = answered(*begin, tail())
    cut = answered(*begin, tail("incomplete"))
    assert [None, None] == [block.incomplete for block in good.message.content]
    assert [True, True] == [block.incomplete for block in cut.message.content]


def test_nothing_at_all_is_a_success_without_content() -> None:
    """Decision 24."""
    pieces, end = read(head(), tail())
    assert [AnswerStarted(MODEL)] == pieces
    assert isinstance(end, Answered)
    assert ([], "end_turn") == (end.message.content, end.message.stop_reason)


def test_a_stream_without_a_terminal_event_is_truncated() -> None:
    """DIAL-122, STREAM-013: `[DONE]` is none; what was open is ended."""
    for cut in (b"", b"data: [DONE]\n\n"):
        pieces, end = read(head(), message_of(0, "Hello"), added(1, **call_item("a", "")), cut)
        assert ToolCallEnded(1, "a", "search", "", "incomplete", None) == pieces[-1]
        assert "stream_truncated" == end.error.code
        assert "error" == end.message.stop_reason
    assert "stream_truncated" == failed().error.code


@pytest.mark.parametrize(
    ("data", "code", "provider_type", "message"),
    [
        ({"code": "rate_limit_exceeded", "message": "Slow", "param": None, "sequence_number": 3},
         "rate_limited", "rate_limit_exceeded", "Slow"),
        ({"code": None, "message": "Oops"}, "server_error", None, "Oops"),
        ({"error": {"type": "invalid_request_error", "code": "context_length_exceeded",
                    "message": "Long"}}, "context_overflow", "context_length_exceeded", "Long"),
        ({"status": 429, "error": {"type": "requests", "code": None, "message": "Slow"}},
         "rate_limited", "requests", "Slow"),
    ],
)  # fmt: skip
def test_an_error_event_is_an_error(
    data: dict[str, Any], code: str, provider_type: str | None, message: str
) -> None:
    """DIAL-128: in the documented shape and in the one that is sent."""
    end = failed(head(), message_of(0, "He"), event({"type": "error", **data}))
    assert (code, provider_type, message) == (
        end.error.code,
        end.error.provider_type,
        end.error.message,
    )
    assert end.message is not None


@pytest.mark.parametrize(
    ("word", "code", "retryable"),
    [
        ("server_error", "server_error", True),
        ("rate_limit_exceeded", "rate_limited", True),
        ("server_is_overloaded", "overloaded", True),
        ("slow_down", "overloaded", True),
        ("vector_store_timeout", "timeout", True),
        ("insufficient_quota", "quota_exceeded", False),
        ("context_length_exceeded", "context_overflow", False),
        ("invalid_prompt", "invalid_request", False),
        ("data_residency_mismatch", "invalid_request", False),
        ("image_too_large", "invalid_request", False),
        ("invalid_base64_image", "invalid_request", False),
        ("unsupported_image_media_type", "invalid_request", False),
        ("bio_policy", "content_filter", False),
        ("misalignment_policy_violation", "content_filter", False),
        ("image_content_policy_violation", "content_filter", False),
        ("brand_new", "server_error", True),
    ],
)
def test_a_failed_response_is_an_error(word: str, code: str, retryable: bool) -> None:
    """DIAL-128: without content there is no message, and a retry is allowed."""
    usage = {"input_tokens": 3, "output_tokens": 0}
    pieces, end = read(head(), tail("failed", error={"code": word, "message": "No."}, usage=usage))
    assert [] == pieces
    assert (code, retryable, word, "No.", None) == (
        end.error.code,
        end.error.retryable,
        end.error.provider_type,
        end.error.message,
        end.message,
    )
    assert 3 == end.usage.input


def test_a_failed_response_without_a_reason_is_an_error() -> None:
    """DIAL-128: partial content stays, its call cut off."""
    end = failed(head(), added(0, **call_item("a", "")), tail("failed", error=None))
    assert "server_error" == end.error.code
    assert [True] == [block.incomplete for block in end.message.content]


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_a_response_that_is_not_there_is_no_answer(status: str) -> None:
    """DIAL-128: of a request with `background`."""
    end = failed(head(), tail("completed", status=status))
    assert ("protocol", False) == (end.error.code, end.error.retryable)
    assert status in end.error.message


def test_an_abort_keeps_what_arrived() -> None:
    """Decision 11: a text whose item was not done has no id."""
    reader = decoder()
    reader.feed(
        head()
        + added(0, **reasoning_item())
        + added(1, type="message", id="msg_1", phase="final_answer")
        + text_delta(1, "He")
        + added(2, **call_item("a", ""))
    )
    assert reader.content_started
    pieces = reader.abort()
    assert [
        ThinkingEnded(0, "", None),
        TextEnded(1, "He"),
        ToolCallEnded(2, "a", "search", "", "incomplete", None),
    ] == pieces
    assert isinstance(reader.end, Aborted)
    assert (
        TextBlock(text="He", provider_data=own(phase="final_answer"))
        == (reader.end.message.content[1])
    )
    assert [] == reader.abort() + reader.finish() + reader.fail(failure("network", "x"))


def test_an_aborted_refusal_says_that_it_is_one() -> None:
    """Decision 11."""
    reader = decoder()
    reader.feed(
        head()
        + added(0, type="message", id="msg_1")
        + say("refusal.delta", output_index=0, content_index=0, delta="I c")
    )
    reader.fail(failure("network", "reset"))
    assert own(refusal=True) == reader.end.message.content[0].provider_data
