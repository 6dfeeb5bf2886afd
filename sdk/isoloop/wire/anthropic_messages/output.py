"""Asks for structured output.

    "output_config":{"format":{"type":"json_schema","schema":{…}}}

The API holds the model to a schema only if it knows each of its keywords; a schema with others is refused with a 400.
Such a schema, and a model that is too old, is asked for in words at the end of the instructions. The loop validates
the answer either way (decision 25).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from isoloop.contract import TextBlock
from isoloop.wire._json import encode_text

if TYPE_CHECKING:
    from isoloop.contract import OutputSpec
    from isoloop.wire.anthropic_messages.models import ModelFacts

# What the API knew of JSON Schema on 2026-11-21.
_KNOWN = {
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "definitions",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "title",
    "type",
}


@dataclass(frozen=True, slots=True)
class OutputMembers:
    """How the output is asked for: by members of `output_config`, or by words."""

    members: dict[str, Any]
    instructions: list[TextBlock]


def output_of(spec: OutputSpec | None, facts: ModelFacts) -> OutputMembers:
    """Decide how to ask for a structured output."""
    if spec is None:
        return OutputMembers({}, [])
    if facts.structured_output and _is_known(spec.json_schema):
        return OutputMembers({"format": {"type": "json_schema", "schema": spec.json_schema}}, [])
    text = (
        "When you give your final answer, write one JSON object that is valid against this JSON Schema, "
        f"and nothing else, no code fence either:\n{encode_text(spec.json_schema)}"
    )
    return OutputMembers({}, [TextBlock.trusted(text=text)])


def _is_known(schema: Any) -> bool:
    """Whether the API knows each keyword; an object must forbid other members."""
    if not isinstance(schema, dict):
        return False
    members = cast("dict[str, Any]", schema)
    if not members.keys() <= _KNOWN:
        return False
    if members.get("type") == "object" and members.get("additionalProperties") is not False:
        return False
    inner: list[Any] = []
    for name in ("properties", "$defs", "definitions"):
        inner += cast("dict[str, Any]", members.get(name, {})).values()
    for name in ("anyOf", "allOf"):
        inner += cast("list[Any]", members.get(name, []))
    if "items" in members:
        inner.append(members["items"])
    return all(map(_is_known, inner))
