"""What is read from streams of the Responses API, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.contract import OpaqueBlock, ProviderData, TextBlock, ThinkingBlock, ToolCallBlock
from isoloop.wire import (
    Answered,
    AnswerStarted,
    OpaqueEnded,
    OpaqueStarted,
    TextDelta,
    TextEnded,
    TextStarted,
    ThinkingDelta,
    ThinkingEnded,
    ThinkingStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from tests.wire.openai_responses.wire import (
    DIALECT,
    MODEL,
    added,
    answered,
    arguments_delta,
    call,
    call_item,
    call_of,
    decoder,
    done,
    event,
    failed,
    head,
    message_item,
    message_of,
    output_text,
    read,
    reasoning_item,
    say,
    summary_delta,
    tail,
    text_delta,
)

SEARCHED = '{"type":"web_search_call", "id":"ws_1","action":{"n":1.50},"status":"completed"}'


def own(**members: Any) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(
        dialect="openai-responses", json_text=json.dumps(members, separators=(",", ":"))
    )


# ---------------------------------------------------------------- messages


def test_text_comes_as_start_deltas_end() -> None:
    """DIAL-116, DIAL-117: the answer starts with its first block, not with the response."""
    pieces, end = read(head(), message_of(0, "Hello", phase="final_answer"), tail())
    assert [
        AnswerStarted(MODEL),
        TextStarted(0),
        TextDelta(0, "Hello"),
        TextEnded(0, "Hello"),
    ] == pieces
    assert isinstance(end, Answered)
    expected = TextBlock(text="Hello", provider_data=own(item_id="msg_1", phase="final_answer"))
    assert [expected] == end.message.content


def test_a_response_that_began_is_no_content() -> None:
    """DIAL-115: nor is a message without a part."""
    reader = decoder()
    assert [] == reader.feed(
        head("queued") + say("in_progress", response={"status": "in_progress"})
    )
    assert [] == reader.feed(added(0, type="message", id="msg_1", content=[]))
    assert not reader.content_started


def test_each_part_of_a_message_is_a_block() -> None:
    """DIAL-116: with or without a content_part.added."""
    end = answered(
        head(),
        added(0, type="message", id="msg_1"),
        text_delta(0, "One", 0),
        text_delta(0, "Two", 1),
        done(0, **message_item("One", "Two")),
        tail(),
    )
    assert ["One", "Two"] == [block.text for block in end.message.content]


def test_text_in_the_added_part_is_the_first_delta() -> None:
    """DIAL-117."""
    part = {"type": "output_text", "text": "He"}
    end = answered(
        head(),
        added(0, type="message", id="msg_1"),
        say("content_part.added", output_index=0, content_index=0, part=part),
        text_delta(0, "y"),
        done(0, **message_item("Hey")),
        tail(),
    )
    assert ["Hey"] == [block.text for block in end.message.content]


def test_text_that_comes_only_in_done_is_read() -> None:
    """DIAL-118."""
    begin = added(0, type="message", id="msg_1")
    whole = say("output_text.done", output_index=0, content_index=0, text="Hello")
    for parts in ([whole, done(0, **message_item("Hello"))], [done(0, **message_item("Hello"))]):
        pieces, _ = read(head(), begin, *parts, tail())
        assert [TextDelta(0, "Hello"), TextEnded(0, "Hello")] == pieces[-2:]


def test_text_that_was_streamed_in_part_is_completed() -> None:
    """DIAL-118."""
    pieces, _ = read(
        head(),
        added(0, type="message", id="msg_1"),
        text_delta(0, "Hel"),
        done(0, **message_item("Hello")),
        tail(),
    )
    assert TextEnded(0, "Hello") == pieces[-1]


def test_white_space_at_the_ends_is_no_contradiction() -> None:
    """DIAL-118: hosts strip the whole text, and some leave it empty."""
    for whole in ("Hello", ""):
        pieces, end = read(
            head(),
            added(0, type="message", id="msg_1"),
            text_delta(0, " Hello\n"),
            done(0, **message_item(whole)),
            tail(),
        )
        assert TextEnded(0, " Hello\n") == pieces[-1]
        assert isinstance(end, Answered)


def test_text_that_contradicts_what_was_streamed_is_refused() -> None:
    """DIAL-118."""
    end = failed(
        head(),
        added(0, type="message", id="msg_1"),
        text_delta(0, "Hello"),
        done(0, **message_item("Bye")),
        tail(),
    )
    assert "protocol" == end.error.code


def test_annotations_and_logprobs_stay_with_their_text() -> None:
    """DIAL-119."""
    part = output_text("So", annotations=[{"type": "x", "n": 1}], logprobs=[{"token": "So"}])
    end = answered(
        head(),
        added(0, type="message", id="msg_1"),
        text_delta(0, "So"),
        say("output_text.annotation.added", output_index=0, annotation={"type": "x", "n": 1}),
        done(0, **message_item(status="incomplete") | {"content": [part]}),
        tail(),
    )
    assert {
        "item_id": "msg_1",
        "status": "incomplete",
        "annotations": [{"type": "x", "n": 1}],
        "logprobs": [{"token": "So"}],
    } == json.loads(end.message.content[0].provider_data.json_text)


def test_a_refusal_is_text_and_the_stop_reason() -> None:
    """DIAL-127."""
    part = {"type": "refusal", "refusal": ""}
    whole = {**message_item(), "content": [{"type": "refusal", "refusal": "I can't."}]}
    end = answered(
        head(),
        added(0, type="message", id="msg_1"),
        say("content_part.added", output_index=0, content_index=0, part=part),
        say("refusal.delta", output_index=0, content_index=0, delta="I "),
        say("refusal.done", output_index=0, content_index=0, refusal="I can't."),
        done(0, **whole),
        call_of(1, "a", "{}"),
        tail(),
    )
    assert "refusal" == end.message.stop_reason
    assert (
        TextBlock(text="I can't.", provider_data=own(item_id="msg_1", refusal=True))
        == (end.message.content[0])
    )


def test_a_part_of_unknown_kind_is_kept_and_not_sent_back() -> None:
    """DIAL-121, decision 18."""
    whole = {**message_item("So"), "content": [output_text("So"), {"type": "hologram", "n": 1}]}
    end = answered(head(), done(0, **whole), tail())
    _, block = end.message.content
    assert ("hologram", '{"type":"hologram","n":1}', True) == (
        block.kind,
        block.json_text,
        block.incomplete,
    )


# ---------------------------------------------------------------- reasoning


def test_reasoning_is_thinking() -> None:
    """DIAL-117, DIAL-119: parts are joined by a blank line; the last encryption counts."""
    pieces, end = read(
        head(),
        added(0, **reasoning_item(encrypted="early")),
        say("reasoning_summary_part.added", output_index=0, summary_index=0, part={}),
        summary_delta(0, "On", 0), summary_delta(0, "e", 0),
        summary_delta(0, "Two", 1),
        done(0, **reasoning_item("One", "Two", encrypted="late", status=None)),
        tail(output=[reasoning_item("One", "Two", encrypted="third")]),
    )  # fmt: skip
    assert [
        AnswerStarted(MODEL),
        ThinkingStarted(0),
        ThinkingDelta(0, "One\n\nTwo"),
        ThinkingEnded(0, "One\n\nTwo", "late"),
    ] == pieces
    assert isinstance(end, Answered)
    summary = [{"type": "summary_text", "text": text} for text in ("One", "Two")]
    assert [
        ThinkingBlock(
            text="One\n\nTwo",
            signature="late",
            provider_data=own(item_id="rs_1", summary=summary),
        )
    ] == end.message.content


@pytest.mark.parametrize("summary", [(), ("One",)])
def test_a_summary_that_the_text_says_is_not_kept_twice(summary: tuple[str, ...]) -> None:
    """DIAL-119: it is rebuilt from the text."""
    end = answered(head(), done(0, **reasoning_item(*summary)), tail())
    (block,) = end.message.content
    assert ("".join(summary), own(item_id="rs_1")) == (block.text, block.provider_data)


def test_reasoning_text_is_thinking_too() -> None:
    """DIAL-117: open models send it instead of a summary, in parts of the item."""
    content = [{"type": "reasoning_text", "text": "Hm"}]
    pieces, end = read(
        head(),
        added(0, type="reasoning", id="rs_1", summary=[]),
        say("content_part.added", output_index=0, content_index=0, part={"type": "reasoning_text"}),
        say("reasoning_text.delta", output_index=0, content_index=0, delta="H"),
        done(0, **reasoning_item(encrypted=None, content=content)),
        tail(),
    )
    assert ThinkingEnded(0, "Hm", None) == pieces[-1]
    assert isinstance(end, Answered)
    assert {"item_id": "rs_1", "summary": [], "content": content} == json.loads(
        end.message.content[0].provider_data.json_text
    )


def test_a_summary_that_differs_from_the_stream_goes_back_as_the_item_has_it() -> None:
    """DIAL-118: what consumers saw stays, what the provider signed goes back."""
    end = answered(
        head(),
        added(0, **reasoning_item()),
        summary_delta(0, "Hmm"),
        done(0, **reasoning_item("Considered.")),
        tail(),
    )
    (block,) = end.message.content
    assert "Hmm" == block.text
    assert "Considered." in block.provider_data.json_text


# ---------------------------------------------------------------- calls


def test_a_call_comes_as_start_deltas_end() -> None:
    """DIAL-116, DIAL-119."""
    pieces, end = read(head(), call_of(0, "call_1", '{"q": 1}', namespace="tools"), tail())
    assert [
        AnswerStarted(MODEL),
        ToolCallStarted(0, "call_1", "search"),
        ToolCallDelta(0, '{"q": 1}'),
        ToolCallEnded(0, "call_1", "search", '{"q": 1}', "complete", {"q": 1}),
    ] == pieces
    assert isinstance(end, Answered)
    data = own(item_id="fc_1", namespace="tools")
    assert [
        ToolCallBlock(id="call_1", name="search", arguments_text='{"q": 1}', provider_data=data)
    ] == end.message.content
    assert "tool_use" == end.message.stop_reason


def test_interleaved_items_keep_their_own_words() -> None:
    """STREAM-004, DIAL-116: told apart by output_index, whatever the item ids are."""
    pieces, end = read(
        head(),
        added(3, **call_item("a", "", item_id="x1")),
        added(1, **call_item("b", "", item_id="x2")),
        say("function_call_arguments.delta", output_index=3, item_id="x3", delta='{"n"'),
        say("function_call_arguments.delta", output_index=1, item_id="x4", delta='{"m"'),
        say("function_call_arguments.delta", output_index=3, item_id="x5", delta=":1}"),
        say("function_call_arguments.delta", output_index=1, item_id="x6", delta=":2}"),
        done(1, **call_item("b", '{"m":2}', item_id="x7")),
        done(3, **call_item("a", '{"n":1}', item_id="x8")),
        tail(),
    )
    assert isinstance(end, Answered)
    assert [("a", '{"n":1}'), ("b", '{"m":2}')] == [
        (block.id, block.arguments_text) for block in end.message.content
    ]
    assert ToolCallEnded(1, "b", "search", '{"m":2}', "complete", {"m": 2}) in pieces


def test_arguments_that_come_only_in_done_are_read() -> None:
    """DIAL-118 (pi, R4)."""
    begin = added(0, **call_item("a", ""))
    whole = say("function_call_arguments.done", output_index=0, arguments='{"q":1}')
    item = done(0, **call_item("a", '{"q":1}'))
    for parts in ([whole], [item], [whole, item]):
        pieces, end = read(head(), begin, *parts, tail())
        assert [
            ToolCallDelta(0, '{"q":1}'),
            ToolCallEnded(0, "a", "search", '{"q":1}', "complete", {"q": 1}),
        ] == pieces[-2:]
        assert isinstance(end, Answered)


def test_arguments_in_the_added_item_count_once() -> None:
    """DIAL-118: hosts put the whole there and stream nothing."""
    whole = call_item("a", '{"q":1}')
    end = answered(head(), added(0, **whole), done(0, **whole), tail())
    assert ['{"q":1}'] == [block.arguments_text for block in end.message.content]


@pytest.mark.parametrize(
    ("streamed", "whole", "good"),
    [
        ('{"q":1}', '{"q":1}', True),
        ('{"q":1}', '{ "q": 1 }', True),
        ('{"q":1}', "", True),
        ('{"q"', '{"q":1}', True),
        ('{"q":1}', '{"q":2}', False),
        ('{"q":', '{"q" :1}', False),
    ],
)
def test_arguments_must_agree_as_json(streamed: str, whole: str, good: bool) -> None:
    """DIAL-118: what was streamed stays, and what contradicts it ends the attempt."""
    _, end = read(
        head(),
        added(0, **call_item("a", "")),
        arguments_delta(0, streamed),
        say("function_call_arguments.done", output_index=0, arguments=whole),
        tail(),
    )
    assert good == isinstance(end, Answered)
    if not good:
        assert "protocol" == end.error.code


@pytest.mark.parametrize(
    ("text", "state", "arguments"),
    [("", "complete", {}), ("null", "invalid", None), ('{"a":1,"a":2}', "invalid", None)],
)
def test_arguments_are_read_when_the_item_is_done(text: str, state: str, arguments: object) -> None:
    """TOOL-003 to 007."""
    pieces, _ = read(head(), call_of(0, "a", text), tail())
    assert ToolCallEnded(0, "a", "search", text, state, arguments) == pieces[-1]


def test_a_call_that_the_provider_cut_off_is_incomplete() -> None:
    """DIAL-120, decision 6."""
    item = call_item("a", '{"q":1', status="incomplete")
    end = answered(
        head(), added(0, **call_item("a", "")), arguments_delta(0, '{"q":1'), done(0, **item),
        tail("incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )  # fmt: skip
    assert [True] == [block.incomplete for block in end.message.content]


def test_equal_ids_are_made_unique_and_both_calls_stay() -> None:
    """TOOL-011: also across turns."""
    reader = DIALECT.decoder(call(), taken={"a"})
    reader.feed(head() + call_of(0, "a", "{}") + call_of(1, "a", "{}") + tail())
    assert isinstance(reader.end, Answered)
    assert [("a~2", "a"), ("a~3", "a")] == [
        (block.id, json.loads(block.provider_data.json_text)["id"])
        for block in reader.end.message.content
    ]


def test_a_missing_id_is_made_from_the_calls_number() -> None:
    """TOOL-012."""
    item = {"type": "function_call", "name": "search", "arguments": "{}"}
    end = answered(head(), added(0, **item), done(0, **item), call_of(1, "", "{}"), tail())
    assert ["call_1", "call_2"] == [block.id for block in end.message.content]
    assert end.message.content[0].provider_data is None


# ---------------------------------------------------------------- opaque items


def test_other_items_are_kept_as_they_came() -> None:
    """DIAL-121: from output_item.done, spaces and number spelling included; nothing is executed."""
    pieces, end = read(
        head(),
        added(0, type="web_search_call", id="ws_1", status="in_progress"),
        say("web_search_call.searching", output_index=0, item_id="ws_1"),
        say("mcp_call_arguments.delta", output_index=0, delta="{}"),
        event(f'{{"type":"response.output_item.done","output_index":0,"item":{SEARCHED}}}'),
        tail(),
    )
    assert [
        AnswerStarted(MODEL),
        OpaqueStarted(0, "openai-responses", "web_search_call"),
        OpaqueEnded(0, "openai-responses", "web_search_call", SEARCHED, incomplete=False),
    ] == pieces
    assert isinstance(end, Answered)
    expected = OpaqueBlock(dialect="openai-responses", kind="web_search_call", json_text=SEARCHED)
    assert ([expected], "end_turn") == (end.message.content, end.message.stop_reason)


def test_arguments_of_an_opaque_item_are_its_own() -> None:
    """DIAL-121: they are in its last word."""
    end = answered(
        head(),
        added(0, type="custom_tool_call", id="ct_1"),
        arguments_delta(0, "{}"),
        say("function_call_arguments.done", output_index=0, arguments="{}"),
        done(0, type="custom_tool_call", id="ct_1", input="x"),
        tail(),
    )
    assert ['{"type":"custom_tool_call","id":"ct_1","input":"x"}'] == [
        block.json_text for block in end.message.content
    ]
