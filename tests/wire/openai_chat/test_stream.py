"""What is read from the streams of chat models, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.contract import ModelRef, OpaqueBlock, TextBlock, ThinkingBlock
from isoloop.wire import (
    Aborted,
    Answered,
    AnswerStarted,
    Failed,
    OpaqueEnded,
    OpaqueStarted,
    TextDelta,
    TextEnded,
    TextStarted,
    ThinkingDelta,
    ThinkingEnded,
    ThinkingStarted,
    failure,
)
from tests.wire.openai_chat.wire import (
    DONE,
    MODEL,
    answered,
    calls,
    chunk,
    content,
    decoder,
    delta,
    event,
    failed,
    fragment,
    own,
    read,
    tail,
)

# ---------------------------------------------------------------- text and reasoning


def test_text_comes_as_start_deltas_end() -> None:
    """STREAM-005, DIAL-072: the role alone and empty texts are no content."""
    pieces, end = read(
        delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo"), tail()
    )
    assert [
        AnswerStarted(MODEL),
        TextStarted(0),
        TextDelta(0, "Hello"),
        TextEnded(0, "Hello"),
    ] == pieces
    assert isinstance(end, Answered)
    assert [TextBlock(text="Hello")] == end.message.content
    assert ("end_turn", "chatcmpl-1", None, None) == (
        end.message.stop_reason,
        end.message.response_id,
        end.message.answered_by,
        end.message.raw_stop_reason,
    )


def test_a_head_alone_is_no_content() -> None:
    """DIAL-071: nor are chunks without choices, whatever they hold."""
    reader = decoder()
    parts = (
        delta(role="assistant", content=None, refusal=None, tool_calls=None),
        chunk(prompt_filter_results=[]),
        event('{"id":"x"}'),
        event('{"choices":null}'),
        event('{"choices":[{"index":0,"delta":null}]}'),
        event('{"choices":[{"index":0}],"error":null}'),
        b": OPENROUTER PROCESSING\n\n",
    )
    assert [] == [piece for part in parts for piece in reader.feed(part)]
    assert not reader.content_started
    assert reader.end is None


def test_the_model_that_answered_is_told_where_it_differs() -> None:
    """DIAL-071."""
    end = answered(event('{"model":"gpt-test-9-2026","choices":[]}'), tail())
    assert "gpt-test-9-2026" == end.message.answered_by


def test_only_the_first_choice_is_read() -> None:
    """DIAL-071: `n` was not ours to ask for."""
    other = {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}
    end = answered(delta(content="yes"), chunk(other), tail())
    assert [TextBlock(text="yes")] == end.message.content
    assert "end_turn" == end.message.stop_reason


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning", "reasoning_text"])
def test_reasoning_is_thinking_and_keeps_its_member(member: str) -> None:
    """DIAL-073, DIAL-074: it ends when the text begins."""
    pieces, end = read(
        delta(content="", **{member: "Let"}),
        delta(content=None, **{member: " me"}),
        delta(content="Hi", **{member: ""}),
        tail(),
    )
    assert [
        AnswerStarted(MODEL),
        ThinkingStarted(0),
        ThinkingDelta(0, "Let me"),
        ThinkingEnded(0, "Let me", None),
        TextStarted(1),
        TextDelta(1, "Hi"),
        TextEnded(1, "Hi"),
    ] == pieces
    assert isinstance(end, Answered)
    thinking = ThinkingBlock(text="Let me", provider_data=own(member=member))
    assert [thinking, TextBlock(text="Hi")] == end.message.content


def test_a_second_copy_of_the_reasoning_does_not_count() -> None:
    """DIAL-073 (C4): the first that is not empty."""
    blocks = content(delta(reasoning_content="", reasoning="hm", reasoning_text="hm"), tail())
    assert [ThinkingBlock(text="hm", provider_data=own(member="reasoning"))] == blocks


def test_what_comes_back_begins_a_new_block() -> None:
    """DIAL-074."""
    blocks = content(
        delta(reasoning="a"), delta(content="b"), delta(reasoning="c"), delta(content="d"), tail()
    )
    assert ["a", "b", "c", "d"] == [block.text for block in blocks]


def test_details_are_joined_and_kept() -> None:
    """DIAL-078: the words are those of `reasoning`; the signature comes last."""
    kind = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    blocks = content(
        delta(content="", reasoning=None, reasoning_details=[]),
        delta(reasoning=None, reasoning_details=[{**kind, "text": "", "signature": ""}]),
        delta(reasoning="This", reasoning_details=[{**kind, "text": "This"}]),
        delta(reasoning=" is", reasoning_details=[{**kind, "text": " is"}]),
        delta(reasoning=None, reasoning_details=[{**kind, "signature": "sig"}]),
        delta(content="4"),
        tail(),
    )
    details = [{**kind, "text": "This is", "signature": "sig"}]
    (thinking, text) = blocks
    assert "This is" == thinking.text
    assert {"member": "reasoning", "reasoning_details": details} == json.loads(
        thinking.provider_data.json_text
    )
    assert TextBlock(text="4") == text


def test_details_of_other_kinds_stand_apart() -> None:
    """DIAL-078: a summary and the encrypted whole, without an index too."""
    summary = {"type": "reasoning.summary", "summary": "Sum", "index": 0}
    encrypted = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "index": 0}
    loose = {"type": "reasoning.text", "text": "more"}
    (thinking,) = content(delta(reasoning_details=[summary, encrypted, loose, loose]), tail())
    assert "Summoremore" == thinking.text
    kept = json.loads(thinking.provider_data.json_text)
    assert [summary, encrypted, loose, loose] == kept["reasoning_details"]


def test_encrypted_reasoning_alone_is_a_block_without_words() -> None:
    """DIAL-078."""
    pieces, _ = read(
        delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "g"}]), tail()
    )
    assert [AnswerStarted(MODEL), ThinkingStarted(0), ThinkingEnded(0, "", None)] == pieces


def test_a_content_of_parts() -> None:
    """DIAL-079: Mistral's; what is not known is opaque."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True}
    pieces, end = read(
        delta(content=[thinking, {"type": "text", "text": "4"}]),
        delta(content=[{"type": "reference", "reference_ids": [1]}]),
        tail(),
    )
    reference = '{"type": "reference", "reference_ids": [1]}'
    assert [
        OpaqueStarted(2, "openai-chat", "reference"),
        OpaqueEnded(2, "openai-chat", "reference", reference, incomplete=False),
    ] == pieces[-2:]
    assert isinstance(end, Answered)
    assert [
        ThinkingBlock(text="hm", provider_data=own(member="content")),
        TextBlock(text="4"),
        OpaqueBlock(dialect="openai-chat", kind="reference", json_text=reference),
    ] == end.message.content


def test_thinking_of_a_part_may_be_text() -> None:
    """DIAL-079."""
    blocks = content(delta(content=[{"type": "thinking", "thinking": "hm"}]), tail())
    assert [ThinkingBlock(text="hm", provider_data=own(member="content"))] == blocks


@pytest.mark.parametrize("part", ["1", '"x"', "{}", '{"type":""}'])
def test_a_part_without_a_kind_is_refused(part: str) -> None:
    """STREAM-017: and what stands before it in the same chunk is not told twice."""
    text = '{"type":"text","text":"a"}'
    pieces, end = read(event(f'{{"choices":[{{"delta":{{"content":[{text},{part}]}}}}]}}'))
    assert [] == pieces
    assert isinstance(end, Failed)
    assert "protocol" == end.error.code


def test_audio_and_images_are_opaque() -> None:
    """DIAL-079: the fragments of the audio are joined; one without an id is no audio."""
    blocks = content(
        delta(audio={"id": "au_1", "data": "UklG"}),
        delta(audio={"id": "au_1", "data": "AAAA", "transcript": "Hel"}),
        delta(audio={"transcript": "lo", "expires_at": 5}),
        delta(images=[{"type": "image_url"}]),
        tail(),
    )
    image, audio = blocks
    assert ("image_url", '{"type": "image_url"}') == (image.kind, image.json_text)
    expected = {"id": "au_1", "data": "UklGAAAA", "transcript": "Hello", "expires_at": 5}
    assert ("audio", expected) == (audio.kind, json.loads(audio.json_text))
    assert [] == content(delta(audio={"id": "", "data": ""}), tail())


def test_annotations_are_kept_with_the_message() -> None:
    """DIAL-081."""
    head = event('{"choices":[],"citations":["https://a"]}')
    one, two = ({"type": "url_citation", "n": n} for n in (1, 2))
    end = answered(head, delta(annotations=[one]), delta(annotations=[two]), tail())
    assert own(annotations=[one, two], citations=["https://a"]).json_text.count("url_citation") == 2
    kept = end.message.provider_data
    assert kept is not None
    assert {"annotations": [one, two], "citations": ["https://a"]} == json.loads(kept.json_text)


# ---------------------------------------------------------------- stop reasons


@pytest.mark.parametrize(
    ("word", "reason", "raw"),
    [
        ("stop", "end_turn", None),
        ("length", "max_tokens", None),
        ("tool_calls", "tool_use", None),
        ("content_filter", "refusal", None),
        ("function_call", "tool_use", "function_call"),
        ("end", "end_turn", "end"),
        ("eos", "end_turn", "eos"),
        ("sensitive", "refusal", "sensitive"),
        ("model_length", "context_window_exceeded", "model_length"),
        (
            "model_context_window_exceeded",
            "context_window_exceeded",
            "model_context_window_exceeded",
        ),
        ("brand_new", "unknown", "brand_new"),
        ("refusal", "refusal", None),
    ],
)
def test_finish_reasons_are_translated(word: str, reason: str, raw: str | None) -> None:
    """DIAL-089."""
    message = answered(delta(content="x"), tail(word)).message
    assert (reason, raw) == (message.stop_reason, message.raw_stop_reason)


def test_an_answer_without_a_reason_is_unknown() -> None:
    """DIAL-085: but not from a host that never gives one."""
    message = answered(delta(content="x"), DONE).message
    assert ("unknown", "") == (message.stop_reason, message.raw_stop_reason)
    message = answered(delta("", content="x"), DONE, vendor="snowflake").message
    assert ("end_turn", "") == (message.stop_reason, message.raw_stop_reason)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("error", "server_error"),
        ("network_error", "server_error"),
        ("insufficient_system_resource", "overloaded"),
    ],
)
def test_some_finish_reasons_are_failures(word: str, code: str) -> None:
    """DIAL-090: what came before stays."""
    end = failed(delta(content="x"), tail(word))
    assert (code, word) == (end.error.code, end.error.provider_type)
    assert end.message is not None
    assert [TextBlock(text="x")] == end.message.content


def test_a_refusal_is_text_and_a_stop_reason() -> None:
    """DIAL-072."""
    message = answered(delta(refusal="I "), delta(refusal="won't."), tail()).message
    assert [TextBlock(text="I won't.")] == message.content
    assert ("refusal", "stop") == (message.stop_reason, message.raw_stop_reason)


def test_the_stop_sequence_that_was_met() -> None:
    """DIAL-089: vLLM tells it; a number is a token's."""
    choice: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": "stop"}
    message = answered(chunk({**choice, "stop_reason": "END"}), DONE).message
    assert ("stop_sequence", "END") == (message.stop_reason, message.stop_sequence)
    message = answered(chunk({**choice, "stop_reason": 128001}), DONE).message
    assert ("end_turn", None) == (message.stop_reason, message.stop_sequence)


# ---------------------------------------------------------------- how it ends


def test_nothing_at_all_is_a_success_without_content() -> None:
    """Decision 24: `content: []`."""
    pieces, end = read(tail())
    assert [AnswerStarted(MODEL)] == pieces
    assert isinstance(end, Answered)
    assert [] == end.message.content


def test_a_clean_end_after_the_finish_reason_is_the_terminal_too() -> None:
    """DIAL-084: not every host says [DONE]; a last event that was cut does not count."""
    usage = chunk(usage={"prompt_tokens": 1})
    assert "end_turn" == answered(delta("stop", content="x")).message.stop_reason
    assert answered(delta("stop", content="x"), usage[:-3]).message.usage is None


@pytest.mark.parametrize("parts", [(), (delta(content="x"),), (delta("stop")[:-1],)])
def test_a_stream_without_a_finish_reason_is_truncated(parts: tuple[bytes, ...]) -> None:
    """DIAL-084, STREAM-013."""
    assert "stream_truncated" == failed(*parts).error.code


def test_usage_after_the_finish_reason_is_read() -> None:
    """DIAL-084: the finish reason is not the end."""
    usage = answered(
        delta("stop", content="x"), chunk(usage={"prompt_tokens": 3}), DONE
    ).message.usage
    assert usage is not None
    assert 3 == usage.input


def test_what_follows_the_end_is_not_read() -> None:
    """STREAM-014."""
    reader = decoder()
    reader.feed(delta(content="x") + tail() + delta(content="y"))
    end = reader.end
    assert isinstance(end, Answered)
    assert [TextBlock(text="x")] == end.message.content
    assert [] == reader.feed(delta(content="z")) + reader.finish() + reader.abort()
    assert [] == reader.fail(failure("network", "gone"))
    assert end is reader.end


@pytest.mark.parametrize(
    ("data", "code", "kind"),
    [
        (
            '{"error":{"message":"No.","type":"server_error","code":null}}',
            "server_error",
            "server_error",
        ),
        ('{"error":{"message":"No.","code":502},"choices":[]}', "server_error", None),
        ('{"error":{"message":"No.","code":429}}', "rate_limited", None),
        (
            '{"error":{"message":"No.","code":"tool_use_failed","status_code":400}}',
            "invalid_request",
            "tool_use_failed",
        ),
        (
            '{"object":"error","message":"No.","type":"BadRequestError","code":400}',
            "invalid_request",
            "BadRequestError",
        ),
        ('{"error":"No."}', "server_error", None),
        (
            '{"error":{"message":"No.","code":"insufficient_quota"}}',
            "quota_exceeded",
            "insufficient_quota",
        ),
    ],
)
def test_an_error_inside_the_stream_is_an_error(data: str, code: str, kind: str | None) -> None:
    """DIAL-082, DIAL-092, STREAM-015: after content too, whatever its event is called."""
    end = failed(delta(content="x"), event(data))
    assert (code, "No.", kind) == (end.error.code, end.error.message, end.error.provider_type)
    assert end.message is not None
    named = f"event: error\ndata: {data}\n\n".encode()
    assert failed(named).error == end.error


def test_an_event_named_error_is_one_without_a_wrapper() -> None:
    """DIAL-082."""
    end = failed(b'event: error\ndata: {"message":"No.","type":"overloaded_error"}\n\n')
    assert "overloaded" == end.error.code


def test_what_is_open_is_ended_when_the_answer_breaks_off() -> None:
    """STREAM-016: a call is incomplete, half reasoning stays at home."""
    reader = decoder()
    reader.feed(delta(reasoning="hm"))
    reader.feed(
        calls(fragment(0, '{"q', call_id="a", name="x"), fragment(1, call_id="b", name="y"))
    )
    reader.feed(delta(reasoning="more"))
    reader.abort()
    end = reader.end
    assert isinstance(end, Aborted)
    assert end.message is not None
    first, call, second = end.message.content
    assert (own(member="reasoning"), None) == (first.provider_data, second.provider_data)
    assert ("a", '{"q', True) == (call.id, call.arguments_text, call.incomplete)


@pytest.mark.parametrize(
    "data", ["{", "[]", '"x"', '{"choices":{}}', '{"choices":[{"delta":1}]}', "NaN"]
)
def test_a_chunk_that_makes_no_sense_ends_the_attempt(data: str) -> None:
    """STREAM-017."""
    end = failed(delta(content="x"), event(data))
    assert "protocol" == end.error.code
    assert end.error.message.startswith("A chunk is not valid: ")


def test_a_pair_split_over_deltas_is_one_character() -> None:
    """STREAM-011: in text, reasoning and arguments; half a pair is U+FFFD."""
    blocks = content(
        event(r'{"choices":[{"delta":{"reasoning":"\ud83e"}}]}'),
        event(r'{"choices":[{"delta":{"reasoning":"\udd80"}}]}'),
        event(r'{"choices":[{"delta":{"content":"a\ud83e"}}]}'),
        event(r'{"choices":[{"delta":{"content":"\udd80b\ud83e"}}]}'),
        calls(fragment(0, '{"a":"', call_id="a", name="x")),
        event(
            r'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ud83e"}}]}}]}'
        ),
        event(
            r'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\udd80\"}"}}]}}]}'
        ),
        tail(),
    )
    thinking, text, call = blocks
    assert ("🦀", "a🦀b\ufffd", '{"a":"🦀"}') == (thinking.text, text.text, call.arguments_text)


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    """STREAM-026."""
    broken = b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}\n\n'
    assert [TextBlock(text="a\ufffdb")] == content(broken, tail())


@pytest.mark.parametrize(
    "data",
    [
        r'{"id":"\ud83e"}',
        r'{"choices":[{"index":0,"x":"\ud83e"}]}',
        r'{"choices":[{"delta":{"tool_calls":[{"index":1,"x":"\ud83e"}]},"index":1}]}',
    ],
)
def test_half_pairs_elsewhere_do_no_harm(data: str) -> None:
    """STREAM-011: in members that are not read."""
    assert [TextBlock(text="x")] == content(event(data), delta(content="x"), tail())


def test_any_cutting_gives_the_same() -> None:
    """STREAM-019."""
    stream = b"".join(
        (
            delta(reasoning="é"),
            delta(content="🦀"),
            calls(fragment(0, "{}", call_id="a", name="x")),
            tail("tool_calls", {"prompt_tokens": 1}),
        )
    )
    whole = read(stream)
    for place in range(1, len(stream)):
        assert whole == read(stream[:place], stream[place:])
    assert whole == read(*(stream[i : i + 1] for i in range(len(stream))))


def test_a_model_of_another_vendor_is_the_one_that_answers() -> None:
    """The message says who was asked."""
    assert (
        ModelRef(dialect="openai-chat", model="gpt-test-9", vendor="groq")
        == answered(tail(), vendor="groq").message.model
    )
