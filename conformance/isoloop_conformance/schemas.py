"""Hold values against the contract's schemas, and say what is wrong in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator, Registry, ValidationError

from isoloop_conformance.places import places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoloop_conformance.exact_json import Json

ADDRESS = "https://isoloop.dev/contract/1/"
FOLDERS = ("schemas", "suite")


@dataclass(frozen=True)
class Problem:
    """One departure from a schema."""

    path: tuple[str | int, ...]
    text: str
    remedy: str = ""


def problems(kind: str, value: Json) -> list[Problem]:
    """Return what is wrong with a value, by `file.Definition`, for example `case.Case`."""
    validator = _validator(kind)
    if validator.is_valid(value):
        return []
    return list(_explain(validator.iter_errors(value)))


def is_valid(kind: str, value: Json) -> bool:
    """Whether the value is what the schema says."""
    return _validator(kind).is_valid(value)


def definition(kind: str) -> dict[str, Any]:
    """Return one definition, by `file.Definition`."""
    file, _, name = kind.partition(".")
    return _documents()[f"{ADDRESS}{file}.json"]["$defs"][name]


@cache
def _validator(kind: str) -> Draft202012Validator:
    file, _, name = kind.partition(".")
    return Draft202012Validator(
        {"$ref": f"{ADDRESS}{file}.json#/$defs/{name}"}, registry=_registry()
    )


@cache
def _registry() -> Registry:
    return Registry(list(_documents().items()))


@cache
def _documents() -> dict[str, dict[str, Any]]:
    files = [p for f in FOLDERS for p in sorted((places().contract / f).glob("*.json"))]
    documents = [json.loads(p.read_text("utf-8")) for p in files]
    return {d["$id"]: d for d in documents}


def _explain(
    errors: Iterable[ValidationError], at: tuple[str | int, ...] = ()
) -> Iterable[Problem]:
    for error in errors:
        path = (*at, *error.instance_path)
        branches: list[list[ValidationError]] = getattr(error.kind, "context", [])
        if branches:
            # A branch's errors are placed from the value that the union was held against.
            yield from _explain(_meant(branches), path)
        elif unexpected := getattr(error.kind, "unexpected", []):
            known = ", ".join(sorted(_owner(error)["properties"]))
            for name in unexpected:
                text = f"there is no member `{name}`"
                yield Problem((*path, name), text, f"known are {known}")
        else:
            yield Problem(path, error.message)


def _owner(error: ValidationError) -> dict[str, Any]:
    """Return the schema that has the keyword which an error is about."""
    address, _, pointer = str(error.absolute_keyword_location).partition("#/")
    _, name, *rest = pointer.split("/")
    schema: dict[str, Any] = _documents()[address]["$defs"][name]
    for part in rest[:-1]:
        schema = schema[part]
    return schema


def _meant(branches: list[list[ValidationError]]) -> list[ValidationError]:
    """Choose the branch of a union that the author meant: the one whose tag is right."""

    def distance(branch: list[ValidationError]) -> tuple[int, int]:
        wrong = sum(
            1 for e in branch if not e.instance_path and "type" in e.message.partition("'")[0]
        )
        tags = sum(
            1 for e in branch if e.schema_path[-1:] == ["const"] and len(e.instance_path) <= 1
        )
        shapes = sum(1 for e in branch if e.schema_path[-1:] == ["type"] and not e.instance_path)
        return (wrong + tags + shapes, len(branch))

    return min(branches, key=distance)
