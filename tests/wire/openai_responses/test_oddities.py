"""Streams of the Responses API that are not as documented."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop.wire import (
    TextEnded,
    ThinkingEnded,
    ToolCallEnded,
)
from tests.wire.openai_responses.wire import (
    added,
    answered,
    arguments_delta,
    call_item,
    call_of,
    done,
    event,
    failed,
    head,
    message_item,
    message_of,
    read,
    reasoning_item,
    say,
    summary_delta,
    tail,
    text_delta,
)


def test_events_without_a_type_are_named_by_sse() -> None:
    """STREAM-020."""
    end = answered(
        head(),
        event({"output_index": 0, "item": message_item("Hi")}, "response.output_item.done"),
        tail(),
    )
    assert ["Hi"] == [block.text for block in end.message.content]


def test_events_without_an_index_mean_the_item_added_last() -> None:
    """DIAL-116."""
    end = answered(
        head(),
        say("output_item.added", item={"type": "message", "id": "msg_1"}),
        say("output_text.delta", delta="Hi"),
        say("output_item.done", item=message_item("Hi")),
        say("output_item.added", item=call_item("a", "")),
        say("function_call_arguments.delta", delta="{}"),
        say("output_item.done", item=call_item("a", "{}")),
        tail(),
    )
    assert ["text", "tool_call"] == [block.type for block in end.message.content]


@pytest.mark.parametrize(
    "data",
    [
        {"type": "keepalive"},
        {"type": "response.brand_new", "delta": {"x": 1}},
        {"type": "response.output_text.annotation.added", "output_index": 9},
        {"type": "response.content_part.done", "output_index": 9, "part": {}},
        {"type": "response.content_part.added", "output_index": 9, "part": {"type": "text"}},
    ],
)
def test_events_that_are_not_known_have_no_effect(data: dict[str, Any]) -> None:
    """DIAL-124."""
    pieces, _ = read(head(), event(data), message_of(0, "Hi"), event(data), tail())
    assert read(head(), message_of(0, "Hi"), tail())[0] == pieces


def test_a_second_end_of_an_item_has_no_effect() -> None:
    """DIAL-124."""
    end = answered(head(), call_of(0, "a", "{}"), done(0, **call_item("a", "{}")), tail())
    assert 1 == len(end.message.content)


@pytest.mark.parametrize(
    "wrong",
    [
        text_delta(0, "Hi"),
        arguments_delta(0, "{}"),
        summary_delta(0, "Hm"),
        added(0, **call_item("a", "")) + text_delta(0, "Hi"),
        added(0, **call_item("a", "")) + summary_delta(0, "Hm"),
        added(0, **call_item("a", "")) + added(0, **call_item("b", "")),
        added(0, **call_item("a", "")) + done(0, **message_item("Hi")),
        added(0, type=""),
        added(0, id="x"),
        say("output_item.added", output_index=0),
        say("completed", response=[]),
        tail(output=[{"type": "message", "content": [{"type": "output_text", "text": 1}]}]),
        tail(output=[{"type": "reasoning", "summary": [1]}]),
        tail(output=[{"type": "function_call", "arguments": {}}]),
        tail(output=[{"type": ""}]),
        event({"type": "response.output_text.delta", "output_index": "x", "delta": "Hi"}),
        added(0, type="message")
        + say("output_text.delta", output_index=0, content_index={}, delta="Hi"),
        added(0, type="reasoning", summary=[])
        + say("reasoning_text.delta", content_index=[], delta="Hm"),
        b"data: {\n\n",
        b"data: [1]\n\n",
    ],
)
def test_an_event_that_makes_no_sense_ends_the_attempt(wrong: bytes) -> None:
    """DIAL-124, STREAM-015."""
    assert "protocol" == failed(head(), wrong).error.code


def test_a_pair_split_over_deltas_is_one_character() -> None:
    """STREAM-011: in text, reasoning, refusals and arguments."""

    def halves(kind: str, index: int) -> bytes:
        return b"".join(
            event(f'{{"type":"response.{kind}.delta","output_index":{index},"delta":"{half}"}}')
            for half in (r"a\ud83e", r"\udd80b")
        )

    pieces, _ = read(
        head(),
        added(0, type="message", id="msg_1"),
        halves("output_text", 0),
        done(0, **message_item("a🦀b")),
        added(1, type="message", id="msg_2"),
        halves("refusal", 1),
        done(1, type="message", id="msg_2", content=[{"type": "refusal", "refusal": "a🦀b"}]),
        added(2, **reasoning_item()),
        halves("reasoning_summary_text", 2),
        halves("reasoning_text", 2),
        done(2, **reasoning_item()),
        added(3, **call_item("a", "")),
        halves("function_call_arguments", 3),
        done(3, **call_item("a", "a🦀b")),
        tail(),
    )
    assert [
        TextEnded(0, "a🦀b"),
        TextEnded(1, "a🦀b"),
        ThinkingEnded(2, "a🦀b\n\na🦀b", "enc"),
        ToolCallEnded(3, "a", "search", "a🦀b", "invalid", None),
    ] == [piece for piece in pieces if type(piece).__name__.endswith("Ended")]


def test_half_a_character_that_stays_alone_is_replaced() -> None:
    """STREAM-011: also where the whole text says it again."""
    data = r'{"type":"response.output_text.delta","output_index":0,"delta":"a\ud83e"}'
    whole = r'{"type":"response.output_text.done","output_index":0,"text":"a\ud83e"}'
    pieces, _ = read(
        head(), added(0, type="message", id="msg_1"), event(data), event(whole), tail()
    )
    assert TextEnded(0, "a\ufffd") == pieces[-1]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    """STREAM-010."""
    data = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\xff"}\n\n'
    pieces, _ = read(head(), added(0, type="message", id="msg_1"), data, tail())
    assert TextEnded(0, "a\ufffd") == pieces[-1]


def test_a_delta_of_another_kind_with_half_a_character_has_no_effect() -> None:
    """DIAL-124."""
    data = r'{"type":"response.brand_new.delta","output_index":0,"delta":"a\ud83e"}'
    assert [] == answered(head(), event(data), tail()).message.content


@pytest.mark.slow
def test_any_cutting_gives_the_same() -> None:
    """STREAM-019."""
    body = (
        head()
        + added(0, **reasoning_item()) + summary_delta(0, "Hmé") + done(0, **reasoning_item("Hmé"))
        + message_of(1, "Héllo 🦀") + call_of(2, "a", '{"q":"é"}') + tail()
    )  # fmt: skip
    whole = read(body)
    for place in range(1, len(body)):
        assert whole == read(body[:place], body[place:])
    assert whole == read(*(body[i : i + 1] for i in range(len(body))))
    assert read(body.replace(b"\n", b"\r\n")) == whole


def test_half_a_character_for_an_opaque_item_has_no_effect() -> None:
    """DIAL-121: its last word says it all."""
    half = r'{"type":"response.function_call_arguments.delta","output_index":0,"delta":"a\ud83e"}'
    item = {"type": "custom_tool_call", "id": "ct_1"}
    end = answered(head(), added(0, **item), event(half), done(0, **item), tail())
    assert ['{"type":"custom_tool_call","id":"ct_1"}'] == [
        block.json_text for block in end.message.content
    ]
