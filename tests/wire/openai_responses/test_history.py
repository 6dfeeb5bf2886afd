"""What becomes of a history on its way to the Responses API."""

from __future__ import annotations

import json

import pytest

from isoloop.contract import ErrorInfo, ImageBlock, OpaqueBlock, RunConfig, TextBlock, UrlSource
from isoloop.wire import ModelCall, Unsendable
from tests.wire.openai_responses.requests import (
    DIALECT,
    INTERRUPTED,
    MODEL,
    OTHER,
    answer,
    asked,
    function_call,
    message,
    output,
    own,
    reasoning,
    request,
    result,
    said,
    sent,
    thought,
    tool_call,
    user,
)

# ---------------------------------------------------------------- items, to the same model


def test_an_answer_goes_back_as_the_items_that_it_came_as() -> None:
    """DIAL-110, DIAL-111: ids, phase, annotations and other members included."""
    found = sent(
        user("Hi"),
        answer(
            thought("Hm"),
            said("Let me see.", "msg_1", phase="commentary"),
            tool_call("call_1", '{"q": 1}', item_id="fc_1", namespace="tools"),
            stop_reason="tool_use",
        ),
        result("call_1", "42"),
        answer(said("It is 42.", "msg_2", annotations=[{"type": "x"}], status="incomplete")),
    )
    assert [
        asked("Hi"),
        reasoning("Hm"),
        message("msg_1", "Let me see.", phase="commentary"),
        function_call("call_1", '{"q": 1}', id="fc_1", namespace="tools"),
        output("call_1", "42"),
        message("msg_2", status="incomplete")
        | {
            "content": [
                {"type": "output_text", "text": "It is 42.", "annotations": [{"type": "x"}]}
            ]
        },
    ] == found


def test_texts_of_one_item_go_back_in_one_item() -> None:
    """DIAL-110: a refusal is a part of its own kind."""
    found = sent(
        answer(
            said("One", "msg_1"),
            said("Two", "msg_2", logprobs=[{"token": "Two"}]),
            said("No.", "msg_1", refusal=True),
        )
    )
    first, second = found
    assert [
        {"type": "output_text", "text": "One", "annotations": []},
        {"type": "refusal", "refusal": "No."},
    ] == first["content"]
    assert message("msg_2", "Two") == second


def test_reasoning_goes_back_byte_for_byte() -> None:
    """DIAL-111, DIAL-005: several parts, other members, unusual escapes."""
    block = thought("One\n\nTwo", signature="gAA-_=")
    data = (
        '{"item_id":"rs_1","summary":[{"type":"summary_text","text":"One"},'
        '{"type":"summary_text","text":"\\u0054wo"}],"content":[]}'
    )
    kept = block.model_copy(update={"provider_data": own().model_copy(update={"json_text": data})})
    found = request(answer(kept, said("Yes", "msg_1"))).body
    assert (
        b'{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"One"},'
        b'{"type":"summary_text","text":"\\u0054wo"}],"content":[],"encrypted_content":"gAA-_="}'
    ) in found


def test_opaque_items_go_back_at_their_place() -> None:
    """DIAL-110, DIAL-006: not to another model, and not when incomplete."""
    text = '{"type":"web_search_call", "id":"ws_1","n":1.50}'
    block = OpaqueBlock(dialect="openai-responses", kind="web_search_call", json_text=text)
    whole = answer(thought(""), block, said("Yes", "msg_1"))
    assert f'"enc"}},{text},{{"type":"message"'.replace('"enc"', '"encrypted_content":"enc"') in (
        request(whole).body.decode()
    )
    half = block.model_copy(update={"incomplete": True})
    assert [message("msg_1", "Yes")] == sent(answer(half, said("Yes", "msg_1")))
    assert [{"role": "assistant", "content": "Yes"}] == sent(
        answer(block, said("Yes", "msg_1"), model=OTHER)
    )


# ---------------------------------------------------------------- the chain of reasoning


def test_reasoning_that_nothing_follows_is_not_sent() -> None:
    """DIAL-112: the API says "provided without its required following item"."""
    cut = answer(thought("Hm"), stop_reason="max_tokens", raw_stop_reason="max_output_tokens")
    assert [asked("Hi"), asked("Go on")] == sent(user("Hi"), cut, user("Go on"))
    between = answer(thought("A", item_id="rs_1"), said("Yes", "msg_1"), thought("B"))
    assert [reasoning("A"), message("msg_1", "Yes")] == sent(between)


def test_reasoning_before_reasoning_stays() -> None:
    """DIAL-112: what follows is an item with its id."""
    found = sent(
        answer(thought("A", item_id="rs_1"), thought("B", item_id="rs_2"), said("Yes", "msg_1"))
    )
    assert [reasoning("A"), reasoning("B", item_id="rs_2"), message("msg_1", "Yes")] == found


def test_reasoning_before_an_aborted_text_is_not_sent() -> None:
    """DIAL-112: the text has no id, since its item was never done."""
    aborted = answer(
        thought("Hm"), TextBlock(text="Ye", provider_data=own(phase="final_answer")),
        stop_reason="aborted",
    )  # fmt: skip
    assert [{"role": "assistant", "content": "Ye", "phase": "final_answer"}] == sent(aborted)


def test_an_answer_that_lost_its_reasoning_has_no_ids() -> None:
    """DIAL-112: the API would ask for the reasoning that belongs to them."""
    found = sent(
        answer(
            thought("Hm", signature=None),
            said("Let me see.", "msg_1"),
            tool_call("call_1", item_id="fc_1"),
        ),
        result("call_1", "42"),
    )
    assert [
        {"role": "assistant", "content": "Let me see."},
        function_call("call_1"),
        output("call_1", "42"),
    ] == found


def test_another_model_gets_words_and_calls() -> None:
    """DIAL-113, DIAL-005, DIAL-007: no reasoning, no ids, no phase."""
    found = sent(
        answer(
            thought("Hm"),
            said("Let me see.", "msg_1", phase="commentary"),
            ImageBlock(source=UrlSource(url="https://host/a.png")),
            tool_call("call_1", item_id="fc_1", namespace="x"),
            model=OTHER,
        ),
        result("call_1", "42"),
    )
    assert [
        {"role": "assistant", "content": "Let me see."},
        function_call("call_1"),
        output("call_1", "42"),
    ] == found


# ---------------------------------------------------------------- repair


def test_a_call_without_result_gets_one() -> None:
    """DIAL-001: in the middle and at the end."""
    found = sent(answer(tool_call("a")), user("Well?"), answer(tool_call("b")))
    assert [
        function_call("a"),
        output("a", INTERRUPTED),
        asked("Well?"),
        function_call("b"),
        output("b", INTERRUPTED),
    ] == found


def test_results_follow_their_answer_in_call_order() -> None:
    """DIAL-002: whatever came first, and before what the user said in between."""
    found = sent(
        answer(tool_call("a"), tool_call("b")),
        result("b", "B"),
        user("Wait"),
        result("a", "A"),
        result("a", "again"),
        result("c", "orphan"),
    )
    assert [
        function_call("a"),
        function_call("b"),
        output("a", "A"),
        output("b", "B"),
        asked("Wait"),
    ] == found


def test_a_failed_answer_is_not_sent() -> None:
    """DIAL-003."""
    error = ErrorInfo(code="network", message="No.", retryable=True)
    failed = answer("Ye", tool_call("a"), stop_reason="error", error=error)
    assert [asked("Hi")] == sent(user("Hi"), failed, result("a", "A"))


def test_empty_blocks_and_messages_are_not_sent() -> None:
    """DIAL-008."""
    found = sent(user("Hi"), answer("", "  "), answer(), user(" "), user("Go on"))
    assert [asked("Hi"), asked("Go on")] == found


def test_nothing_to_send_is_refused() -> None:
    """DIAL-013."""
    with pytest.raises(Unsendable) as refused:
        request(user("  "))
    assert "config" == refused.value.error.code


def test_ids_become_what_the_api_allows() -> None:
    """DIAL-114, DIAL-010."""
    found = sent(
        answer(tool_call("a.b"), tool_call("a:b"), tool_call("x" * 70)),
        result("a.b", "1"),
        result("a:b", "2"),
        result("x" * 70, "3"),
    )
    ids = ["a_b", "a_b_2", "x" * 64]
    assert ids * 2 == [item["call_id"] for item in found]


def test_names_become_what_the_api_allows() -> None:
    """DIAL-114."""
    call = tool_call("a").model_copy(update={"name": "web search"})
    assert "web_search" == sent(answer(call), result("a", "1"))[0]["name"]


def test_half_characters_become_replacement_characters() -> None:
    """DIAL-009."""
    half = TextBlock.trusted(text="a\ud83d")
    found = sent(user(half), answer(half))
    assert [asked("a\ufffd"), {"role": "assistant", "content": "a\ufffd"}] == found


def test_broken_provider_data_is_refused() -> None:
    """Decision 20: the caller's fault, said before anything is sent."""
    data = own().model_copy(update={"json_text": "["})
    with pytest.raises(Unsendable):
        request(answer(TextBlock(text="Hi", provider_data=data)))


def test_the_prefix_never_changes() -> None:
    """DIAL-011: a request begins with what the one before it sent."""
    config = RunConfig(model=MODEL, instructions=[TextBlock(text="Be brief.")])
    conversation = DIALECT.conversation(config)
    transcript = [
        user("Hi"),
        answer(thought("Hm"), tool_call("a", item_id="fc_1"), tool_call("b")),
        result("b", "B"),
        result("a", "A"),
        user("And?"),
        answer(said("Yes", "msg_1")),
        user("Thanks"),
    ]
    before = b""
    for turn, entry in enumerate(transcript):
        conversation.append(entry)
        if entry.role == "tool_result" and entry.call_id == "b":
            continue  # the result of `a` is provisional here
        sent_now = conversation.request(ModelCall(MODEL, config, turn=turn, stream=True)).body
        items = json.loads(sent_now)["input"]
        prefix = sent_now[: sent_now.rindex(b'],"store"')]
        if not (entry.role == "assistant" and any(b.type == "tool_call" for b in entry.content)):
            assert prefix.startswith(before)
            before = prefix
        assert items
    assert {"a", "b"} == set(conversation.call_ids)
