"""From what a body returned to what the model is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic_core import PydanticSerializationError, from_json, to_json

from isoloop.contract import (
    AudioBlock,
    DocumentBlock,
    ImageBlock,
    OpaqueBlock,
    TextBlock,
    UnknownBlock,
)
from isoloop.tools._context import ToolResult

if TYPE_CHECKING:
    from isoloop.contract import JsonObject, ResultBlock

_BLOCKS = (TextBlock, ImageBlock, DocumentBlock, AudioBlock, OpaqueBlock, UnknownBlock)


@dataclass(frozen=True, slots=True)
class Returned:
    """A body's return value in the contract's terms."""

    content: list[ResultBlock]
    is_error: bool
    details: JsonObject | None


def returned(value: object) -> Returned:
    """Read a body's return value.

    Raises:
        TypeError: It cannot be written as JSON.
    """
    if isinstance(value, ToolResult):
        details = plain_object(value.details)
        # An empty list is no content here; returned by itself it is a value like any other.
        content: object = value.content
        nothing = content == [] or content == ()  # noqa: PLR1714 -- may be of any type
        return Returned([] if nothing else content_of(content), value.is_error, details)
    return Returned(content_of(value), is_error=False, details=None)


def content_of(value: object) -> list[ResultBlock]:
    """Turn text, blocks or any JSON-able value into content blocks.

    Raises:
        TypeError: The value cannot be written as JSON.
    """
    match value:
        case str():
            return [TextBlock.trusted(text=value)]
        case TextBlock() | ImageBlock() | DocumentBlock() | AudioBlock() | OpaqueBlock():
            return [value]
        case UnknownBlock():
            return [value]
        case list() | tuple() if value and _all_blocks(cast("list[object]", value)):
            return list(cast("list[ResultBlock]", value))
        case _:
            return [TextBlock.trusted(text=_written(value))]


def plain_object(details: JsonObject | None) -> JsonObject | None:
    """Make sure that details are a JSON object, and nobody else's.

    Raises:
        TypeError: They are not.
    """
    if details is None:
        return None
    plain = from_json(_written(details))
    if not isinstance(plain, dict):
        raise TypeError(f"details must be a JSON object, not {type(details).__name__}")
    return cast("JsonObject", plain)


def _all_blocks(values: list[object]) -> bool:
    return all(isinstance(value, _BLOCKS) for value in values)


def _written(value: object) -> str:
    try:
        written = to_json(value, inf_nan_mode="constants")
        if b"NaN" in written or b"Infinity" in written:
            from_json(written, allow_inf_nan=False)  # they are not JSON, except inside of a text
        return written.decode()
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        kind = type(value).__name__
        raise TypeError(
            f"a value of type {kind} cannot be written as JSON ({error}); "
            "return text, JSON-able values, content blocks or a ToolResult"
        ) from error
