"""Holds an answer against the structured output that was asked for (LOOP-055)."""

from __future__ import annotations

import json
from types import UnionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, cast, get_origin

from isoloop.contract import OutputOutcome, OutputSpec, TextBlock
from isoloop.errors import UsageError
from isoloop.tools._check import SchemaCheck, pydantic_problem
from isoloop.wire._arguments import Arguments, read_arguments

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from isoloop.contract import AssistantMessage, JsonObject

T = TypeVar("T")


class Output(Generic[T]):
    """The output that an agent asks for: a type, or a JSON Schema. Compiled once."""

    def __init__(self, wanted: type[T] | UnionType | JsonObject) -> None:
        """Compile what is wanted.

        Raises:
            UsageError: It is not a JSON object's type or schema.
        """
        self._adapter: TypeAdapter[Any] | None = None
        schema: JsonObject
        self._wrapped = _is_union(wanted)
        if isinstance(wanted, dict):
            schema, name = wanted, None
        elif self._wrapped:
            # Providers want an object at the root, not a choice: it goes under one member.
            self._adapter, schema = _compiled(_under_value(wanted))
            name = None
        else:
            kind = cast("type[Any]", wanted)
            self._adapter, schema = _compiled(kind)
            name = kind.__name__
        if schema.get("type") != "object" and "$ref" not in schema:
            raise UsageError(
                f'output: the schema\'s type is {schema.get("type")!r}; it must be "object". '
                "Put the value into a member of an object."
            )
        self._check = SchemaCheck(schema, owner="output")
        self.spec = OutputSpec.trusted(name=name, json_schema=schema)

    def validate(self, answer: AssistantMessage) -> OutputOutcome:
        """Read the text of an answer, strictly."""
        text = "".join(block.text for block in answer.content if isinstance(block, TextBlock))
        if not text.strip():
            return OutputOutcome.trusted(problem="Expected a JSON object, got no text.")
        read = read_arguments(text)
        if not isinstance(read, Arguments):
            return OutputOutcome.trusted(problem=read.text)
        problem = self._check.problem(read.value) or self._type_problem(text)
        if problem:
            return OutputOutcome.trusted(problem=problem)
        return OutputOutcome.trusted(output=read.value)

    def typed(self, output: JsonObject) -> T:
        """Give a valid output as the type that was asked for."""
        if self._adapter is None:
            return cast("T", output)
        read = self._adapter.validate_json(json.dumps(output), strict=True)
        return read.value if self._wrapped else read

    def _type_problem(self, text: str) -> str | None:
        # A type may demand more than its schema says: its own validators.
        if self._adapter is None:
            return None
        from pydantic import ValidationError

        try:
            self._adapter.validate_json(text.strip(), strict=True)
        except ValidationError as error:
            return pydantic_problem(error)
        return None


def _is_union(wanted: object) -> bool:
    return isinstance(wanted, UnionType) or get_origin(wanted) is Union


def _under_value(wanted: Any) -> type[Any]:
    from pydantic import ConfigDict, create_model
    from pydantic.errors import PydanticUserError

    strict = ConfigDict(extra="forbid", strict=True)
    try:
        return create_model("Output", __config__=strict, value=(wanted, ...))
    except PydanticUserError as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"output: no JSON Schema describes {wanted!r} ({first}). "
            "Use a union of pydantic models, dataclasses or TypedDicts."
        ) from error


def _compiled(wanted: type[Any]) -> tuple[TypeAdapter[Any], JsonObject]:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        adapter = TypeAdapter(wanted)
        return adapter, adapter.json_schema()
    except PydanticUserError as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"output: no JSON Schema describes {wanted!r} ({first}). "
            "Use a pydantic model, a dataclass, a TypedDict, or a JSON Schema."
        ) from error
