"""Responses requests in provider-neutral terms, and the rules that they are held against."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop_conformance import schemas
from isoloop_conformance.view import read_request
from isoloop_conformance.view.openai_responses_rules import RULES
from tests.conformance.shapes import RECORDINGS, recorded_exchanges

DIALECT = "openai-responses"
KEY = {"authorization": "Bearer test-key"}
GO = {"role": "user", "content": [{"type": "input_text", "text": "go"}]}
USER = {"role": "user", "content": [{"type": "text", "text": "go"}]}


def call(call_id: str = "a", name: str = "f", **members: Any) -> dict[str, Any]:
    named = {"call_id": call_id, "name": name, "arguments": "{}"}
    return {"type": "function_call", **named, **members}


def result(call_id: str = "a", output: Any = "1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def says(text: str = "hi", **members: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part], **members}


def thinks(**members: Any) -> dict[str, Any]:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    return {k: v for k, v in (item | members).items() if v != "absent"}


def tool(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, **members}


def body(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    request = {"model": "m", "input": list(items or (GO,)), **members}
    return {k: v for k, v in request.items() if v != "absent"}


def view(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    return view_of(json.dumps(body(*items, **members)))


def view_of(text: str) -> dict[str, Any]:
    reading = read_request(DIALECT, text.encode(), KEY)
    assert reading.view is not None, reading.problems
    assert [] == schemas.problems("transcript.RequestView", reading.view)
    return reading.view


def test_a_plain_request_is_plain() -> None:
    """Nothing is there that was not sent; a string is the user's text."""
    assert {"model": "m", "messages": [USER]} == view()
    assert {"model": "m", "messages": [USER], "stream": True} == view(stream=True, input="go")


def test_settings_are_in_the_contracts_words() -> None:
    """Each setting by its name in `ModelSettings`."""
    sent = {"max_output_tokens": 9, "temperature": 0, "top_p": 0.5, "parallel_tool_calls": False}
    got = view(**sent, reasoning={"effort": "low"})["settings"]
    effort = {"type": "effort", "effort": "low"}
    expected = {"maxOutputTokens": 9, "temperature": 0, "topP": 0.5, "thinking": effort}
    assert {**expected, "parallelToolCalls": False} == got
    off = view(reasoning={"effort": "none"})["settings"]
    assert {"thinking": {"type": "disabled"}} == off


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "required"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
    ],
)
def test_the_tool_choice_is_read(sent: Any, expected: dict[str, Any]) -> None:
    """A word, or an object that names a function."""
    assert expected == view(tool_choice=sent, tools=[tool()])["toolChoice"]


def test_instructions_are_a_member_or_items_at_the_head() -> None:
    """A later item of the system is something else."""
    assert [{"type": "text", "text": "a"}] == view(instructions="a")["instructions"]
    late = {"role": "system", "content": "late"}
    got = view({"role": "developer", "content": "b"}, GO, late)
    assert [{"type": "text", "text": "b"}] == got["instructions"]
    assert {"/input/2": late} == json.loads(got["otherJson"])


def test_tools_keep_order_and_schema_text() -> None:
    """The schema is the text that was sent; what is no function is the provider's."""
    schema = '{"type":"object",  "properties":{"2":{},"1":{}}}'
    tools = (
        f'[{{"type":"function","name":"f","description":"d","parameters":{schema},"strict":false}},'
        '{"type":"web_search"}]'
    )
    text = json.dumps(body(tools="T")).replace('"T"', tools)
    first, second = view_of(text)["tools"]
    expected = {"type": "function", "name": "f", "description": "d", "strict": False}
    assert {**expected, "inputSchemaJson": schema} == first
    assert {"type": "provider", "json": '{"type":"web_search"}'} == second


def test_the_output_schema_is_its_text() -> None:
    """Its name and `strict` are what the dialect wants beside it."""
    wanted = {"type": "json_schema", "name": "o", "schema": {"type": "object"}, "strict": True}
    got = view(text={"format": wanted})
    assert '{"type": "object"}' == got["outputSchemaJson"]
    assert "otherJson" not in got


def test_items_of_an_answer_are_one_message() -> None:
    """Thinking, text, calls and what the contract does not model, each as it was sent."""
    search = '{"type": "web_search_call",  "id": "ws_1"}'
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    items: list[Any] = [
        GO,
        thinks(summary=summary),
        "S",
        says(),
        call(arguments='{"b": 1.0,'),
        result(),
    ]
    text = json.dumps(body(*items)).replace('"S"', search)
    user, answer, _ = view_of(text)["messages"]
    thinking = answer["content"].pop(0)
    assert thinks(summary=summary) == json.loads(thinking.pop("json"))
    assert {"type": "thinking", "text": "a\n\nb", "signature": "gAAA"} == thinking
    assert [
        {"type": "opaque", "kind": "web_search_call", "json": search},
        {"type": "text", "text": "hi"},
        {"type": "tool_call", "id": "a", "name": "f", "argumentsText": '{"b": 1.0,'},
    ] == answer["content"]
    assert USER == user


def test_a_refusal_is_text() -> None:
    """As the part that it was."""
    said = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    assert [{"type": "text", "text": "no"}] == view(GO, said)["messages"][1]["content"]


def test_a_result_says_by_its_text_whether_it_failed() -> None:
    """`[error] ` at its head is taken off; an empty text is no block."""
    parts = [{"type": "input_text", "text": "[error] x"}, {"type": "input_text", "text": "y"}]
    sent = [result("a"), result("b", "[error] it broke"), result("c", ""), result("d", parts)]
    got = view(GO, *map(call, "abcd"), *sent)["messages"][2:]
    assert [False, True, False, True] == [r["isError"] for r in got]
    assert [["1"], ["it broke"], [], ["x", "y"]] == [[b["text"] for b in r["content"]] for r in got]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
            {
                "type": "image",
                "source": {"type": "base64", "mediaType": "image/png", "data": "AA=="},
            },
        ),
        (
            {"type": "input_image", "image_url": "https://x"},
            {"type": "image", "source": {"type": "url", "url": "https://x"}},
        ),
        (
            {"type": "input_file", "file_url": "https://x"},
            {"type": "document", "source": {"type": "url", "url": "https://x"}},
        ),
        (
            {
                "type": "input_file",
                "filename": "t",
                "file_data": "data:application/pdf;base64,AA==",
            },
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "mediaType": "application/pdf", "data": "AA=="},
            },
        ),
    ],
)
def test_media_are_read(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    """Of a user and in a result."""
    got = view({"role": "user", "content": [sent]}, call(), result(output=[sent]))
    assert [expected] == got["messages"][0]["content"] == got["messages"][2]["content"]
    assert "otherJson" not in got


def test_what_the_dialect_wants_is_nothing_extra() -> None:
    """The name of a file without a title, and of an error without a text."""
    data = "data:application/pdf;base64,AA=="
    named = {"type": "input_file", "filename": "document.pdf", "file_data": data}
    failed = result(output=[{"type": "input_text", "text": "[error]"}])
    got = view({"role": "user", "content": [named]}, call(), failed)
    assert {"document"} == {block["type"] for block in got["messages"][0]["content"]}
    assert "title" not in got["messages"][0]["content"][0]
    assert ([], True) == (got["messages"][2]["content"], got["messages"][2]["isError"])
    assert "otherJson" not in got


def test_nothing_stays_unseen() -> None:
    """What the view has no place for is in `otherJson`, or an opaque block."""
    image = {"type": "input_image", "image_url": "https://x", "detail": "low"}
    got = view(
        {"role": "user", "content": [image, {"type": "video", "x": 1}]},
        store=False,
        include=["reasoning.encrypted_content"],
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low"},
        tools=[tool(defer_loading=True)],
    )
    assert {
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "/reasoning/summary": "auto",
        "/text/verbosity": "low",
        "/tools/0/defer_loading": True,
        "/input/0/content/0/detail": "low",
    } == json.loads(got["otherJson"])
    assert {"type": "opaque", "kind": "video", "json": '{"type": "video", "x": 1}'} == got[
        "messages"
    ][0]["content"][1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff{}", "the body is not UTF-8 at byte 0"),
        (b'{"input":[NaN]}', "the body is not JSON"),
        (b"[]", "the body has no `input`"),
        (b'{"input":{}}', "the body has no `input`"),
    ],
)
def test_what_is_no_request_has_no_view(text: bytes, problem: str) -> None:
    """The problem says why."""
    reading = read_request(DIALECT, text, KEY)
    assert reading.view is None
    assert [True] == [problem in found for found in reading.problems]


# What the contract forbids and recorded requests have: nulls, blank texts of the user, and a tool
# choice where the tools stand in the input. The provider took them.
_OF_THE_RECORDER = {"null", "empty-text", "no-tools"}


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_real_requests_are_read_and_break_no_rule() -> None:
    """What the provider answered with 200 is no violation; the view fits its schema."""
    exchanges = recorded_exchanges("/responses")
    assert len(exchanges) > 100
    for name, request, response in exchanges:
        data = json.dumps(request["parsed_body"], ensure_ascii=False).encode()
        reading = read_request(DIALECT, data, KEY)
        assert reading.view is not None, name
        assert [] == schemas.problems("transcript.RequestView", reading.view), name
        if response["status"]["code"] == 200:
            broken = {finding.rule.name for finding in reading.findings}
            assert set() == broken - _OF_THE_RECORDER, name
            assert [] == [f for f in reading.findings if f.rule.severity == "provider_rejects"]


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_a_real_request_that_was_refused_breaks_its_rule() -> None:
    """Reasoning that was sent without the item that followed it (2025)."""
    refused = "without its required following item"
    found = [
        {finding.rule.name for finding in read_request(DIALECT, _data(request), KEY).findings}
        for _, request, response in recorded_exchanges("/responses")
        if refused in json.dumps(response.get("parsed_body", {}))
    ]
    assert [{"reasoning-alone"}] == found


def _data(request: dict[str, Any]) -> bytes:
    return json.dumps(request["parsed_body"]).encode()


GOOD: dict[str, Any] = {
    "plain": body(),
    "a string": body(input="go"),
    "loop": body(GO, call(id="fc_1"), result(), says(id="msg_1"), GO),
    "text before calls": body(GO, says(), call(), result()),
    "text between call and result": body(GO, call(), says(), result()),
    "parallel": body(GO, call("a"), call("b"), result("a"), result("b"), GO),
    "two turns": body(GO, call("a"), result("a"), call("b"), result("b")),
    "thinking": body(GO, thinks(), call(), result(), store=False),
    "thinking twice": body(GO, thinks(), thinks(id="rs_2"), says(), store=False),
    "thinking that is stored": body(GO, thinks(encrypted_content="absent"), says(id="msg_1")),
    "tools": body(tools=[tool(), tool("g")], tool_choice="auto", parallel_tool_calls=False),
    "goes on": body(result(), previous_response_id="resp_1"),
    "empty result": body(GO, call(), result(output="")),
    "opaque": body(GO, {"type": "web_search_call", "id": "ws_1", "action": {}}, says()),
}

BAD: list[tuple[str, Any]] = [
    ("not-json", b'{"input":[}'),
    ("not-json", json.dumps(body({"role": "user", "content": "\ud83d"})).encode()),
    ("shape", body(input="absent")),
    ("shape", body({"role": "robot", "content": "x"})),
    ("shape", body({"role": "user"})),
    ("shape", body(GO, call(), result(output=None))),
    ("repeated-key", json.dumps(body()).replace('"model"', '"model": "m", "model"', 1).encode()),
    ("required", body(model="absent")),
    ("null", body(temperature=None)),
    ("no-input", body(input=[])),
    ("no-input", body(input="")),
    ("no-content", body({"role": "user", "content": []})),
    ("empty-text", body({"role": "user", "content": " \n"})),
    ("empty-text", body(GO, says(""))),
    ("text-kind", body({"role": "user", "content": [{"type": "output_text", "text": "x"}]})),
    ("text-kind", body({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]})),
    ("call-without-result", body(GO, call())),
    ("call-without-result", body(GO, call(), GO)),
    ("call-without-result", body(GO, call("a"), call("b"), result("a"))),
    ("result-without-call", body(GO, result())),
    ("second-result", body(GO, call(), result(), result())),
    ("repeated-call-id", body(GO, call(), result(), call(), result())),
    ("result-order", body(GO, call("a"), call("b"), result("b"), result("a"))),
    ("results-apart", body(GO, call(), GO, result())),
    ("results-apart", body(GO, call("a"), call("b"), result("a"), says(), result("b"))),
    ("call-id", body(GO, call(""), result(""))),
    ("call-id-length", body(GO, call("a" * 65), result("a" * 65))),
    ("tool-name", body(tools=[tool("a b")])),
    ("tool-name", body(GO, call(name="a.b"), result())),
    ("repeated-tool", body(tools=[tool(), tool()])),
    ("no-tools", body(tool_choice="auto")),
    ("arguments", body(GO, call(arguments={}), result())),
    ("reasoning-alone", body(GO, thinks())),
    ("reasoning-alone", body(GO, call(), thinks(), result())),
    ("reasoning-alone", body(GO, thinks(), GO)),
    ("reasoning-alone", body(GO, thinks(), says())),
    ("reasoning-unkept", body(GO, thinks(encrypted_content="absent"), says(), store=False)),
    ("item-id", body(GO, call(id="call_1"), result())),
    ("item-id", body(GO, says(id="msg_" + "a" * 61))),
    ("repeated-item", body(GO, thinks(), thinks(), says(), store=False)),
    ("unknown-member", body({**GO, "providerData": {}})),
    ("unknown-member", body(GO, call(), {**result(), "is_error": True})),
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


def test_every_rule_is_broken_by_some_test() -> None:
    """A rule that nothing breaks may be one that finds nothing."""
    assert RULES.keys() == {rule for rule, _ in BAD} | {"key"}


def test_every_rule_names_its_evidence() -> None:
    """A requirement, or where and when it was seen."""
    for rule in RULES.values():
        assert any(mark in rule.evidence for mark in ("DIAL-", "202", "#")), rule
