"""Requests in provider-neutral terms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoloop_conformance import schemas
from isoloop_conformance.exact_json import NotJsonError
from isoloop_conformance.spans import has_half_pair, read_spans
from isoloop_conformance.view import read_request
from tests.conformance.raw_client import AUTHORISED
from tests.conformance.shapes import RECORDINGS, recorded_exchanges

DIALECT = "anthropic-messages"
GO = {"role": "user", "content": [{"type": "text", "text": "go"}]}
ASK = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
TOLD = {"type": "tool_result", "tool_use_id": "a", "content": "1"}


def body(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 1000, "messages": list(messages or (GO,)), **members}


def view(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return view_of(json.dumps(body(*messages, **members)))


def view_of(text: str) -> dict[str, Any]:
    reading = read_request(DIALECT, text.encode(), AUTHORISED)
    assert reading.view is not None, reading.problems
    assert [] == schemas.problems("transcript.RequestView", reading.view)
    return reading.view


def test_a_plain_request_is_plain() -> None:
    """Nothing is there that was not sent."""
    expected = {
        "model": "m",
        "messages": [GO],
        "settings": {"maxOutputTokens": 1000},
    }
    assert expected == view()
    assert {**expected, "stream": True} == view(stream=True)


def test_settings_are_in_the_contracts_words() -> None:
    """Each setting by its name in `ModelSettings`; numbers as they were written."""
    sent = {"temperature": 0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["x"]}
    expected = {"temperature": 0, "topP": 0.5, "topK": 3, "stopSequences": ["x"]}
    assert {"maxOutputTokens": 1000, **expected} == view(**sent)["settings"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"thinking": {"type": "disabled"}}, {"type": "disabled"}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
            {"type": "budget", "budgetTokens": 5},
        ),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            {"type": "effort", "effort": "low"},
        ),
    ],
)
def test_thinking_is_one_of_three(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    """DIAL-022 and DIAL-023, read backwards."""
    got = view(**sent)
    assert expected == got["settings"]["thinking"]
    assert "otherJson" not in got


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, {"type": "auto"}, None),
        ({"type": "any"}, {"type": "required"}, None),
        ({"type": "none"}, {"type": "none"}, None),
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}, None),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"type": "auto"}, False),
    ],
)
def test_the_tool_choice_is_read(
    choice: dict[str, Any], expected: dict[str, Any], parallel: bool | None
) -> None:
    """DIAL-018 and DIAL-019, read backwards."""
    got = view(tool_choice=choice)
    assert expected == got["toolChoice"]
    assert parallel is got["settings"].get("parallelToolCalls")


def test_instructions_are_parts() -> None:
    """A string is one part; cache markers are breakpoints."""
    marked = {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert [{"type": "text", "text": "a"}] == view(system="a")["instructions"]
    got = view(system=[{"type": "text", "text": "a"}, marked])["instructions"]
    assert [None, "long"] == [part.get("cacheBreakpoint") for part in got]


def test_tools_keep_order_and_schema_text() -> None:
    """The schema is the text that was sent; what is no function is the provider's."""
    schema = '{"type":"object",  "properties":{"2":{},"1":{}}}'
    tools = (
        f'[{{"name":"f","description":"d","input_schema":{schema},"strict":true}},'
        '{"type":"web_search_20250305","name":"web_search"},'
        '{"name":"g","input_schema":{},"cache_control":{"type":"ephemeral"}}]'
    )
    text = json.dumps(body(tools="T")).replace('"T"', tools)
    first, second, third = view_of(text)["tools"]
    assert schema == first["inputSchemaJson"]
    assert ("function", "f", "d", True) == tuple(
        first[name] for name in ("type", "name", "description", "strict")
    )
    assert {
        "type": "provider",
        "json": '{"type":"web_search_20250305","name":"web_search"}',
    } == second
    assert "description" not in third
    assert "short" == third["cacheBreakpoint"]


def test_the_output_schema_is_its_text() -> None:
    """DIAL-025, read backwards."""
    got = view(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})
    assert '{"type": "object"}' == got["outputSchemaJson"]
    assert "otherJson" not in got


def test_arguments_are_their_own_bytes() -> None:
    """Numbers, order, repeated keys and blanks as sent; no JSON library in between."""
    arguments = '{"b": 1.0, "2":9007199254740993,\t"1":1e2, "b":"\\u00e9"}'
    call = f'{{"type":"tool_use","id":"a","name":"f","input":{arguments}}}'
    text = json.dumps(body(GO, {"role": "assistant", "content": ["C"]})).replace('"C"', call)
    block = view_of(text)["messages"][1]["content"][0]
    assert {"type": "tool_call", "id": "a", "name": "f", "argumentsText": arguments} == block


def test_results_are_messages_before_the_users_text() -> None:
    """One user message of the wire is results and a user message."""
    again = {"type": "text", "text": "more"}
    failed = {**TOLD, "tool_use_id": "b", "content": [again], "is_error": True}
    empty = {"type": "tool_result", "tool_use_id": "c"}
    user = {"role": "user", "content": [TOLD, failed, empty, again]}
    messages = view(GO, {"role": "assistant", "content": [ASK]}, user)["messages"]
    one = [{"type": "text", "text": "1"}]
    assert [
        {"role": "tool_result", "callId": "a", "content": one, "isError": False},
        {"role": "tool_result", "callId": "b", "content": [again], "isError": True},
        {"role": "tool_result", "callId": "c", "content": [], "isError": False},
        {"role": "user", "content": [again]},
    ] == messages[2:]


def test_neighbours_of_one_role_are_joined() -> None:
    """Whether they were one message or several is a matter of the rules, not of the view."""
    said = {"role": "assistant", "content": "a"}
    messages = view(GO, GO, said, said)["messages"]
    assert [("user", 2), ("assistant", 2)] == [(m["role"], len(m["content"])) for m in messages]


def test_thinking_goes_with_its_text_and_whole() -> None:
    """Text and signature to compare, and the block as sent."""
    sent = {"type": "thinking", "thinking": "hm", "signature": "s+/="}
    block = view(GO, {"role": "assistant", "content": [sent]})["messages"][1]["content"][0]
    assert sent == json.loads(block.pop("json"))
    assert {"type": "thinking", "text": "hm", "signature": "s+/="} == block


def test_unknown_blocks_are_opaque() -> None:
    """Everything that the contract does not model, byte for byte."""
    raw = '{"type": "redacted_thinking",  "data":"x"}'
    text = json.dumps(body(GO, {"role": "assistant", "content": ["R"]})).replace('"R"', raw)
    block = view_of(text)["messages"][1]["content"][0]
    assert {"type": "opaque", "kind": "redacted_thinking", "json": raw} == block


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"type": "base64", "media_type": "image/png", "data": "AA=="},
            {"type": "base64", "mediaType": "image/png", "data": "AA=="},
        ),
        ({"type": "url", "url": "https://x"}, {"type": "url", "url": "https://x"}),
    ],
)
def test_media_are_read(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    """DIAL-027, read backwards."""
    image, document = ({"type": kind, "source": sent} for kind in ("image", "document"))
    content = view({"role": "user", "content": [image, {**document, "title": "t"}]})["messages"][0]
    assert {"type": "image", "source": expected} == content["content"][0]
    assert {"type": "document", "source": expected, "title": "t"} == content["content"][1]


def test_plain_text_is_a_documents_source() -> None:
    """`media_type` is always the same then."""
    source = {"type": "text", "media_type": "text/plain", "data": "hi"}
    got = view({"role": "user", "content": [{"type": "document", "source": source}]})
    assert {"type": "text", "text": "hi"} == got["messages"][0]["content"][0]["source"]


def test_nothing_stays_unseen() -> None:
    """What the view has no place for is in `otherJson`, as text."""
    cited = {"type": "text", "text": "a", "citations": [{"n": 1}]}
    call = {**ASK, "caller": {"type": "direct"}}
    got = view(
        GO,
        {"role": "assistant", "content": [cited, call]},
        {"role": "user", "content": [TOLD]},
        metadata={"user_id": "u"},
        max_tokens=1.5,
        thinking={"type": "adaptive", "display": "omitted"},
        tools=[{"name": "f", "input_schema": {}, "defer_loading": True}],
    )
    assert {
        "metadata": {"user_id": "u"},
        "max_tokens": 1.5,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "/tools/0/defer_loading": True,
        "/messages/1/content/0/citations": [{"n": 1}],
        "/messages/1/content/1/caller": {"type": "direct"},
    } == json.loads(got["otherJson"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff{}", "the body is not UTF-8 at byte 0"),
        (b'{"messages":[NaN]}', "the body is not JSON"),
        (b"[]", "the body has no list of `messages`"),
        (b'{"messages":{}}', "the body has no list of `messages`"),
        (b"", "the body is not JSON"),
    ],
)
def test_what_is_no_request_has_no_view(text: bytes, problem: str) -> None:
    """The problem says why."""
    reading = read_request(DIALECT, text, AUTHORISED)
    assert reading.view is None
    assert [True] == [problem in found for found in reading.problems]


def test_every_cache_marker_is_seen() -> None:
    """On text, results, calls and media."""
    marker = {"cache_control": {"type": "ephemeral"}}
    image = {"type": "image", "source": {"type": "url", "url": "https://x"}, **marker}
    got = view(
        {"role": "user", "content": [image, {"type": "text", "text": "a", **marker}]},
        {"role": "assistant", "content": [ASK | marker]},
        {"role": "user", "content": [TOLD | marker]},
    )["messages"]
    blocks = [*got[0]["content"], *got[1]["content"], got[2]]
    assert ["short"] * 4 == [block.get("cacheBreakpoint") for block in blocks]


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_real_requests_are_read_and_break_no_rule() -> None:
    """What the provider answered with 200 is no violation; the view fits its schema."""
    exchanges = recorded_exchanges("/v1/messages")
    assert len(exchanges) > 100
    for name, request, response in exchanges:
        sent = request.get("parsed_body") or json.loads(request["body"])
        data = json.dumps(sent, ensure_ascii=False).encode()
        reading = read_request(DIALECT, data, AUTHORISED)
        assert reading.view is not None
        assert [] == schemas.problems("transcript.RequestView", reading.view), name
        if response["status"]["code"] == 200:
            assert [] == reading.problems, name


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(value=JSON_VALUES, spaced=st.booleans(), ascii_only=st.booleans())
@settings(max_examples=50)
def test_spans_read_what_json_reads(value: Any, spaced: bool, ascii_only: bool) -> None:
    """The scanner agrees with the library, and each span is JSON of its own value."""
    text = json.dumps(value, indent=2 if spaced else None, ensure_ascii=ascii_only)
    root = read_spans(text)
    assert value == root.value()
    for _, span in root.below():
        assert span.value() == json.loads(span.raw)


@given(text=st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=12))
@settings(max_examples=100)
def test_spans_refuse_what_json_refuses(text: str) -> None:
    """Strict: no trailing commas, no NaN, no bare words."""
    try:
        expected = json.loads(text, parse_constant=_refuse)
    except ValueError:
        with pytest.raises(NotJsonError):
            read_spans(text)
    else:
        assert expected == read_spans(text).value()


def test_spans_keep_repeated_keys_in_order() -> None:
    """A library would keep the last and say nothing."""
    root = read_spans('{"a":1,"b":2,"a":3}')
    assert ["a", "b", "a"] == [name for name, _ in root.members]
    assert ["a"] == root.repeated()
    last = root.get("a")
    assert last is not None
    assert "3" == last.raw


def test_depth_is_no_limit() -> None:
    """An argument that is nested deeply is the implementation's business, not the scanner's."""
    assert "array" == read_spans("[" * 10_000 + "]" * 10_000).kind


def test_half_pairs_are_seen() -> None:
    """A whole pair of escapes is one character."""
    assert has_half_pair(read_spans('"\\ud83d"').string)
    assert not has_half_pair(read_spans('"\\ud83e\\udd80"').string)


def _refuse(text: str) -> Any:
    raise ValueError(text)
