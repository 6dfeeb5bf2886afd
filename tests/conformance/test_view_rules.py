"""Every rule finds what it is for, and nothing else finds it too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop_conformance.view import read_request
from isoloop_conformance.view.anthropic_rules import RULES
from tests.conformance.raw_client import AUTHORISED

EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
LONG = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(said: str = "go", **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **members}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def call(call_id: str = "a", name: str = "f", **members: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}, **members}


def result(call_id: str = "a", **members: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "1", **members}


def tool(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object"}, **members}


def body(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    request = {"model": "m", "max_tokens": 5000, "messages": list(messages or (user(text()),))}
    return {k: v for k, v in (request | members).items() if v != "absent"}


def rules(value: Any, headers: dict[str, str] = AUTHORISED) -> set[str]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    reading = read_request("anthropic-messages", data, headers)
    return {finding.rule.name for finding in reading.findings}


GOOD: dict[str, Any] = {
    "plain": body(),
    "strings": body({"role": "user", "content": "go"}, system="s"),
    "loop": body(user(text()), assistant(text(), call()), user(result())),
    "steering": body(user(text()), assistant(call()), user(result(), text())),
    "parallel": body(user(text()), assistant(call("a"), call("b")), user(result("a"), result("b"))),
    "thinking": body(
        user(text()), assistant({"type": "thinking", "thinking": "", "signature": "s"}, text())
    ),
    "four breakpoints": body(
        user(text(**EPHEMERAL)), system=[text(**LONG)], tools=[tool(**LONG), tool("g", **LONG)]
    ),
    "budget": body(thinking={"type": "enabled", "budget_tokens": 4999}),
    "neighbours": body(user(text()), user(text())),
    "paused": body(user(text()), assistant(text(), {"type": "server_tool_use", "id": "s"})),
    "empty result": body(
        user(text()), assistant(call()), user({"type": "tool_result", "tool_use_id": "a"})
    ),
    "schema that looks like a marker": body(
        tools=[tool(input_schema={"properties": {"cache_control": {"type": "object"}}})] * 1
    ),
    "arguments that look like a block": body(
        user(text()), assistant(call(input={"content": [text("", x=1)]})), user(result())
    ),
    "images in a result": body(
        user(text()),
        assistant(call()),
        user(result(content=[text(), {"type": "image", "source": {"type": "url", "url": "u"}}])),
    ),
}

BAD: list[tuple[str, Any]] = [
    ("not-json", b'{"messages":[}'),
    ("not-json", b'{"messages":["\xff"]}'),
    ("not-json", json.dumps(body(user(text("\ud83d")))).encode()),
    ("shape", body(messages="absent")),
    ("shape", body({"role": "tool", "content": "x"})),
    ("shape", body({"role": "user"})),
    ("repeated-key", json.dumps(body()).replace('"model"', '"model": "m", "model"', 1).encode()),
    ("required", body(max_tokens="absent")),
    ("required", body(model="absent")),
    ("required", body(max_tokens=0)),
    ("null", body(temperature=None)),
    ("no-messages", {"model": "m", "max_tokens": 1, "messages": []}),
    ("empty-message", body(user())),
    ("empty-message", body(user(text()), assistant(), user(text()))),
    ("empty-text", body(user(text(" \n")))),
    ("empty-text", body({"role": "user", "content": " "})),
    ("empty-text", body(user(text()), assistant(call()), user(result(content=[text("")])))),
    ("call-without-result", body(user(text()), assistant(call()))),
    ("call-without-result", body(user(text()), assistant(call()), user(text()), assistant(text()))),
    ("call-without-result", body(user(text()), assistant(call("a"), call("b")), user(result("a")))),
    ("result-without-call", body(user(text()), assistant(text()), user(result()))),
    ("result-without-call", body(user(result()))),
    ("second-result", body(user(text()), assistant(call()), user(result(), result()))),
    (
        "repeated-call-id",
        body(user(text()), assistant(call()), user(result()), assistant(call()), user(result())),
    ),
    ("results-first", body(user(text()), assistant(call()), user(text(), result()))),
    (
        "result-order",
        body(user(text()), assistant(call("a"), call("b")), user(result("b"), result("a"))),
    ),
    (
        "one-message",
        body(user(text()), assistant(call("a"), call("b")), user(result("a")), user(result("b"))),
    ),
    ("one-message", body(user(text()), assistant(call()), user(result()), user(text()))),
    ("call-id", body(user(text()), assistant(call("a.b")), user(result("a.b")))),
    ("call-id", body(user(text()), assistant(call("")), user(result("")))),
    ("call-id-length", body(user(text()), assistant(call("a" * 65)), user(result("a" * 65)))),
    ("tool-name", body(tools=[tool("a b")])),
    ("tool-name", body(tools=[tool("a" * 129)])),
    ("tool-name", body(user(text()), assistant(call(name="a.b")), user(result()))),
    ("repeated-tool", body(tools=[tool(), tool()])),
    ("arguments", body(user(text()), assistant(call(input="{}")), user(result()))),
    ("signature", body(user(text()), assistant({"type": "thinking", "thinking": "x"}, text()))),
    ("breakpoints", body(user(*[text(**EPHEMERAL)] * 4, text(**EPHEMERAL)))),
    ("breakpoint-order", body(user(text(**LONG)), system=[text(**EPHEMERAL)])),
    ("budget", body(thinking={"type": "enabled", "budget_tokens": 5000})),
    ("unknown-member", body(user(text(providerData={})))),
    ("unknown-member", body(user(text()), assistant(call(argumentsText="{}")), user(result()))),
]


@pytest.mark.parametrize("value", GOOD.values(), ids=GOOD.keys())
def test_a_good_request_breaks_no_rule(value: Any) -> None:
    """Controls: what the provider takes and the contract allows."""
    assert set() == rules(value)


@pytest.mark.parametrize(("rule", "value"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_a_bad_request_breaks_exactly_its_rule(rule: str, value: Any) -> None:
    """One defect, one finding."""
    assert {rule} == rules(value)


def test_the_headers_are_needed() -> None:
    """A key, in one of two headers, and the version."""
    assert {"key", "version"} == rules(body(), {})
    assert set() == rules(body(), {"authorization": "Bearer x", "anthropic-version": "x"})


def test_every_rule_is_broken_by_some_test() -> None:
    """A rule that nothing breaks may be one that finds nothing."""
    assert RULES.keys() == {rule for rule, _ in BAD} | {"key", "version"}


def test_every_rule_names_its_evidence() -> None:
    """A requirement, or where and when it was seen."""
    for rule in RULES.values():
        assert any(mark in rule.evidence for mark in ("DIAL-", "202", "#")), rule


def test_a_finding_says_rule_and_place() -> None:
    """The sentence that stands in the transcript."""
    data = json.dumps(body(user(text("")))).encode()
    expected = "provider_rejects/empty-text: `/messages/0/content/0` is blank"
    assert [expected] == read_request("anthropic-messages", data, AUTHORISED).problems
