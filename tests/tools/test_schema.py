"""A tool from a JSON Schema (TOOL-002, TOOL-008)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from isoloop import Tool, ToolContext, UsageError
from isoloop.tools._tool import Checked, Invalid

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "array", "items": {"$ref": "#/$defs/day"}, "x-note": "kept"},
    },
    "required": ["city"],
    "$defs": {"day": {"enum": ["mon", "tue"]}},
}


async def weather(arguments: dict[str, Any]) -> str:
    """Say it is fine."""
    return f"fine in {arguments['city']}"


def make(schema: dict[str, Any] = SCHEMA, **options: Any) -> Tool[Any]:
    """Make a tool."""
    return Tool.from_schema("weather", "Tell the weather.", schema, weather, **options)


def test_the_schema_is_sent_unchanged() -> None:
    """Members that nobody knows included (TOOL-002)."""
    assert {
        "type": "function",
        "name": "weather",
        "description": "Tell the weather.",
        "inputSchema": SCHEMA,
        "access": "read_only",
        "timeoutMs": 1000,
    } == make(read_only=True, timeout_s=1).definition.model_dump()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", '"city" is a required property'),
        ('{"city": 5}', '/city: 5 is not of type "string"'),
        ('{"city": "x", "days": ["mon", "wed"]}', '/days/1: "wed" is not one of "mon" or "tue"'),
        ('{"city": ', "Not valid JSON: "),
    ],
)
def test_arguments_are_held_against_the_schema(text: str, problem: str) -> None:
    """By JSON Schema 2020-12, with the place as a JSON Pointer (TOOL-008)."""
    checked = make().check(text)
    assert isinstance(checked, Invalid)
    assert problem in checked.problem


def test_nothing_is_coerced_and_no_default_is_filled_in() -> None:
    """The body gets what the model wrote (TOOL-008)."""
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}
    assert isinstance(make(schema).check('{"n": "5"}'), Invalid)
    checked = make(schema).check("{}")
    assert isinstance(checked, Checked)
    assert {} == checked.values


def test_many_problems_are_bounded() -> None:
    """A model reads the first few."""
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    text = "{%s}" % ", ".join(f'"k{number}": {number}' for number in range(9))  # noqa: UP031 -- braces
    checked = make(schema).check(text)
    assert isinstance(checked, Invalid)
    assert checked.problem.endswith("; and 4 more")


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({}, 'it must be "object"'),
        ({"type": "string"}, 'it must be "object"'),
        ({"type": "object", "properties": {"x": {"type": "text"}}}, "not a valid JSON Schema"),
        ({"type": "object", "$ref": "https://example.org/x"}, "stay inside the schema"),
        ({"type": "object", "$ref": "#/$defs/none"}, "not a valid JSON Schema"),
    ],
)
def test_a_wrong_schema_is_the_callers_error(schema: dict[str, Any], part: str) -> None:
    """Said at once, and nothing is fetched."""
    with pytest.raises(UsageError, match=r"tool weather: ") as raised:
        make(schema)
    assert part in str(raised.value)


def test_a_body_takes_the_arguments_and_if_it_wants_the_context() -> None:
    """Sync or async."""

    def sync(context: ToolContext[int], arguments: dict[str, Any]) -> int:
        return context.deps + len(arguments)

    made = Tool.from_schema("t", "", {"type": "object"}, sync)
    checked = made.check('{"a": 1}')
    assert isinstance(checked, Checked)
    assert 8 == asyncio.run(made.invoke(ToolContext(7), checked))
    checked = make().check('{"city": "Rome"}')
    assert isinstance(checked, Checked)
    assert "fine in Rome" == asyncio.run(make().invoke(ToolContext(None), checked))


def test_a_sync_body_may_return_something_to_await() -> None:
    """A lambda around a coroutine function."""
    made = Tool.from_schema("t", "", {"type": "object"}, lambda arguments: weather({**arguments}))
    checked = made.check('{"city": "Rome"}')
    assert isinstance(checked, Checked)
    assert "fine in Rome" == asyncio.run(made.invoke(ToolContext(None), checked))


def test_a_body_owns_its_arguments() -> None:
    """What it does to them changes nothing for a second try."""

    def spoil(arguments: dict[str, Any]) -> str:
        arguments.clear()
        return ""

    made = Tool.from_schema("t", "", {"type": "object"}, spoil)
    checked = made.check('{"a": 1}')
    assert isinstance(checked, Checked)
    asyncio.run(made.invoke(ToolContext(None), checked))
    assert {"a": 1} == checked.values
