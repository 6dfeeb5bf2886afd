"""The twin renders scripts as the provider would say them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isoloop_conformance.frames import Bytes, End, Gate, joined
from isoloop_conformance.twin import DEFAULT_SIGNATURE, Scene, ScriptError, twin_named
from tests.conformance.shapes import events, kind

TWIN = twin_named("anthropic-messages")
SCENE = Scene("test-model")

START = "message_start"
STOP = ["message_delta", "message_stop"]


def told(*reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data of the events of a script."""
    return [data for _, data in events(joined(TWIN.stream(reply, SCENE)))]


def kinds(*reply: dict[str, Any]) -> list[str]:
    return [kind(data) for data in told(*reply)]


def message(*reply: dict[str, Any]) -> dict[str, Any]:
    return json.loads(joined(TWIN.body(reply, SCENE)))


def block(name: str, *deltas: str) -> list[str]:
    """Return the kinds of events of one block."""
    inner = [f"content_block_delta/{delta}_delta" for delta in deltas]
    return [f"content_block_start/{name}", *inner, "content_block_stop"]


def test_text_is_a_block_between_start_and_stop() -> None:
    """The order of a live stream, without the keep-alive."""
    assert [START, *block("text", "text", "text"), *STOP] == kinds({"say": "ab"})


def test_an_empty_script_is_an_answer_without_blocks() -> None:
    """A terminal event without any block is success (DESIGN 4.24)."""
    assert [START, *STOP] == kinds()
    assert [] == message()["content"]


def test_every_event_is_named_after_its_type() -> None:
    """`event:` and `type` agree, as the provider has them."""
    reply = [{"think": "a"}, {"say": "b"}, {"ping": True}, {"error": {}}]
    for name, data in events(joined(TWIN.stream(reply, SCENE))):
        assert name == data["type"]


def test_thinking_ends_with_its_signature() -> None:
    """Text first, signature last; the default one is fixed."""
    data = told({"think": {"text": "ab", "cuts": []}})
    assert [START, *block("thinking", "thinking", "signature"), *STOP] == [kind(d) for d in data]
    assert DEFAULT_SIGNATURE == data[3]["delta"]["signature"]
    assert [START, *block("thinking", "signature"), *STOP] == kinds({"think": ""})
    unsigned = {"think": {"text": "ab", "cuts": [], "unsigned": True}}
    assert [START, *block("thinking", "thinking"), *STOP] == kinds(unsigned)


def test_a_call_streams_its_arguments_after_an_empty_fragment() -> None:
    """As live streams do; joined they are the arguments, byte for byte."""
    text = '{"q": 1.0, "q": "日本"}'
    data = told({"call": {"id": "a", "name": "f", "argumentsText": text}})
    start = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    assert start == data[1]["content_block"]
    fragments = [d["delta"]["partial_json"] for d in data if kind(d).endswith("input_json_delta")]
    assert "" == fragments[0]
    assert len(fragments) > 2
    assert text == "".join(fragments)
    assert "tool_use" == data[-2]["delta"]["stop_reason"]


def test_a_call_without_arguments_has_one_empty_fragment_or_none() -> None:
    """Both are seen; a case chooses by `cuts: []`."""
    call = {"id": "a", "name": "f", "argumentsText": ""}
    assert [START, *block("tool_use", "input_json"), *STOP] == kinds({"call": call})
    assert [START, *block("tool_use"), *STOP] == kinds({"call": call | {"cuts": []}})


def test_ids_are_given_made_or_left_out() -> None:
    """An id of the case stays; a missing one is made, always the same; `noId` has none."""
    call = {"name": "f", "argumentsText": "{}"}
    reply = [
        {"call": call | {"id": "a"}},
        {"call": call},
        {"call": call | {"noId": True, "id": "b"}},
    ]
    content = message(*reply)["content"]
    assert ["a", "toolu_00twin02", None] == [b.get("id") for b in content]
    assert "id" not in content[2]
    streamed = [d["content_block"].get("id") for d in told(*reply) if "content_block" in d]
    assert ["a", "toolu_00twin02", None] == streamed


def test_cuts_are_followed_to_the_letter() -> None:
    """Also where they make an empty delta."""
    data = told({"say": {"text": "abcd", "cuts": [1, 1, 3]}})
    assert ["a", "", "bc", "d"] == [
        d["delta"]["text"] for d in data if "index" in d and "delta" in d
    ]


@given(
    text=st.text(max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    part=st.sampled_from(["say", "think", "call"]),
)
@example(text="\x85\u2028", cuts=[1], part="say")
@settings(max_examples=100)
def test_deltas_join_to_the_text(text: str, cuts: list[int], part: str) -> None:
    """However a text is cut, its deltas are the text."""
    value: dict[str, Any] = {"cuts": sorted(min(cut, len(text)) for cut in cuts)}
    value |= {"name": "f", "argumentsText": text} if part == "call" else {"text": text}
    for given_value in (value, {k: v for k, v in value.items() if k != "cuts"}):
        deltas = [
            d["delta"] for d in told({part: given_value}) if d["type"] == "content_block_delta"
        ]
        names = ("text", "thinking", "partial_json")
        assert text == "".join(d.get(name, "") for d in deltas for name in names)


def test_interleaved_blocks_alternate() -> None:
    """Both begin, their deltas alternate, both end when the next block begins."""
    first = {"say": {"text": "ab", "cuts": [1]}}
    second = {"call": {"name": "f", "argumentsText": "{}", "cuts": [1]}}
    data = told({"interleave": [first, second]}, {"say": {"text": "", "cuts": []}})
    order = [(d["type"].removeprefix("content_block_"), d["index"]) for d in data if "index" in d]
    deltas = [("delta", 0), ("delta", 1), ("delta", 0), ("delta", 1)]
    stops = [("stop", 0), ("stop", 1)]
    last = [("start", 2), ("stop", 2)]
    assert [("start", 0), ("start", 1), *deltas, *stops, *last] == order


def test_more_and_close_steer_the_last_block() -> None:
    """`more` adds a delta, `close` ends the block before the next one begins."""
    data = kinds({"say": {"text": "a", "cuts": []}}, {"more": "b"}, {"close": True}, {"ping": True})
    assert [START, *block("text", "text", "text"), "ping", *STOP] == data


def test_content_before_an_end_stays_open() -> None:
    """A connection does not end blocks; a stop does."""
    cut = [{"say": {"text": "a", "cuts": []}}, {"end": "reset"}]
    assert [START, *block("text", "text")[:-1]] == kinds(*cut)
    assert End("reset") == TWIN.stream(cut, SCENE)[-1]
    stopped = [{"say": {"text": "a", "cuts": []}}, {"stop": "max_tokens"}, {"end": "fin"}]
    assert [START, *block("text", "text"), "message_delta"] == kinds(*stopped)


def test_an_error_ends_the_stream() -> None:
    """Before anything else when it is alone; after the head when usage stands before it."""
    assert ["error"] == kinds({"error": {}})
    assert [START, "error"] == kinds({"usage": {"input": 1}}, {"error": {"kind": "overloaded"}})
    error = told({"error": {"kind": "overloaded"}})[0]["error"]
    assert "overloaded_error" == error["type"]


def test_asides_stand_where_the_script_has_them() -> None:
    """Keep-alives, comments, raw bytes and gates are frames of their own."""
    reply = [{"gate": "g"}, {"ping": True}, {"comment": "c"}, {"raw": "x"}, {"say": "a"}]
    frames = TWIN.stream(reply, SCENE)
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert [Gate("g"), Bytes(ping), Bytes(b": c\n\n"), Bytes(b"x")] == frames[:4]
    assert isinstance(frames[4], Bytes)
    assert frames[4].data.startswith(b"event: message_start")


def test_usage_is_told_at_both_ends() -> None:
    """Input in `message_start` with the first output token, everything in `message_delta`."""
    data = told({"usage": {"input": 7, "output": 9, "cacheRead": 3, "reasoning": 2}})
    first = {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1}
    details = {"output_tokens_details": {"thinking_tokens": 2}}
    assert first | details | {"service_tier": "standard"} == data[0]["message"]["usage"]
    assert first | details | {"output_tokens": 9} == data[-2]["usage"]


def test_cache_writes_are_told_by_lifetime() -> None:
    """`cacheWriteLong` is a part of `cacheWrite`."""
    usage = message({"usage": {"input": 1, "output": 1, "cacheWrite": 10, "cacheWriteLong": 4}})[
        "usage"
    ]
    assert 10 == usage["cache_creation_input_tokens"]
    lifetimes = {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 4}
    assert lifetimes == usage["cache_creation"]


def test_several_usages_are_several_reports() -> None:
    """The first at the start, the last at the stop, others where they stand."""
    first, middle, last = ({"input": 1, "output": n} for n in (1, 4, 9))
    data = told({"usage": first}, {"say": "ab"}, {"usage": middle}, {"usage": last})
    assert 1 == data[0]["message"]["usage"]["output_tokens"]
    reported = [
        (d["delta"]["stop_reason"], d["usage"]["output_tokens"]) for d in data if "usage" in d
    ]
    assert [(None, 4), ("end_turn", 9)] == reported


def test_what_is_not_reported_is_absent() -> None:
    """Unknown is not 0: absent counters are absent, and so is a usage without any."""
    data = told({"usage": {"none": True}})
    assert "usage" not in data[0]["message"]
    assert "usage" not in data[-2]
    assert {"output_tokens": 5} == told({"usage": {"output": 5}})[-2]["usage"]
    assert 10 == told()[0]["message"]["usage"]["input_tokens"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("end_turn", {"stop_reason": "end_turn", "stop_sequence": None}),
        (
            "context_window_exceeded",
            {"stop_reason": "model_context_window_exceeded", "stop_sequence": None},
        ),
        (
            {"reason": "stop_sequence", "sequence": "x"},
            {"stop_reason": "stop_sequence", "stop_sequence": "x"},
        ),
        ({"reason": "unknown", "raw": "new"}, {"stop_reason": "new", "stop_sequence": None}),
    ],
)
def test_stop_reasons_are_the_providers_words(part: Any, expected: dict[str, Any]) -> None:
    """Both deliveries say the same."""
    assert expected == told({"stop": part})[-2]["delta"]
    body = message({"stop": part})
    assert expected == {key: body[key] for key in expected}


def test_an_opaque_block_is_whole_in_its_start() -> None:
    """Byte for byte, blanks and all."""
    json_text = '{"type": "redacted_thinking",  "data": "x"}'
    frames = TWIN.stream([{"opaque": {"kind": "redacted_thinking", "json": json_text}}], SCENE)
    assert json_text.encode() in joined(frames)
    body = TWIN.body([{"opaque": {"kind": "redacted_thinking", "json": json_text}}], SCENE)
    assert json_text.encode() in joined(body)


def test_the_input_of_a_server_tool_is_streamed() -> None:
    """The start has an empty input, the fragments its own text."""
    given_input = '{"query":  "1.0"}'
    block_json = f'{{"type":"server_tool_use","id":"s","name":"web_search","input":{given_input}}}'
    data = told({"opaque": {"kind": "server_tool_use", "json": block_json}})
    assert {} == data[1]["content_block"]["input"]
    assert given_input == "".join(d["delta"]["partial_json"] for d in data[2:4])


def test_json_carries_arguments_verbatim() -> None:
    """No JSON library touches them on the way."""
    text = '{"a":1.0, "n":9007199254740993,"a":2}'
    body = TWIN.body([{"call": {"id": "a", "name": "f", "argumentsText": text}}], SCENE)
    assert f'"input":{text}}}'.encode() in joined(body)
    blank = {"call": {"id": "a", "name": "f", "argumentsText": " "}}
    assert {} == message(blank)["content"][0]["input"]


def test_a_json_body_that_ends_badly_is_cut_in_half() -> None:
    """Enough arrives to be seen as incomplete."""
    whole = joined(TWIN.body([{"say": "a"}], SCENE))
    frames = TWIN.body([{"say": "a"}, {"stop": "end_turn"}, {"end": "reset"}], SCENE)
    assert [Bytes(whole[: len(whole) // 2]), End("reset")] == frames


def test_text_is_utf8_and_not_escapes() -> None:
    """As the provider writes it; otherwise no cut would ever be inside a character."""
    assert '"text":"é日🦀"'.encode() in joined(
        TWIN.stream([{"say": {"text": "é日🦀", "cuts": []}}], SCENE)
    )


def test_half_a_pair_is_an_escape() -> None:
    """UTF-8 cannot carry it; JSON can."""
    frames = TWIN.stream([{"say": {"text": "a\ud83d", "cuts": []}}], SCENE)
    assert b'"text":"a\\ud83d"' in joined(frames)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, {}, (401, "authentication_error")),
        (429, {}, (429, "rate_limit_error")),
        (529, {}, (529, "overloaded_error")),
        (500, {}, (500, "api_error")),
        (418, {}, (418, "invalid_request_error")),
        (None, {"kind": "overloaded"}, (529, "overloaded_error")),
        (400, {"kind": "context_overflow"}, (400, "invalid_request_error")),
        (400, {"type": "new_error"}, (400, "new_error")),
    ],
)
def test_errors_have_the_providers_shape(
    status: int | None, error: dict[str, Any], expected: tuple[int, str]
) -> None:
    """What a case leaves out is chosen for the status and the kind."""
    said = TWIN.rejection(status, error, SCENE)
    body = json.loads(said.body)
    assert "error" == body["type"]
    assert body["request_id"] == said.headers["request-id"]
    assert body["error"]["message"]
    assert expected == (said.status, body["error"]["type"])


@pytest.mark.parametrize(
    "reply",
    [
        [{"more": "a"}],
        [{"say": "a"}, {"close": True}, {"more": "b"}],
        [{"stop": "end_turn"}, {"say": "a"}],
        [{"stop": "end_turn"}, {"stop": "end_turn"}],
        [{"error": {}}, {"say": "a"}],
        [{"end": "fin"}, {"ping": True}],
        [{"stop": "aborted"}],
        [{"stop": "unknown"}],
        [{"error": {"kind": "stream_truncated"}}],
        [{"say": {"text": "ab", "cuts": [2, 1]}}],
        [{"say": {"text": "ab", "cuts": [3]}}],
        [{"opaque": {"kind": "x", "json": "{"}}],
        [{"say": "a", "ping": True}],
        [{"shout": "a"}],
    ],
)
def test_a_script_that_cannot_be_is_refused(reply: list[dict[str, Any]]) -> None:
    """Nothing of a script is left out silently."""
    with pytest.raises(ScriptError):
        TWIN.stream(reply, SCENE)


@pytest.mark.parametrize(
    "reply",
    [
        [{"call": {"id": "a", "name": "f", "argumentsText": '{"q":'}}],
        [{"call": {"id": "a", "name": "f", "argumentsText": "NaN"}}],
        [{"raw": "x"}],
        [{"error": {}}],
    ],
)
def test_what_json_cannot_carry_is_refused(reply: list[dict[str, Any]]) -> None:
    """A case must leave the json delivery out then."""
    with pytest.raises(ScriptError):
        TWIN.body(reply, SCENE)


def test_the_terminal_is_recognised() -> None:
    """The `truncate` edit cuts before it."""
    frames = TWIN.stream([{"say": 'about "type":"message_stop"'}], SCENE)
    terminals = [TWIN.is_terminal(f.data) for f in frames if isinstance(f, Bytes)]
    assert [False] * (len(frames) - 1) + [True] == terminals


def test_the_same_script_gives_the_same_bytes() -> None:
    """Nothing but script and scene matters; another exchange has other ids."""
    reply = [{"think": "a"}, {"call": {"name": "f", "argumentsText": "{}"}}]
    assert TWIN.stream(reply, SCENE) == TWIN.stream(reply, SCENE)
    assert TWIN.stream(reply, SCENE) != TWIN.stream(reply, Scene("test-model", 1))


def test_no_twin_speaks_an_unknown_dialect() -> None:
    """The message names those that there are."""
    with pytest.raises(ScriptError, match="anthropic-messages"):
        twin_named("klingon")
