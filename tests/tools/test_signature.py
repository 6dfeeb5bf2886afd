"""A tool from a typed signature and its docstring (TOOL: definitions, arguments)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from isoloop import Tool, ToolContext, UsageError, tool
from isoloop.tools._tool import Checked, Invalid


class Unit(Enum):
    """A unit."""

    metre = "m"
    mile = "mi"


class Place(TypedDict):
    """A place."""

    name: str
    country: NotRequired[str]


@dataclass
class Span:
    """A span."""

    start: int
    end: int = 0


class Query(BaseModel):
    """A query."""

    text: str


def values_of(made: Tool[Any], text: str) -> dict[str, Any]:
    """Give what the body would receive."""
    checked = made.check(text)
    assert isinstance(checked, Checked), checked
    return dict(checked.values)


def problem_of(made: Tool[Any], text: str) -> str:
    """Give what the model would be told."""
    checked = made.check(text)
    assert isinstance(checked, Invalid), checked
    return checked.problem


def test_the_signature_becomes_the_schema() -> None:
    """Types, required members, defaults, descriptions; nothing else is accepted."""

    @tool(
        read_only=True,
        requires_approval=True,
        repeatable=True,
        timeout_s=2.5,
        strict=True,
        cache_breakpoint="long",
    )
    async def search(query: str, limit: int = 5, *, exact: bool = False) -> str:
        """Search the web.

        Slowly.

        Args:
            query: What to look for,
                in any language.
            limit (int): How many.
            exact: Whether to take it literally.

        Returns:
            Text.
        """
        return f"{query}{limit}{exact}"

    assert {
        "type": "function",
        "name": "search",
        "description": "Search the web.\n\nSlowly.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {
                    "type": "string",
                    "description": "What to look for, in any language.",
                },
                "limit": {"type": "integer", "default": 5, "description": "How many."},
                "exact": {
                    "type": "boolean",
                    "default": False,
                    "description": "Whether to take it literally.",
                },
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        "access": "read_only",
        "requiresApproval": True,
        "repeatable": True,
        "timeoutMs": 2500,
        "strict": True,
        "cacheBreakpoint": "long",
    } == search.definition.model_dump()


def test_a_bare_decorator_declares_nothing() -> None:
    """A tool is mutating unless it says otherwise (TOOL-033)."""

    @tool
    def act() -> None:
        """Act."""

    assert {
        "type": "function",
        "name": "act",
        "description": "Act.",
        "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    } == act.definition.model_dump()


def test_name_and_description_may_be_given() -> None:
    """Instead of the function's."""

    @tool(name="look-up", description="Other.")
    def act() -> None:
        """Act."""

    assert ("look-up", "Other.") == (act.definition.name, act.definition.description)


def test_a_decorated_function_is_still_the_function() -> None:
    """So that it can be tested and reused."""

    @tool
    def double(number: int) -> int:
        """Double it."""
        return number * 2

    assert 4 == double(2)
    assert "Double it." == double.__doc__


def test_rich_types_are_received_as_what_they_say() -> None:
    """JSON has no dates, tuples or enums; the annotations do."""

    @tool
    def act(
        day: date,
        pair: tuple[int, str],
        unit: Unit,
        span: Span,
        query: Query,
        place: Place,
        mode: Literal["a", "b"] = "a",
        note: str | None = None,
    ) -> None: ...

    text = """{"day": "2026-01-02", "pair": [1, "x"], "unit": "mi", "span": {"start": 1},
        "query": {"text": "t"}, "place": {"name": "Rome"}, "note": null}"""
    assert {
        "day": date(2026, 1, 2),
        "pair": (1, "x"),
        "unit": Unit.mile,
        "span": Span(1),
        "query": Query(text="t"),
        "place": {"name": "Rome"},
        "note": None,
    } == values_of(act, text)


def test_annotated_fields_are_kept() -> None:
    """Descriptions and bounds of `Annotated` reach the schema and hold."""

    @tool
    def act(size: Annotated[int, Field(ge=1, le=3, description="How large.")]) -> None: ...

    assert {"type": "integer", "minimum": 1, "maximum": 3, "description": "How large."} == (
        act.input_schema["properties"]["size"]
    )
    assert problem_of(act, '{"size": 4}').startswith("/size: ")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"number": "5", "flag": true}', ["/number"]),
        ('{"number": 5.5, "flag": true}', ["/number"]),
        ('{"number": true, "flag": true}', ["/number"]),
        ('{"number": 5, "flag": "yes"}', ["/flag"]),
        ('{"number": 5, "flag": 1}', ["/flag"]),
        ('{"number": null, "flag": null}', ["/number", "/flag"]),
        ('{"number": 5, "flag": true, "tags": ["a", 1]}', ["/tags/1"]),
    ],
)
def test_nothing_is_coerced(text: str, places: list[str]) -> None:
    """`"5"` is not 5; the place is a JSON Pointer (TOOL-008)."""

    @tool
    def act(number: int, flag: bool, tags: list[str] | None = None) -> None: ...

    problem = problem_of(act, text)
    assert places == [part.partition(": ")[0] for part in problem.split("; ")][: len(places)]


def test_parameters_may_have_any_name() -> None:
    """Also those that a model class could not have."""

    @tool
    def act(schema: str, model_config: int, json: bool, _x: float = 0) -> None: ...

    text = '{"schema": "s", "model_config": 1, "json": true, "_x": 2}'
    assert {"schema": "s", "model_config": 1, "json": True, "_x": 2.0} == values_of(act, text)


def test_the_context_is_no_argument() -> None:
    """Bare or with the type of the dependencies."""

    @tool
    def bare(context: ToolContext, text: str) -> None: ...

    @tool
    def typed(context: ToolContext[Span], text: str) -> None: ...

    assert ["text"] == list(bare.input_schema["properties"])
    assert ["text"] == list(typed.input_schema["properties"])
    assert (None, Span) == (bare.deps_type, typed.deps_type)


def test_local_types_can_be_named() -> None:
    """Annotations are strings here; what is visible where the function is defined counts."""

    class Local(BaseModel):
        x: int

    @tool
    def act(value: Local) -> None: ...

    assert {"value": Local(x=1)} == values_of(act, '{"value": {"x": 1}}')


def test_methods_and_callables_can_be_tools() -> None:
    """Bound, they have no `self`."""

    class Store:
        def load(self, key: str) -> str:
            """Load it."""
            return key

        async def __call__(self, key: str) -> str:
            return key

    loaded = tool(Store().load)
    assert ("load", ["key"]) == (loaded.name, list(loaded.input_schema["properties"]))
    called = tool(name="called")(Store())
    checked = called.check('{"key": "a"}')
    assert isinstance(checked, Checked)
    assert "a" == asyncio.run(called.invoke(ToolContext(None), checked))


def unannotated(x):  # noqa: ANN001, ANN201 -- the point
    """Has no types."""


def many(*values: int) -> None:
    """Takes any number."""


def named(**values: int) -> None:
    """Takes any names."""


def positional(x: int, /) -> None:
    """Takes it by position."""


def callback(done: Callable[[], None]) -> None:
    """Takes what JSON cannot carry."""


def late(x: int, context: ToolContext[None]) -> None:
    """Takes its context last."""


def unknown(x: Missing) -> None:  # noqa: F821 -- the point
    """Names what does not exist."""


def generator(x: int) -> Any:
    """Yields."""
    yield x


async def async_generator(x: int) -> Any:
    """Yields."""
    yield x


@pytest.mark.parametrize(
    ("function", "parts"),
    [
        (unannotated, ["tool unannotated", "`x`", "no annotation", "`x: str`"]),
        (many, ["tool many", "`values`", "any number", "Tool.from_schema"]),
        (named, ["tool named", "`values`", "any number", "Tool.from_schema"]),
        (positional, ["tool positional", "`x`", "positional-only", "Remove the `/`"]),
        (callback, ["tool callback", "`done`", "Callable", "Tool.from_schema"]),
        (late, ["tool late", "`context`", "first parameter"]),
        (unknown, ["tool unknown", "'Missing' is not defined", "TYPE_CHECKING"]),
        (generator, ["tool generator", "generator", "ToolContext.progress"]),
        (async_generator, ["tool async_generator", "generator", "ToolContext.progress"]),
    ],
)
def test_what_no_schema_describes_is_said_at_once(
    function: Callable[..., Any], parts: list[str]
) -> None:
    """The message names function, parameter, annotation and remedy."""
    with pytest.raises(UsageError) as raised:
        tool(function)
    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 129, "a.b"])
def test_a_name_is_one_that_every_provider_takes(name: str) -> None:
    """Letters, digits, `_` and `-`."""
    with pytest.raises(UsageError, match="a name has 1 to 128"):
        tool(name=name)(unknown_free)


def unknown_free() -> None:
    """Takes nothing."""


def test_a_time_limit_is_above_zero() -> None:
    """Zero would end every call."""
    with pytest.raises(UsageError, match=r"timeout_s is 0"):
        tool(timeout_s=0)(unknown_free)


@pytest.mark.parametrize(
    "text",
    [
        '{"span": {"start": "1"}, "query": {"text": "t"}}',
        '{"span": {"start": 1}, "query": {"text": 5}}',
        '{"span": {"start": true}, "query": {"text": "t"}}',
    ],
)
def test_nothing_is_coerced_inside_of_records_either(text: str) -> None:
    """Records of their own are held as strictly."""

    @tool
    def act(span: Span, query: Query) -> None: ...

    assert problem_of(act, text).startswith("/")
