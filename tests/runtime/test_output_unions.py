"""Unions as structured output (LOOP-051, LOOP-052, LOOP-054)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Union

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from isoloop.testing import Call
from tests.runtime.kit import echo, results, scripted


class City(BaseModel):
    """A pydantic model."""

    name: str
    people: int


@dataclass
class Point:
    """A dataclass."""

    x: int
    y: int


class Nothing(TypedDict):
    """A typed dictionary."""

    why: str


ANY: Any = City | Point | Nothing


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"value": {"name": "Rome", "people": 3}}', City(name="Rome", people=3)),
        ('{"value": {"x": 1, "y": 2}}', Point(1, 2)),
        ('{"value": {"why": "no"}}', {"why": "no"}),
    ],
)
@pytest.mark.parametrize("wanted", [ANY, Union[City, Point, Nothing]])  # noqa: UP007 -- both kinds
async def test_a_union_is_given_as_the_type_that_fits(
    wanted: Any, said: str, expected: object
) -> None:
    """The model answers under one member; the caller gets the value."""
    result = await scripted(said, output=wanted).run("?")
    assert expected == result.output


async def test_the_root_of_what_the_model_is_asked_for_is_an_object() -> None:
    """With the one member, and nothing else."""
    agent = scripted('{"value": {"x": 1, "y": 2}}', output=ANY)
    await agent.run("?")
    assert agent.output is not None
    schema = agent.output.spec.json_schema
    assert ("object", ["value"], False) == (
        schema["type"],
        schema["required"],
        schema["additionalProperties"],
    )


async def test_a_value_that_fits_no_type_is_repaired_once() -> None:
    """The model is told where it went wrong, in the contract's words (LOOP-052)."""
    agent = scripted('{"x": 1, "y": 2}', '{"value": {"x": 1, "y": 2}}', output=ANY)
    result = await agent.run("?")
    assert Point(1, 2) == result.output
    (repair,) = [m for m in result.new_messages if m.role == "user"]
    first, second = getattr(repair.content[0], "text", "").split("\n")
    assert first.startswith("The output is invalid: ")
    assert "value" in first
    assert "Answer again with a valid output." == second


async def test_calls_come_before_the_output() -> None:
    """An answer with calls is not validated, whatever its text is (LOOP-054)."""
    agent = scripted(
        ["not yet", Call("echo", text="1")],
        '{"value": {"why": "no"}}',
        output=ANY,
        tools=[echo],
    )
    result = await agent.run("?")
    assert [(None, "1")] == results(result)
    assert {"why": "no"} == result.output
    assert not [m for m in result.new_messages if m.role == "user"]


async def test_an_optional_output_may_be_absent() -> None:
    """`None` is a value of its type."""
    wanted: Any = Optional[City]  # noqa: UP045 -- the older way to write it
    assert (await scripted('{"value": null}', output=wanted).run("?")).output is None
