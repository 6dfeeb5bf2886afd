"""How a transcript is sent to a chat model."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from isoloop.contract import (
    AudioBlock,
    Base64Source,
    DocumentBlock,
    ImageBlock,
    OpaqueBlock,
    PlainTextSource,
    ThinkingBlock,
    UrlSource,
)
from isoloop.wire import Unsendable, failure
from tests.wire.openai_chat.requests import (
    INTERRUPTED,
    OTHER,
    answer,
    at,
    own,
    request,
    result,
    sent,
    text,
    tool_call,
    user,
    wire_answer,
    wire_call,
    wire_result,
)

HI = {"role": "user", "content": "Hi"}
PNG = Base64Source(type="base64", media_type="image/png", data="aVZC")
IMAGE = ImageBlock(source=PNG)
WIRE_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aVZC"}}


def source(media_type: str, data: str = "aVZC") -> Base64Source:
    """Make a source."""
    return Base64Source(type="base64", media_type=media_type, data=data)


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (IMAGE, WIRE_IMAGE),
        (
            ImageBlock(source=UrlSource(type="url", url="https://a/b.png")),
            {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        ),
        (
            ImageBlock(source=PNG, provider_data=own(image_url={"detail": "low"})),
            {"type": "image_url", "image_url": {**WIRE_IMAGE["image_url"], "detail": "low"}},
        ),
        (
            AudioBlock(source=source("audio/mpeg")),
            {"type": "input_audio", "input_audio": {"data": "aVZC", "format": "mp3"}},
        ),
        (
            AudioBlock(source=source("audio/x-wav")),
            {"type": "input_audio", "input_audio": {"data": "aVZC", "format": "wav"}},
        ),
        (
            AudioBlock(source=source("audio/flac; rate=8000")),
            {"type": "input_audio", "input_audio": {"data": "aVZC", "format": "flac"}},
        ),
        (
            DocumentBlock(source=source("application/pdf"), title="a.pdf"),
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aVZC"},
            },
        ),
        (
            DocumentBlock(source=source("application/pdf")),
            {
                "type": "file",
                "file": {
                    "filename": "document.pdf",
                    "file_data": "data:application/pdf;base64,aVZC",
                },
            },
        ),
        (
            DocumentBlock(source=PlainTextSource(type="text", text="words"), title="T"),
            text("T\n\nwords"),
        ),
        (
            DocumentBlock(source=source("text/csv", base64.b64encode(b"a,b").decode())),
            text("a,b"),
        ),
        (
            DocumentBlock(source=source("text/csv", "/w=="), title="t.csv"),
            {
                "type": "file",
                "file": {"filename": "t.csv", "file_data": "data:text/csv;base64,/w=="},
            },
        ),
        (
            OpaqueBlock(dialect="openai-chat", kind="file", json_text='{"type":"file"}'),
            {"type": "file"},
        ),
    ],
)
def test_what_a_user_message_can_hold(block: Any, part: dict[str, Any]) -> None:
    """DIAL-064, DIAL-065: with a text beside it, all are parts in order."""
    assert [{"role": "user", "content": [text("Look:"), part]}] == sent(user("Look:", " ", block))


@pytest.mark.parametrize(
    "block",
    [
        AudioBlock(source=UrlSource(type="url", url="https://a/b.mp3")),
        DocumentBlock(source=UrlSource(type="url", url="https://a/b.pdf")),
        OpaqueBlock(dialect="anthropic-messages", kind="x", json_text="{}"),
        OpaqueBlock(dialect="openai-chat", kind="x", json_text="[]"),
    ],
)
def test_what_a_user_message_cannot_hold_is_refused(block: Any) -> None:
    """DIAL-012, DIAL-065."""
    with pytest.raises(Unsendable) as raised:
        request(user(block))
    assert "config" == raised.value.error.code


def test_a_document_without_words_is_blank_text() -> None:
    """DIAL-008: in user messages and results."""
    blank = DocumentBlock(source=PlainTextSource(type="text", text=" "))
    assert [HI] == sent(user(blank), user("Hi", blank))
    run = (user("Hi"), answer(tool_call("a")), result("a", blank, is_error=True))
    assert wire_result("a", "[error] The tool failed.") == sent(*run)[2]


def test_user_messages_are_not_joined() -> None:
    """DIAL-064: what was sent stays as it was."""
    assert [HI, {"role": "user", "content": "there"}] == sent(user("Hi"), user("there"))


def test_calls_and_their_results() -> None:
    """DIAL-066, DIAL-068: in call order, steering after them."""
    assert [
        HI,
        wire_answer("Wait.", wire_call("a", '{"n": 1.0}'), wire_call("b")),
        wire_result("a", "1\nand more"),
        wire_result("b", "[error] no"),
        {"role": "user", "content": "also"},
    ] == sent(
        user("Hi"),
        answer("Wait.", tool_call("a", '{"n": 1.0}'), tool_call("b", " "), stop_reason="tool_use"),
        result("b", "no", is_error=True),
        user("also"),
        result("a", "1", " ", "and more"),
    )


@pytest.mark.parametrize(
    ("blocks", "is_error", "content"),
    [
        ([], False, ""),
        ([], True, "[error] The tool failed."),
        (["  "], True, "[error] The tool failed."),
        (["oops"], True, "[error] oops"),
        (["oops"], False, "oops"),
        (
            [AudioBlock(source=UrlSource(type="url", url="https://a/b"))],
            False,
            "[audio omitted: the model cannot read it]",
        ),
        ([DocumentBlock(source=PlainTextSource(type="text", text="w"))], False, "w"),
    ],
)
def test_results(blocks: list[Any], is_error: bool, content: str) -> None:
    """DIAL-066, DIAL-012."""
    run = (user("Hi"), answer(tool_call("a")), result("a", *blocks, is_error=is_error))
    assert wire_result("a", content) == sent(*run)[2]


def test_images_of_results_follow_in_one_message() -> None:
    """DIAL-067: labelled, after all results; an error keeps its mark."""
    document = DocumentBlock(source=source("application/pdf"), title="r.pdf")
    file = {"filename": "r.pdf", "file_data": "data:application/pdf;base64,aVZC"}
    assert [
        wire_result("a", "[error] [image 1 follows]\nsee"),
        wire_result("b", "[document 2 follows]"),
        {
            "role": "user",
            "content": [
                text("Image 1 of the result of a:"),
                WIRE_IMAGE,
                text("Document 2 of the result of b:"),
                {"type": "file", "file": file},
            ],
        },
        {"role": "user", "content": "so?"},
    ] == sent(
        user("Hi"),
        answer(tool_call("a"), tool_call("b")),
        result("a", IMAGE, "see", is_error=True),
        result("b", document),
        user("so?"),
    )[2:]


def test_a_call_without_result_gets_one() -> None:
    """DIAL-001: also at the end, provisionally."""
    run = (user("Hi"), answer(tool_call("a"), tool_call("b")), result("b", "2"))
    assert [wire_result("a", INTERRUPTED), wire_result("b", "2")] == sent(*run)[2:]


def test_an_answer_has_its_texts_joined() -> None:
    """DIAL-068: as the model wrote them; another model's with a blank line between."""
    assert wire_answer("Hello") == sent(user("Hi"), answer("Hel", "lo"))[1]
    assert wire_answer("a\n\nb") == sent(user("Hi"), answer("a", " ", "b", model=OTHER))[1]


def test_an_answer_without_text_has_null_content() -> None:
    """DIAL-068."""
    assert wire_answer(None, wire_call("a")) == sent(user("Hi"), answer(tool_call("a")))[1]


@pytest.mark.parametrize(
    "message",
    [
        answer(),
        answer(" "),
        answer(ThinkingBlock(text="hm", provider_data=own(member="reasoning"))),
        answer("half", stop_reason="error", error=failure("network", "gone")),
    ],
)
def test_an_answer_with_nothing_to_say_is_not_sent(message: Any) -> None:
    """DIAL-003, DIAL-008, DIAL-068."""
    assert [HI, {"role": "user", "content": "b"}] == sent(user("Hi"), message, user("b"))


def test_invalid_arguments_go_back_as_they_are() -> None:
    """DIAL-068: the wire carries text."""
    sent_calls = sent(user("Hi"), answer(tool_call("a", '{"q":')))[1]["tool_calls"]
    assert [wire_call("a", '{"q":')] == sent_calls


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning", "reasoning_text"])
def test_reasoning_goes_back_where_it_came_from(member: str) -> None:
    """DIAL-069, DIAL-005: to the same model, once the provider ended it."""
    thinking = ThinkingBlock(text="hm", provider_data=own(member=member))
    assert wire_answer("x", **{member: "hm"}) == sent(user("Hi"), answer(thinking, "x"))[1]
    assert wire_answer("x") == sent(user("Hi"), answer(thinking, "x", model=OTHER))[1]


def test_reasoning_that_was_not_ended_is_not_sent() -> None:
    """DIAL-005: an aborted answer's."""
    message = answer("x", ThinkingBlock(text="half"), stop_reason="aborted")
    assert wire_answer("x") == sent(user("Hi"), message)[1]


def test_details_go_back_instead_of_the_words() -> None:
    """DIAL-069: fragments that a text parted are joined again."""
    one = {"type": "reasoning.text", "text": "hm", "index": 0}
    two = {"type": "reasoning.text", "text": "", "signature": "s", "index": 0}
    made = sent(
        user("Hi"),
        answer(
            ThinkingBlock(text="hm", provider_data=own(member="r", reasoning_details=[one])),
            "x",
            ThinkingBlock(text="", provider_data=own(reasoning_details=[two])),
        ),
    )[1]
    assert wire_answer("x", reasoning_details=[{**one, "signature": "s"}]) == made


def test_mistrals_thinking_is_a_part_of_the_content() -> None:
    """DIAL-069."""
    thinking = ThinkingBlock(text="hm", provider_data=own(member="content"))
    model = at("mistral")
    assert (
        wire_answer([{"type": "thinking", "thinking": [text("hm")]}, text("x")])
        == sent(user("Hi"), answer(thinking, "x", model=model), model=model)[1]
    )


def test_a_blank_text_beside_an_opaque_part_is_not_sent() -> None:
    """DIAL-008: as a part of its own it would be refused; nor is a recording without an id."""
    part = OpaqueBlock(dialect="openai-chat", kind="x", json_text='{"type":"x"}')
    audio = OpaqueBlock(dialect="openai-chat", kind="audio", json_text='{"data":"aGk="}')
    assert {"role": "assistant", "content": [{"type": "x"}, text("Hi")]} == (
        sent(user("Hi"), answer(part, " \n", audio, "Hi"))[1]
    )


def test_opaque_blocks_go_back_to_the_same_model() -> None:
    """DIAL-006, DIAL-079: parts in their place, images in their list, of audio the id."""
    audio = OpaqueBlock(dialect="openai-chat", kind="audio", json_text='{"id":"au_1","data":"x"}')
    image = OpaqueBlock(dialect="openai-chat", kind="image_url", json_text='{"type":"image_url"}')
    part = OpaqueBlock(dialect="openai-chat", kind="reference", json_text='{"type":"reference"}')
    expected = wire_answer(None, audio={"id": "au_1"}, images=[{"type": "image_url"}])
    assert expected == sent(user("Hi"), answer(audio, image))[1]
    assert wire_answer([text("x"), {"type": "reference"}]) == sent(user("Hi"), answer("x", part))[1]
    assert wire_answer("x") == sent(user("Hi"), answer("x", part, model=OTHER))[1]


def test_an_image_that_another_model_made_is_left_out() -> None:
    """DIAL-012: no assistant message can carry it."""
    assert wire_answer("x") == sent(user("Hi"), answer(IMAGE, "x", model=OTHER))[1]


def test_custom_calls_and_signatures_go_back_as_they_came() -> None:
    """DIAL-080."""
    custom = tool_call("a", "print(1)", provider_data=own(type="custom"))
    signed = tool_call("b", provider_data=own(extra_content={"google": {"s": "1"}}, id="old"))
    assert [
        {"id": "a", "type": "custom", "custom": {"name": "search", "input": "print(1)"}},
        {**wire_call("b"), "extra_content": {"google": {"s": "1"}}},
    ] == sent(user("Hi"), answer(custom, signed))[1]["tool_calls"]


def test_ids_become_what_the_wire_allows() -> None:
    """DIAL-070, DIAL-010: 40 characters, different for different calls, results follow."""
    long = "x" * 50
    messages = sent(
        user("Hi"),
        answer(tool_call(long), tool_call(long + "y"), tool_call("a:b"), tool_call("é")),
        *(result(call_id, "1") for call_id in (long, long + "y", "a:b", "é")),
    )
    ids = ["x" * 40, "x" * 38 + "_2", "a_b", "_"]
    assert ids == [c["id"] for c in messages[1]["tool_calls"]]
    assert ids == [m["tool_call_id"] for m in messages[2:]]


def test_half_surrogates_are_replaced() -> None:
    """DIAL-009: whole pairs stay."""
    half = user("a").model_copy(deep=True)
    half.content[0].__dict__["text"] = "\ud83d a \U0001f980"
    assert [{"role": "user", "content": "\ufffd a \U0001f980"}] == sent(half)
