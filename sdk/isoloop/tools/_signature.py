"""A function's signature, read as the arguments of a tool."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from isoloop.errors import UsageError
from isoloop.tools._context import ToolContext
from isoloop.tools._docstring import read_docstring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import TypeAdapter

    from isoloop.contract import JsonObject


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function's signature and docstring say about its tool."""

    name: str
    description: str
    schema: JsonObject
    arguments: TypeAdapter[dict[str, Any]]
    takes_context: bool
    deps_type: object
    """What the context parameter says about the dependencies; `None` when it says nothing."""


def read_signature(
    function: Callable[..., object], names: Mapping[str, object] | None = None
) -> Signature:
    """Read a function.

    Args:
        function: The body of a tool.
        names: What annotations may refer to beside the function's globals.

    Raises:
        UsageError: A part of the signature cannot become a schema.
    """
    name = getattr(function, "__name__", type(function).__name__)
    _refuse_generators(function, name)
    parameters = list(inspect.signature(function).parameters.values())
    hints = _hints(function, name, names)
    takes_context, deps_type = False, None
    if parameters and _is_context(hints.get(parameters[0].name)):
        takes_context, deps_type = True, _deps_type(hints[parameters[0].name])
        del parameters[0]
    docstring = read_docstring(function.__doc__)
    adapter = _adapter(name, parameters, hints, docstring.arguments)
    return Signature(
        name=name,
        description=docstring.description,
        schema=_schema(name, adapter, parameters),
        arguments=adapter,
        takes_context=takes_context,
        deps_type=deps_type,
    )


def _refuse_generators(function: Callable[..., object], name: str) -> None:
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise UsageError(
            f"tool {name}: the function is a generator, and a call has one result. "
            "Return the result, and report what comes before it with ToolContext.progress."
        )


def _hints(
    function: Callable[..., object], name: str, names: Mapping[str, object] | None
) -> dict[str, Any]:
    # `get_type_hints` reads functions and methods; of other callables the call is what matters.
    described = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(described, localns=dict(names or {}), include_extras=True)
    except NameError as error:
        raise UsageError(
            f"tool {name}: the annotation of a parameter cannot be read: {error}. "
            "Define or import that name where the function is defined, not under TYPE_CHECKING."
        ) from error


def _is_context(hint: object) -> bool:
    return hint is ToolContext or typing.get_origin(hint) is ToolContext


def _deps_type(hint: object) -> object:
    arguments = typing.get_args(hint)
    if not arguments or arguments[0] in {Any, object, type(None)}:
        return None
    return arguments[0]


def _adapter(
    name: str,
    parameters: list[inspect.Parameter],
    hints: dict[str, Any],
    descriptions: dict[str, str],
) -> TypeAdapter[dict[str, Any]]:
    # A TypedDict and not a model: a parameter may be called `schema` or `_x`, and what was left out
    # stays left out, so that the function's own default holds.
    from pydantic import ConfigDict, Field, TypeAdapter
    from pydantic.errors import PydanticUserError
    from typing_extensions import TypedDict

    fields: dict[str, Any] = {}
    for parameter in parameters:
        hint = _checked_hint(name, parameter, hints)
        _buildable(name, parameter.name, hint)
        text = descriptions.get(parameter.name)
        described = typing.Annotated[hint, Field(description=text)] if text else hint
        required = parameter.default is inspect.Parameter.empty
        fields[parameter.name] = described if required else typing.NotRequired[described]
    arguments = cast("Any", TypedDict)(name, fields)
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    try:
        return TypeAdapter(arguments)
    except PydanticUserError as error:
        raise _no_schema(name, None, error) from error


def _checked_hint(name: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> Any:
    what = f"tool {name}: parameter `{parameter.name}`"
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
        raise UsageError(
            f"{what} takes any number of arguments, which no schema describes. "
            "Name each parameter, or use Tool.from_schema."
        )
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise UsageError(
            f"{what} is positional-only, and a model names its arguments. Remove the `/`."
        )
    if parameter.name not in hints:
        raise UsageError(
            f"{what} has no annotation. Write its type, for example `{parameter.name}: str`."
        )
    hint = hints[parameter.name]
    if _is_context(hint):
        raise UsageError(f"{what} is a ToolContext. Make it the first parameter.")
    return hint


def _buildable(name: str, parameter: str, hint: Any) -> None:
    """Try the parameter alone, so that the error can name it."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    if hint is str or hint is int or hint is float or hint is bool:
        return
    try:
        TypeAdapter(hint).json_schema()
    except (PydanticUserError, TypeError) as error:
        raise _no_schema(name, parameter, error, hint) from error


def _no_schema(
    name: str, parameter: str | None, error: Exception, hint: object = None
) -> UsageError:
    shown = getattr(hint, "__name__", None) if isinstance(hint, type) else repr(hint)
    place = f"parameter `{parameter}` has the annotation `{shown}`, and" if parameter else ""
    # Pydantic's first sentence says what it could not do; the next ones advise on its own models.
    reason = str(error).partition("\n")[0].partition(". ")[0]
    return UsageError(
        f"tool {name}: {place} no JSON Schema describes it ({reason}). "
        "Use types that JSON can carry (str, int, list[...], a TypedDict, a dataclass, a pydantic "
        "model), or give a schema of your own with Tool.from_schema."
    )


def _schema(
    name: str,
    adapter: TypeAdapter[dict[str, Any]],
    parameters: list[inspect.Parameter],
) -> JsonObject:
    from pydantic.errors import PydanticUserError
    from pydantic.json_schema import GenerateJsonSchema
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    class Untitled(GenerateJsonSchema):
        """A title repeats the parameter's name, at the price of tokens."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            """Never."""
            del schema
            return False

    try:
        schema: JsonObject = adapter.json_schema(schema_generator=Untitled)
    except PydanticUserError as error:
        raise _no_schema(name, None, error) from error
    schema.pop("title", None)
    schema.setdefault("properties", {})
    for parameter in parameters:
        # The model should know what happens when it leaves the argument out.
        if parameter.default is not inspect.Parameter.empty:
            member = schema["properties"][parameter.name]
            try:
                member.setdefault("default", to_jsonable_python(parameter.default))
            except (PydanticSerializationError, ValueError):
                member.pop("default", None)
    return schema
