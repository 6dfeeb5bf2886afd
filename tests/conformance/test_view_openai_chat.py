"""Chat Completions requests in provider-neutral terms, and the rules that they are held against."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop_conformance import schemas
from isoloop_conformance.view import read_request
from isoloop_conformance.view.openai_chat_rules import RULES
from tests.conformance.shapes import RECORDINGS, recorded_exchanges

DIALECT = "openai-chat"
KEY = {"authorization": "Bearer test-key"}
GO = {"role": "user", "content": "go"}
USER = {"role": "user", "content": [{"type": "text", "text": "go"}]}


def call(call_id: str = "a", name: str = "f", **members: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": "{}", **members}
    return {"id": call_id, "type": "function", "function": function}


def asks(*calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **members}


def result(call_id: str = "a", content: Any = "1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def tool(name: str = "f", **members: Any) -> dict[str, Any]:
    function = {"name": name, "parameters": {"type": "object"}, **members}
    return {"type": "function", "function": function}


def body(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    request = {"model": "m", "messages": list(messages or (GO,)), **members}
    return {k: v for k, v in request.items() if v != "absent"}


def view(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return view_of(json.dumps(body(*messages, **members)))


def view_of(text: str) -> dict[str, Any]:
    reading = read_request(DIALECT, text.encode(), KEY)
    assert reading.view is not None, reading.problems
    assert [] == schemas.problems("transcript.RequestView", reading.view)
    return reading.view


def test_a_plain_request_is_plain() -> None:
    """Nothing is there that was not sent."""
    assert {"model": "m", "messages": [USER]} == view()
    streamed = view(stream=True, stream_options={"include_usage": True})
    assert {"model": "m", "messages": [USER], "stream": True} == streamed


def test_settings_are_in_the_contracts_words() -> None:
    """Each setting by its name in `ModelSettings`; numbers as they were written."""
    sent = {"max_completion_tokens": 9, "temperature": 0, "top_p": 0.5, "stop": ["x"]}
    expected = {"maxOutputTokens": 9, "temperature": 0, "topP": 0.5, "stopSequences": ["x"]}
    assert expected == view(**sent)["settings"]
    assert {"parallelToolCalls": False} == view(parallel_tool_calls=False)["settings"]
    assert {"maxOutputTokens": 9, "stopSequences": ["x"]} == view(max_tokens=9, stop="x")[
        "settings"
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("none", {"type": "disabled"}), ("low", {"type": "effort", "effort": "low"})],
)
def test_thinking_is_an_effort(sent: str, expected: dict[str, Any]) -> None:
    """`none` switches it off."""
    assert expected == view(reasoning_effort=sent)["settings"]["thinking"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "required"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_the_tool_choice_is_read(sent: Any, expected: dict[str, Any]) -> None:
    """A word, or an object that names a function."""
    assert expected == view(tool_choice=sent, tools=[tool()])["toolChoice"]


def test_instructions_stand_before_the_messages() -> None:
    """System and developer messages at the head; a later one is something else."""
    parts = {"role": "developer", "content": [{"type": "text", "text": "b"}]}
    late = {"role": "system", "content": "late"}
    got = view({"role": "system", "content": "a"}, parts, GO, late)
    assert ["a", "b"] == [part["text"] for part in got["instructions"]]
    assert {"/messages/3": late} == json.loads(got["otherJson"])


def test_tools_keep_order_and_schema_text() -> None:
    """The schema is the text that was sent; what is no function is the provider's."""
    schema = '{"type":"object",  "properties":{"2":{},"1":{}}}'
    tools = (
        f'[{{"type":"function","function":{{"name":"f","description":"d","parameters":{schema},'
        '"strict":true}},{"type":"web_search"}]'
    )
    text = json.dumps(body(tools="T")).replace('"T"', tools)
    first, second = view_of(text)["tools"]
    expected = {"type": "function", "name": "f", "description": "d", "strict": True}
    assert {**expected, "inputSchemaJson": schema} == first
    assert {"type": "provider", "json": '{"type":"web_search"}'} == second


def test_the_output_schema_is_its_text() -> None:
    """Its name and `strict` are what the dialect wants beside it."""
    wanted = {"name": "output", "schema": {"type": "object"}, "strict": True}
    got = view(response_format={"type": "json_schema", "json_schema": wanted})
    assert '{"type": "object"}' == got["outputSchemaJson"]
    assert "otherJson" not in got


def test_an_answer_is_thinking_text_and_calls() -> None:
    """In this order; arguments are the string as it was sent."""
    sent = asks(call(arguments='{"b": 1.0,'), content="hm", reasoning_content="why")
    blocks = view(GO, sent, result())["messages"][1]["content"]
    assert [
        {"type": "thinking", "text": "why", "json": '"why"'},
        {"type": "text", "text": "hm"},
        {"type": "tool_call", "id": "a", "name": "f", "argumentsText": '{"b": 1.0,'},
    ] == blocks


def test_a_refusal_is_text() -> None:
    """As a member and as a part."""
    part = {"type": "refusal", "refusal": "no"}
    for said in ({"content": None, "refusal": "no"}, {"content": [part]}):
        got = view(GO, {"role": "assistant", **said})["messages"][1]["content"]
        assert [{"type": "text", "text": "no"}] == got


def test_a_result_says_by_its_text_whether_it_failed() -> None:
    """`[error] ` at its head is taken off; an empty text is no block."""
    parts = [{"type": "text", "text": "[error] x"}, {"type": "text", "text": "[error] y"}]
    sent = [result("a"), result("b", "[error] it broke"), result("c", ""), result("d", parts)]
    got = view(GO, asks(*map(call, "abcd")), *sent)["messages"][2:]
    assert [False, True, False, True] == [r["isError"] for r in got]
    assert [["1"], ["it broke"], [], ["x", "[error] y"]] == [
        [b["text"] for b in r["content"]] for r in got
    ]


def test_neighbours_of_one_role_are_joined() -> None:
    """Results stay single."""
    said = {"role": "assistant", "content": "a"}
    got = view(GO, GO, said, asks(call(), call("b")), result(), result("b"), GO)["messages"]
    assert ["user", "assistant", "tool_result", "tool_result", "user"] == [m["role"] for m in got]
    assert [2, 3] == [len(m["content"]) for m in got[:2]]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {
                "type": "image",
                "source": {"type": "base64", "mediaType": "image/png", "data": "AA=="},
            },
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x"}},
            {"type": "image", "source": {"type": "url", "url": "https://x"}},
        ),
        (
            {
                "type": "file",
                "file": {"filename": "t", "file_data": "data:application/pdf;base64,AA=="},
            },
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "mediaType": "application/pdf", "data": "AA=="},
            },
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
            {
                "type": "audio",
                "source": {"type": "base64", "mediaType": "audio/mpeg", "data": "AA=="},
            },
        ),
    ],
)
def test_media_are_read(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    """Images, documents and recordings."""
    got = view({"role": "user", "content": [sent]})
    assert [expected] == got["messages"][0]["content"]
    assert "otherJson" not in got


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ({"prompt_cache_breakpoint": {"mode": "explicit"}}, "short"),
        ({"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}, "long"),
        ({"cache_control": {"type": "ephemeral"}}, "short"),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, "long"),
    ],
)
def test_cache_markers_are_breakpoints(marker: dict[str, Any], expected: str) -> None:
    """OpenAI's own (DIAL-061), and the one of hosts (DIAL-063)."""
    got = view({"role": "user", "content": [{"type": "text", "text": "a", **marker}]})
    assert expected == got["messages"][0]["content"][0]["cacheBreakpoint"]
    assert "otherJson" not in got


def test_what_the_dialect_wants_is_nothing_extra() -> None:
    """The name of a file without a title, and of an error without a text."""
    data = "data:application/pdf;base64,AA=="
    named = {"type": "file", "file": {"filename": "document.pdf", "file_data": data}}
    failed = result(content="[error]")
    got = view({"role": "user", "content": [named]}, asks(call()), failed)
    assert {"document"} == {block["type"] for block in got["messages"][0]["content"]}
    assert "title" not in got["messages"][0]["content"][0]
    assert ([], True) == (got["messages"][2]["content"], got["messages"][2]["isError"])
    assert "otherJson" not in got


def test_nothing_stays_unseen() -> None:
    """What the view has no place for is in `otherJson`, or an opaque block."""
    image = {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}}
    got = view(
        {"role": "user", "name": "u", "content": [image, {"type": "video", "x": 1}]},
        seed=1,
        max_completion_tokens=1.5,
        temperature=-1,
        reasoning_effort="enormous",
        tool_choice={"type": "allowed_tools"},
        stream_options={"include_usage": True, "include_obfuscation": False},
        tools=[tool(examples=[])],
    )
    assert {
        "seed": 1,
        "max_completion_tokens": 1.5,
        "temperature": -1,
        "reasoning_effort": "enormous",
        "tool_choice": {"type": "allowed_tools"},
        "/stream_options/include_obfuscation": False,
        "/tools/0/function/examples": [],
        "/messages/0/name": "u",
        "/messages/0/content/0/image_url/detail": "low",
    } == json.loads(got["otherJson"])
    assert {"type": "opaque", "kind": "video", "json": '{"type": "video", "x": 1}'} == got[
        "messages"
    ][0]["content"][1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff{}", "the body is not UTF-8 at byte 0"),
        (b'{"messages":[NaN]}', "the body is not JSON"),
        (b"[]", "the body has no list of `messages`"),
        (b'{"messages":{}}', "the body has no list of `messages`"),
    ],
)
def test_what_is_no_request_has_no_view(text: bytes, problem: str) -> None:
    """The problem says why."""
    reading = read_request(DIALECT, text, KEY)
    assert reading.view is None
    assert [True] == [problem in found for found in reading.problems]


# What a recorded request of api.openai.com may break although it was answered: nothing. Other
# hosts take longer ids, and report usage without being asked.
_OF_OTHER_HOSTS = {"call-id-length", "usage-not-asked"}


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_real_requests_are_read_and_break_no_rule() -> None:
    """What the provider answered with 200 is no violation; the view fits its schema."""
    read = 0
    for name, request, response in recorded_exchanges("/chat/completions"):
        sent = request.get("parsed_body") or _parsed(request.get("body"))
        if sent is None:
            continue
        read += 1
        data = json.dumps(sent, ensure_ascii=False).encode()
        reading = read_request(DIALECT, data, KEY)
        assert reading.view is not None, name
        assert [] == schemas.problems("transcript.RequestView", reading.view), name
        if response["status"]["code"] == 200:
            other = "api.openai.com" not in request["uri"]
            broken = {finding.rule.name for finding in reading.findings}
            assert set() == broken - (_OF_OTHER_HOSTS if other else set()), name
    assert read > 200


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


TEXT = {"type": "text", "text": "hi"}
GOOD: dict[str, Any] = {
    "plain": body(),
    "streamed": body(stream=True, stream_options={"include_usage": True}),
    "loop": body(GO, asks(call()), result(), {"role": "assistant", "content": "done"}, GO),
    "text beside calls": body(GO, asks(call(), content="hm"), result()),
    "content left out": body(
        GO, {"role": "assistant", "tool_calls": [call()]}, result(content=[TEXT])
    ),
    "parallel": body(GO, asks(call("a"), call("b")), result("a"), result("b"), GO),
    "two turns": body(GO, asks(call("a")), result("a"), asks(call("b")), result("b")),
    "refusal": body(GO, {"role": "assistant", "refusal": "no"}, GO),
    "tools": body(tools=[tool(), tool("g")], tool_choice="auto", parallel_tool_calls=False),
    "empty result": body(GO, asks(call()), result(content="")),
    "empty arguments": body(GO, asks(call(arguments="")), result()),
    "longest id": body(GO, asks(call("a" * 40)), result("a" * 40)),
    "reasoning": body(GO, asks(call(), reasoning_content="hm"), result()),
}

BAD: list[tuple[str, Any]] = [
    ("not-json", b'{"messages":[}'),
    ("not-json", json.dumps(body({"role": "user", "content": "\ud83d"})).encode()),
    ("shape", body(messages="absent")),
    ("shape", body({"role": "robot", "content": "x"})),
    ("shape", body({"role": "user", "content": {}})),
    ("shape", body(GO, asks({"id": "a", "type": "function"}), result())),
    ("repeated-key", json.dumps(body()).replace('"model"', '"model": "m", "model"', 1).encode()),
    ("required", body(model="absent")),
    ("null", body(temperature=None)),
    ("no-messages", {"model": "m", "messages": []}),
    ("no-content", body({"role": "user", "content": None})),
    ("no-content", body({"role": "user", "content": []})),
    ("no-content", body(GO, {"role": "assistant", "content": None})),
    ("no-content", body(GO, asks(call()), result(content=None))),
    ("empty-text", body({"role": "user", "content": " \n"})),
    ("empty-text", body({"role": "user", "content": [{"type": "text", "text": ""}]})),
    ("call-without-result", body(GO, asks(call()))),
    ("call-without-result", body(GO, asks(call()), GO)),
    ("call-without-result", body(GO, asks(call("a"), call("b")), result("a"))),
    ("call-without-result", body(GO, asks(call("a")), asks(call("b")), result("b"))),
    ("result-without-call", body(GO, result())),
    ("result-without-call", body(GO, asks(call()), result(), GO, result())),
    ("second-result", body(GO, asks(call()), result(), result())),
    ("repeated-call-id", body(GO, asks(call()), result(), asks(call()), result())),
    ("result-order", body(GO, asks(call("a"), call("b")), result("b"), result("a"))),
    ("call-id", body(GO, asks(call("")), result(""))),
    ("call-id-length", body(GO, asks(call("a" * 41)), result("a" * 41))),
    ("no-calls", body(GO, asks(content="hm"))),
    ("tool-name", body(tools=[tool("a b")])),
    ("tool-name", body(tools=[tool("a" * 65)])),
    ("tool-name", body(GO, asks(call(name="a.b")), result())),
    ("repeated-tool", body(tools=[tool(), tool()])),
    ("no-tools", body(tool_choice="auto")),
    ("no-tools", body(parallel_tool_calls=True, tools=[])),
    ("arguments", body(GO, asks(call(arguments={})), result())),
    (
        "result-content",
        body(
            GO, asks(call()), result(content=[{"type": "input_audio", "input_audio": {"data": ""}}])
        ),
    ),
    ("stream-options", body(stream_options={"include_usage": True})),
    ("usage-not-asked", body(stream=True)),
    ("usage-not-asked", body(stream=True, stream_options={"include_usage": False})),
    ("unknown-member", body({**GO, "providerData": {}})),
    ("unknown-member", body(GO, asks(call()), {**result(), "is_error": True})),
]


def rules(value: Any, headers: dict[str, str] = KEY) -> set[str]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {finding.rule.name for finding in read_request(DIALECT, data, headers).findings}


@pytest.mark.parametrize("value", GOOD.values(), ids=GOOD.keys())
def test_a_good_request_breaks_no_rule(value: Any) -> None:
    """Controls: what the provider takes and the contract allows."""
    assert set() == rules(value)


@pytest.mark.parametrize(("rule", "value"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_a_bad_request_breaks_exactly_its_rule(rule: str, value: Any) -> None:
    """One defect, one finding."""
    assert {rule} == rules(value)


def test_the_key_is_needed() -> None:
    """As a bearer; a key elsewhere is none."""
    assert {"key"} == rules(body(), {"x-api-key": "k"})
    assert {"key"} == rules(body(), {"authorization": "k"})


def test_every_rule_is_broken_by_some_test() -> None:
    """A rule that nothing breaks may be one that finds nothing."""
    assert RULES.keys() == {rule for rule, _ in BAD} | {"key"}


def test_every_rule_names_its_evidence() -> None:
    """A requirement, or where and when it was seen."""
    for rule in RULES.values():
        assert any(mark in rule.evidence for mark in ("DIAL-", "202", "#")), rule
