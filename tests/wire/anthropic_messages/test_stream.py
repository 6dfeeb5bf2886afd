"""What is read from Anthropic's streams, rule by rule."""

from __future__ import annotations

import json
import re

import pytest

from isoloop.contract import (
    OpaqueBlock,
    ProviderData,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
)
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
    ThinkingEnded,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
    failure,
)
from tests.wire.anthropic_messages.wire import (
    DIALECT,
    decoder,
    delta,
    event,
    head,
    read,
    start,
    stop,
    tail,
    text_block,
    text_delta,
    tool_block,
)
from tests.wire.pieces import MODEL, call


def own(members: dict[str, object]) -> ProviderData:
    """Make provider data of this dialect."""
    return ProviderData(
        dialect="anthropic-messages", json_text=json.dumps(members, separators=(",", ":"))
    )


def answered(*parts: bytes, **options: object) -> Answered:
    """Read a stream that ends well."""
    _, end = read(*parts, **options)
    assert isinstance(end, Answered), end
    return end


def failed(*parts: bytes) -> Failed:
    """Read a stream that fails."""
    _, end = read(*parts)
    assert isinstance(end, Failed), end
    return end


# ---------------------------------------------------------------- blocks


def test_text_comes_as_start_deltas_end() -> None:
    """STREAM-005, DIAL-036: the answer starts with its first block, not with message_start."""
    pieces, end = read(head(), text_block(0, "Hello"), tail())
    assert [
        AnswerStarted(MODEL),
        TextStarted(0),
        TextDelta(0, "Hello"),
        TextEnded(0, "Hello"),
    ] == pieces
    assert isinstance(end, Answered)
    assert [TextBlock(text="Hello")] == end.message.content


def test_message_start_alone_is_no_content() -> None:
    """DIAL-035: pings and message_start give nothing."""
    reader = decoder()
    assert [] == reader.feed(head() + event('{"type": "ping"}'))
    assert not reader.content_started


def test_text_in_the_start_is_the_first_delta() -> None:
    """DIAL-036."""
    end = answered(
        head(), start(0, {"type": "text", "text": "He"}), text_delta(0, "y"), stop(0), tail()
    )
    assert [TextBlock(text="Hey")] == end.message.content


def test_interleaved_calls_keep_their_own_arguments() -> None:
    """STREAM-004; indexes 5 and 2 become 0 and 1 (STREAM-002)."""
    pieces, end = read(
        head(),
        start(5, {"type": "tool_use", "id": "a", "name": "x", "input": {}}),
        start(2, {"type": "tool_use", "id": "b", "name": "y", "input": {}}),
        delta(5, {"type": "input_json_delta", "partial_json": '{"n"'}),
        delta(2, {"type": "input_json_delta", "partial_json": '{"m"'}),
        delta(5, {"type": "input_json_delta", "partial_json": ":1}"}),
        delta(2, {"type": "input_json_delta", "partial_json": ":2}"}),
        stop(2),
        stop(5),
        tail("tool_use"),
    )
    assert isinstance(end, Answered)
    assert [
        ToolCallBlock(id="a", name="x", arguments_text='{"n":1}'),
        ToolCallBlock(id="b", name="y", arguments_text='{"m":2}'),
    ] == end.message.content
    assert ToolCallEnded(1, "b", "y", '{"m":2}', "complete", {"m": 2}) in pieces
    assert pieces.index(ToolCallStarted(0, "a", "x")) < pieces.index(ToolCallDelta(0, '{"n"'))


@pytest.mark.parametrize(
    ("parts", "text", "state", "arguments"),
    [
        ([], "", "complete", {}),
        ([""], "", "complete", {}),
        ([" "], " ", "complete", {}),
        (['{"a"', ":1}"], '{"a":1}', "complete", {"a": 1}),
        (['{"a":'], '{"a":', "invalid", None),
        (["null"], "null", "invalid", None),
        (['{"a":1,"a":2}'], '{"a":1,"a":2}', "invalid", None),
    ],
)
def test_arguments_are_read_when_the_block_ends(
    parts: list[str], text: str, state: str, arguments: object
) -> None:
    """TOOL-003 to 007."""
    pieces, _ = read(
        head(),
        start(0, {"type": "tool_use", "id": "a", "name": "x", "input": {}}),
        *(delta(0, {"type": "input_json_delta", "partial_json": part}) for part in parts),
        stop(0),
        tail("tool_use"),
    )
    assert ToolCallEnded(0, "a", "x", text, state, arguments) == pieces[-1]


def test_the_input_of_the_start_counts_only_without_fragments() -> None:
    """DIAL-037 (tkach glues both together)."""
    block = '{"type":"tool_use","id":"a","name":"x","input":{"q": 1}}'
    alone = answered(head(), start(0, block), stop(0), tail("tool_use"))
    fragment = delta(0, {"type": "input_json_delta", "partial_json": '{"q":2}'})
    both = answered(head(), start(0, block), fragment, stop(0), tail("tool_use"))
    assert '{"q": 1}' == alone.message.content[0].arguments_text
    assert '{"q":2}' == both.message.content[0].arguments_text


def test_thinking_has_its_signature_joined() -> None:
    """DIAL-037, pi A4."""
    pieces, end = read(
        head(),
        start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, {"type": "thinking_delta", "thinking": "Hm"}),
        delta(0, {"type": "signature_delta", "signature": "ab"}),
        delta(0, {"type": "signature_delta", "signature": "cd"}),
        stop(0),
        tail(),
    )
    assert ThinkingEnded(0, "Hm", "abcd") == pieces[-1]
    assert isinstance(end, Answered)
    assert [ThinkingBlock(text="Hm", signature="abcd")] == end.message.content


def test_an_unknown_block_is_kept_as_it_came() -> None:
    """DIAL-039: redacted thinking, spaces and number spelling included."""
    block = '{"type": "redacted_thinking",  "data":"Eq\\u00e9", "n": 1.50}'
    pieces, end = read(head(), start(0, block), stop(0), tail())
    assert [
        AnswerStarted(MODEL),
        OpaqueStarted(0, "anthropic-messages", "redacted_thinking"),
        OpaqueEnded(0, "anthropic-messages", "redacted_thinking", block, incomplete=False),
    ] == pieces
    assert isinstance(end, Answered)
    expected = OpaqueBlock(dialect="anthropic-messages", kind="redacted_thinking", json_text=block)
    assert [expected] == end.message.content


def test_the_input_of_a_server_tool_is_rebuilt() -> None:
    """DIAL-039; nothing is a call of ours."""
    end = answered(
        head(),
        start(0, '{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'),
        delta(0, {"type": "input_json_delta", "partial_json": ""}),
        delta(0, {"type": "input_json_delta", "partial_json": '{"query": "rust"}'}),
        stop(0),
        tail("pause_turn"),
    )
    (block,) = end.message.content
    assert (
        '{"type":"server_tool_use","id":"s","name":"web_search","input":{"query": "rust"}}'
        == block.json_text
    )


def test_a_compaction_is_rebuilt() -> None:
    """DIAL-039."""
    end = answered(
        head(),
        start(0, '{"type":"compaction","content":null}'),
        delta(0, '{"type":"compaction_delta","content":"So far","encrypted_content":"Zz"}'),
        stop(0),
        tail("compaction"),
    )
    (block,) = end.message.content
    assert '{"type":"compaction","content":"So far","encrypted_content":"Zz"}' == block.json_text
    assert ("pause_turn", "compaction") == (end.message.stop_reason, end.message.raw_stop_reason)


@pytest.mark.parametrize("fragment", ['{"query"', "[1]"])
def test_an_opaque_input_that_is_no_object_makes_the_block_incomplete(fragment: str) -> None:
    """Decision 18: what cannot be rebuilt is not sent back."""
    end = answered(
        head(),
        start(0, '{"type":"server_tool_use","id":"s","name":"web_search","input":{}}'),
        delta(0, {"type": "input_json_delta", "partial_json": fragment}),
        stop(0),
        tail(),
    )
    assert end.message.content[0].incomplete is True


def test_citations_and_other_members_stay_with_their_block() -> None:
    """DIAL-038."""
    end = answered(
        head(),
        start(0, {"type": "text", "text": "", "citations": []}),
        text_delta(0, "So"),
        delta(0, '{"type":"citations_delta","citation":{"type":"x","n":1.0}}'),
        stop(0),
        start(
            1,
            {
                "type": "tool_use", "id": "a", "name": "x", "input": {},
                "caller": {"type": "direct"}, "toolset_name": None,
            },
        ),
        stop(1),
        tail("tool_use"),
    )  # fmt: skip
    text, tool = end.message.content
    assert '{"citations":[{"type":"x","n":1.0}]}' == text.provider_data.json_text
    assert {"caller": {"type": "direct"}} == json.loads(tool.provider_data.json_text)


def test_a_delta_of_unknown_kind_is_never_dropped_silently() -> None:
    """DIAL-040: opaque and call become incomplete, thinking unsigned, text keeps its text."""
    new = '{"type":"new_delta","x":1}'
    end = answered(
        head(),
        start(0, {"type": "text", "text": "So"}), delta(0, new), stop(0),
        start(1, {"type": "thinking", "thinking": "Hm", "signature": "ab"}), delta(1, new), stop(1),
        start(2, {"type": "tool_use", "id": "a", "name": "x", "input": {}}), delta(2, new), stop(2),
        start(3, '{"type":"future","y":2}'), delta(3, new), stop(3),
        tail(),
    )  # fmt: skip
    text, thinking, tool, opaque = end.message.content
    assert ("So", '{"unknown_deltas":[{"type":"new_delta","x":1}]}') == (
        text.text,
        text.provider_data.json_text,
    )
    assert (None, True, True) == (thinking.signature, tool.incomplete, opaque.incomplete)
    assert '{"type":"future","y":2}' == opaque.json_text


# ---------------------------------------------------------------- ids


def test_equal_ids_are_made_unique_and_both_calls_stay() -> None:
    """TOOL-011."""
    end = answered(head(), tool_block(0, "a", "{}"), tool_block(1, "a", "{}"), tail("tool_use"))
    first, second = end.message.content
    assert ("a", None) == (first.id, first.provider_data)
    assert ("a~2", own({"id": "a"})) == (second.id, second.provider_data)


def test_an_id_of_an_earlier_turn_is_not_used_again() -> None:
    """TOOL-011: some hosts count their calls from 0 in every answer."""
    reader = DIALECT.decoder(call(), taken={"a", "a~2"})
    reader.feed(head() + tool_block(0, "a", "{}") + tail("tool_use"))
    assert isinstance(reader.end, Answered)
    assert ["a~3"] == [block.id for block in reader.end.message.content]


def test_a_missing_id_is_made_from_the_calls_number() -> None:
    """TOOL-012."""
    no_id = '{"type":"tool_use","name":"x","input":{}}'
    end = answered(
        head(),
        tool_block(0, "call_2", "{}"), start(1, no_id), stop(1), tool_block(2, "", "{}"),
        tail("tool_use"),
    )  # fmt: skip
    assert ["call_2", "call_2~2", "call_3"] == [block.id for block in end.message.content]
    assert end.message.content[1].provider_data is None


# ---------------------------------------------------------------- text that is not quite text


def test_a_pair_split_over_deltas_is_one_character() -> None:
    """STREAM-011."""
    pieces, _ = read(
        head(),
        start(0, {"type": "text", "text": ""}),
        delta(0, '{"type":"text_delta","text":"a\\ud83e"}'),
        delta(0, '{"type":"text_delta","text":"\\udd80b"}'),
        stop(0),
        tail(),
    )
    assert TextEnded(0, "a🦀b") == pieces[-1]
    assert TextDelta(0, "a🦀b") == pieces[-2]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        (['"\\ud83e"'], "\ufffd"),
        (['"\\ud83e"', '"x"'], "\ufffdx"),
        (['"x\\udd80y"'], "x\ufffdy"),
        (['"\\ud83e"', '""', '"\\udd80"'], "🦀"),
    ],
)
def test_half_a_pair_becomes_a_replacement_character(deltas: list[str], expected: str) -> None:
    """STREAM-011; every delta and the message can be written as UTF-8."""
    parts = [delta(0, f'{{"type":"text_delta","text":{text}}}') for text in deltas]
    pieces, end = read(head(), start(0, {"type": "text", "text": ""}), *parts, stop(0), tail())
    assert TextEnded(0, expected) == pieces[-1]
    assert isinstance(end, Answered)
    assert expected in end.message.model_dump_json()


def test_half_a_pair_elsewhere_is_replaced() -> None:
    """A start, an opaque block and a fragment of arguments."""
    end = answered(
        head(),
        start(0, '{"type":"text","text":"\\ud83e"}'), stop(0),
        start(1, '{"type":"future","y":"\\ud83e"}'), stop(1),
        start(2, {"type": "tool_use", "id": "a", "name": "x", "input": {}}),
        delta(2, '{"type":"input_json_delta","partial_json":"{\\"q\\":\\"\\ud83e"}'),
        delta(2, '{"type":"input_json_delta","partial_json":"\\udd80\\"}"}'),
        stop(2),
        tail(),
    )  # fmt: skip
    text, opaque, tool = end.message.content
    assert "\ufffd" == text.text
    assert {"type": "future", "y": "\ufffd"} == json.loads(opaque.json_text)
    assert '{"q":"🦀"}' == tool.arguments_text


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    """STREAM-026."""
    bad = text_delta(0, "MARK").replace(b"MARK", b"a\xffb")
    end = answered(head(), start(0, {"type": "text", "text": ""}), bad, stop(0), tail())
    assert [TextBlock(text="a\ufffdb")] == end.message.content


# ---------------------------------------------------------------- ends


def test_nothing_at_all_is_a_success_without_content() -> None:
    """Decision 24: a terminal event without any block; the answer starts there."""
    pieces, end = read(head(), tail())
    assert [AnswerStarted(MODEL)] == pieces
    assert isinstance(end, Answered)
    assert [] == end.message.content


def test_what_follows_the_end_is_not_read() -> None:
    """STREAM-014."""
    reader = decoder()
    reader.feed(head() + tail() + text_block(0, "late"))
    end = reader.end
    assert ([], [], [], []) == (
        reader.feed(tail()), reader.finish(), reader.abort(), reader.fail(failure("network", "x")),
    )  # fmt: skip
    assert end is reader.end


def test_what_follows_the_end_in_the_same_chunk_is_not_read() -> None:
    """STREAM-014: another answer, garbage, an error."""
    plain = read(head() + text_block(0, "x") + tail())
    late = text_block(1, "late") + tail("max_tokens") + event('{"type":"error"}') + b"data: {\n\n"
    assert plain == read(head() + text_block(0, "x") + tail() + late)


@pytest.mark.parametrize("count", range(6))
def test_a_stream_without_message_stop_is_truncated(count: int) -> None:
    """STREAM-013: wherever it is cut, after the stop reason too."""
    parts = [
        head(), start(0, {"type": "text", "text": ""}), text_delta(0, "x"), stop(0),
        event('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}'),
        b'event: message_stop\ndata: {"type":"message_stop"}\n',
    ]  # fmt: skip
    end = failed(*parts[: count + 1])
    assert ("stream_truncated", True) == (end.error.code, end.error.retryable)
    assert (count >= 1) == (end.message is not None)


def test_what_is_open_is_ended_when_the_answer_breaks_off() -> None:
    """STREAM-016: in the order of the blocks; nothing is signed, complete or whole."""
    reader = decoder()
    reader.feed(
        head(input_tokens=3)
        + start(0, {"type": "thinking", "thinking": "Hm", "signature": "ab"})
        + start(1, {"type": "tool_use", "id": "a", "name": "x", "input": {}})
        + delta(1, {"type": "input_json_delta", "partial_json": "{}"})
        + start(2, '{"type":"server_tool_use","id":"s","name":"w","input":{}}')
        + start(3, {"type": "text", "text": "So"})
    )
    pieces = reader.abort()
    assert [
        ThinkingEnded(0, "Hm", None),
        ToolCallEnded(1, "a", "x", "{}", "incomplete", None),
        OpaqueEnded(
            2,
            "anthropic-messages",
            "server_tool_use",
            '{"type": "server_tool_use", "id": "s", "name": "w", "input": {}}'.replace(
                ": ", ":"
            ).replace(", ", ","),
            incomplete=True,
        ),
        TextEnded(3, "So"),
    ] == pieces
    end = reader.end
    assert isinstance(end, Aborted)
    assert end.message is not None
    assert ("aborted", 3) == (end.message.stop_reason, end.usage.input if end.usage else None)
    assert True is end.message.content[1].incomplete


def test_an_abort_without_content_leaves_no_message() -> None:
    """STREAM-006; what was reported is still counted."""
    reader = decoder()
    reader.feed(head(input_tokens=3))
    assert [] == reader.abort()
    assert Aborted(None, Usage(input=3)) == reader.end


def test_a_failure_keeps_the_partial_answer() -> None:
    """Decision 2: with the stop reason `error` and the error."""
    reader = decoder()
    reader.feed(head() + start(0, {"type": "text", "text": "So"}))
    error = failure("network", "The response broke off.")
    assert [TextEnded(0, "So")] == reader.fail(error)
    assert isinstance(reader.end, Failed)
    assert reader.end.message is not None
    assert ("error", error) == (reader.end.message.stop_reason, reader.end.message.error)


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        ("overloaded_error", "overloaded", True),
        ("rate_limit_error", "rate_limited", True),
        ("api_error", "server_error", True),
        ("timeout_error", "timeout", True),
        ("invalid_request_error", "invalid_request", False),
        ("authentication_error", "authentication", False),
        ("permission_error", "permission", False),
        ("not_found_error", "not_found", False),
        ("billing_error", "quota_exceeded", False),
        ("request_too_large", "too_large", False),
        ("new_error", "server_error", True),
    ],
)
def test_an_error_event_is_an_error(kind: str, code: str, retryable: bool) -> None:
    """STREAM-015, DIAL-050."""
    data = {"type": "error", "error": {"type": kind, "message": "No."}, "request_id": "req_1"}
    end = failed(head(), event(json.dumps(data)))
    assert (code, retryable, kind, "No.", "req_1") == (
        end.error.code,
        end.error.retryable,
        end.error.provider_type,
        end.error.message,
        end.error.request_id,
    )
    assert end.message is None


def test_an_error_event_may_say_what_it_is_by_its_name_only() -> None:
    """STREAM-025."""
    end = failed(head(), event('{"error":{"message":"No."}}', name="error"))
    assert ("server_error", "No.") == (end.error.code, end.error.message)


def test_every_event_may_say_what_it_is_by_its_name_only() -> None:
    """STREAM-025: without a `type` in the data."""
    body = head() + text_block(0, "x") + tail("end_turn")
    bare = re.sub(
        rb'"type": ?"(message|content)_[a-z_]+",? ?',
        b"",
        body.replace(b'"type":"message_stop"', b""),
    )
    assert b'"type":"content_block_delta"' not in bare
    assert read(body) == read(bare)


@pytest.mark.parametrize(
    "bad",
    [
        b"event: content_block_delta\ndata: {broken\n\n",
        b'event: content_block_delta\ndata: {"type":"content_block_delta"}\n\n',
        b'event: content_block_delta\ndata: {"x": NaN}\n\n',
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":"0"}\n\n',
        b"event: content_block_delta\ndata: []\n\n",
        start(1, {}).replace(b"event: content_block_start", b"event: content_block_delta"),
        start(1, {"type": ""}).replace(
            b"event: content_block_start", b"event: content_block_delta"
        ),
        start(0, {"type": "x"}).replace(
            b"event: content_block_start", b"event: content_block_delta"
        ),
        b"event: content_block_delta\ndata: " + b"[" * 100_000 + b"\n\n",
        delta(7, {"type": "text_delta", "text": "x"}),
        delta(0, {"type": "input_json_delta", "partial_json": "x"}),
        delta(0, {"type": "signature_delta", "signature": "x"}),
    ],
)
def test_an_event_that_makes_no_sense_ends_the_attempt(bad: bytes) -> None:
    """STREAM-017, DIAL-042: what came before stays; the event is named, its data not shown."""
    end = failed(head(), start(0, {"type": "text", "text": "So"}), bad, stop(0), tail())
    assert "protocol" == end.error.code
    assert not end.error.retryable
    assert "content_block_delta" in end.error.message
    assert end.message is not None
    assert [TextBlock(text="So")] == end.message.content


@pytest.mark.parametrize(
    "harmless",
    [
        event('{"type": "ping"}'),
        event('{"type":"future_event","x":[1]}'),
        b": comment\n\n",
        b"data:\n\n",
        b"id: 1\nretry: 5\n\n",
        stop(0) * 2,
        stop(9),
    ],
)
def test_what_says_nothing_has_no_effect(harmless: bytes) -> None:
    """DIAL-041, DIAL-042, STREAM-024."""
    plain = read(head(), text_block(0, "x"), tail())
    assert plain == read(harmless, head(), text_block(0, "x"), harmless, tail())


def test_the_type_in_the_data_wins_over_the_events_name() -> None:
    """STREAM-025; the name may be wrong or missing."""
    body = (head() + text_block(0, "x") + tail()).replace(b"event: ", b"event: not_")
    bare = b"\n".join(line for line in body.split(b"\n") if not line.startswith(b"event"))
    assert [TextBlock(text="x")] == answered(body).message.content
    assert [TextBlock(text="x")] == answered(bare).message.content


def test_an_index_may_be_used_again_after_its_end() -> None:
    """Some hosts number every block 0; ours go on counting."""
    end = answered(head(), text_block(0, "a"), text_block(0, "b"), tail())
    assert ["a", "b"] == [block.text for block in end.message.content]


# ---------------------------------------------------------------- the message


@pytest.mark.parametrize(
    ("word", "reason", "raw"),
    [
        ("end_turn", "end_turn", None),
        ("stop_sequence", "stop_sequence", None),
        ("tool_use", "tool_use", None),
        ("pause_turn", "pause_turn", None),
        ("max_tokens", "max_tokens", None),
        ("refusal", "refusal", None),
        (
            "model_context_window_exceeded",
            "context_window_exceeded",
            "model_context_window_exceeded",
        ),
        ("sensitive", "refusal", "sensitive"),
        ("new_reason", "unknown", "new_reason"),
        (None, "unknown", ""),
    ],
)
def test_stop_reasons_are_translated(word: str | None, reason: str, raw: str | None) -> None:
    """DIAL-048."""
    message = answered(head(), text_block(0, "x"), tail(word)).message
    assert (reason, raw) == (message.stop_reason, message.raw_stop_reason)


def test_a_stop_reason_is_kept_when_a_later_event_leaves_it_out() -> None:
    """A second message_delta with usage only, and one without usage (tkach loses the reason)."""
    first = event('{"type":"message_delta","delta":{"stop_reason":"tool_use"}}')
    second = event('{"type":"message_delta","delta":{},"usage":{"output_tokens":9}}')
    third = event('{"type":"message_delta","usage":null}')
    message = answered(head(), first, second, third, event('{"type":"message_stop"}')).message
    assert ("tool_use", 9) == (message.stop_reason, message.usage.output if message.usage else 0)


def test_the_message_says_who_answered_and_why_it_stopped() -> None:
    """DIAL-035, DIAL-049; what else the vendor says stays in the provider data."""
    begin = event(
        '{"type":"message_start","message":{"id":"msg_9","model":"claude-other","usage":{}}}'
    )
    message = answered(
        begin,
        text_block(0, "x"),
        tail("stop_sequence", stop_sequence="END", container={"id": "c"}, stop_details=None),
    ).message
    assert ("msg_9", "claude-other", "END", '{"container":{"id": "c"}}') == (
        message.response_id,
        message.answered_by,
        message.stop_sequence,
        message.provider_data.json_text,
    )
    assert answered(head(), tail()).message.answered_by is None


# ---------------------------------------------------------------- hosts that do not stream


def test_a_json_body_in_place_of_a_stream_is_read() -> None:
    """DIAL-043: a host that ignored `stream`, and one that sends its error under status 200."""
    body = json.dumps(
        {"id": "m", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}
    ).encode()
    assert [TextBlock(text="x")] == answered(body[:5], body[5:]).message.content
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"No."}}'
    assert "overloaded" == failed(error).error.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "stream_truncated"),
        (b"\n\n", "stream_truncated"),
        (b"eve", "stream_truncated"),
        (b"\n\nevent: message_start\ndata: {", "stream_truncated"),
        (b": ping\n\n", "stream_truncated"),
        (b"\xef\xbb\xbfdata", "stream_truncated"),
        (b"<html>oops</html>", "protocol"),
        (b"  \r\nBad gateway", "protocol"),
        (b" " * 20 + b'{"type":"error","error":{"type":"overloaded_error"}}', "overloaded"),
        (b"{}", "protocol"),
        (b"{", "protocol"),
    ],
)
def test_a_body_that_is_no_answer_is_never_a_success(body: bytes, code: str) -> None:
    """DIAL-043, CTRL-020; a stream that is cut off in its first event is still a stream."""
    assert code == failed(body).error.code
    assert code == failed(*(body[i : i + 1] for i in range(len(body)))).error.code
