"""Problems of values, in words for the model: the place, and what is wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import ValidationError

    from isoloop.contract import JsonObject

_SHOWN_PROBLEMS = 5
_SHOWN_CHARACTERS = 300


class SchemaCheck:
    """A JSON Schema (2020-12), compiled once."""

    __slots__ = ("_validator",)

    def __init__(self, schema: JsonObject, *, owner: str) -> None:
        """Compile the schema.

        Raises:
            UsageError: It is not a valid schema, or refers to something outside of itself.
        """
        import jsonschema_rs

        try:
            self._validator = jsonschema_rs.Draft202012Validator(schema, retriever=_no_network)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise UsageError(
                f"{owner}: the schema is not a valid JSON Schema (2020-12): {first}. "
                "Correct it; references must stay inside the schema."
            ) from error

    def problem(self, value: JsonObject) -> str | None:
        """Say what is wrong with a value, or nothing."""
        if self._validator.is_valid(value):
            return None
        errors = self._validator.iter_errors(value)
        return listed((error.instance_path, error.message) for error in errors)


def pydantic_problem(error: ValidationError) -> str:
    """Say what a pydantic type found wrong."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return listed((found["loc"], found["msg"]) for found in errors)


def listed(problems: Iterable[tuple[Sequence[str | int], str]]) -> str:
    """Join problems, each with its place as a JSON Pointer.

    >>> listed([(("limit",), '"5" is not of type "integer"')])
    '/limit: "5" is not of type "integer"'
    """
    parts: list[str] = []
    more = 0
    for path, text in problems:
        if len(parts) == _SHOWN_PROBLEMS:
            more += 1
            continue
        place = "".join(f"/{_escaped(part)}" for part in path)
        shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
        parts.append(f"{place}: {shown}" if place else shown)
    if more:
        parts.append(f"and {more} more")
    return "; ".join(parts)


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _no_network(uri: str, /) -> Any:
    raise ValueError(f"{uri} lies outside the schema")
