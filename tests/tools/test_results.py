"""What a body returns, and what the model is told (TOOL-026)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import pytest
from pydantic import BaseModel

from isoloop import ImageBlock, TextBlock, ToolResult
from isoloop.contract import Base64Source
from isoloop.tools._result import content_of, plain_object, returned


@dataclass
class Point:
    """A point."""

    x: int


class City(BaseModel):
    """A city."""

    name: str
    founded: date


IMAGE = ImageBlock(source=Base64Source(media_type="image/png", data="aGk="))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\n", "as it is\n"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        ("NaN", "NaN"),
        (["NaN"], '["NaN"]'),
        ([], "[]"),
        ([1, "a"], '[1,"a"]'),
        ({"a": {"b": 1}}, '{"a":{"b":1}}'),
        ({"é": "ü"}, '{"é":"ü"}'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (Point(1), '{"x":1}'),
        ([Point(1)], '[{"x":1}]'),
        (City(name="Rome", founded=date(1, 4, 21)), '{"name":"Rome","founded":"0001-04-21"}'),
    ],
)
def test_values_become_one_text_block(value: Any, text: str) -> None:
    """Text as it is, everything else as JSON."""
    assert [TextBlock(text=text)] == content_of(value)


def test_blocks_keep_their_kinds_and_their_order() -> None:
    """One, or a list of them."""
    text = TextBlock(text="see")
    assert [IMAGE] == content_of(IMAGE)
    assert [text, IMAGE, text] == content_of([text, IMAGE, text])
    assert [IMAGE] == content_of((IMAGE,))


def test_a_tool_result_says_more() -> None:
    """Its content may be anything that a body may return."""
    wrote = returned(ToolResult({"a": 1}, is_error=True, details={"n": 1}))
    assert [TextBlock(text='{"a":1}')] == wrote.content
    assert (True, {"n": 1}) == (wrote.is_error, wrote.details)


@pytest.mark.parametrize(
    "value", [object(), {"a": object()}, b"\xff", {1: {2: object}}, float("nan"), [float("-inf")]]
)
def test_what_json_cannot_carry_is_said(value: Any) -> None:
    """With what may be returned instead."""
    with pytest.raises(TypeError, match="return text, JSON-able values, content blocks"):
        content_of(value)


def test_a_tool_result_may_have_no_content() -> None:
    """Which a plain list cannot say."""
    assert [] == returned(ToolResult([])).content
    assert [TextBlock(text="[]")] == returned([]).content


def test_a_circle_is_said() -> None:
    """It has no JSON."""
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        content_of(circle)


def test_details_are_a_copy() -> None:
    """Nobody else can change what the transcript holds."""
    details: dict[str, Any] = {"a": [1]}
    plain = plain_object(details)
    details["a"].append(2)
    assert {"a": [1]} == plain
    assert plain_object(None) is None
    with pytest.raises(TypeError):
        plain_object(cast("Any", [1]))
