"""The contract's schemas, as the tests look at them."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://isoloop.dev/contract/1/"
DOCUMENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "contract" / "schemas").glob("*.json"))
}
_REGISTRY = jsonschema_rs.Registry([(d["$id"], d) for d in DOCUMENTS.values()])


class Named(NamedTuple):
    """A type of the contract, by its module and its name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def schema(self) -> dict[str, Any]:
        """What the contract says about the type."""
        return DOCUMENTS[self.module]["$defs"][self.name]

    def follow(self, reference: str) -> Named:
        """Return the type that `reference` means in this type's document."""
        file, _, name = reference.partition("#/$defs/")
        return Named(file.removesuffix(".json") or self.module, name)


class Fault(NamedTuple):
    """Why a schema refuses an instance: the keyword, and the JSON pointer to what it refuses."""

    keyword: str
    location: str


# Every type of the schemas that models are generated from.
NAMED = [Named(m, name) for m, document in DOCUMENTS.items() for name in document["$defs"]]
RECORDS = [named for named in NAMED if "properties" in named.schema]


@cache
def validator(named: Named) -> jsonschema_rs.Draft202012Validator:
    """Return what judges instances of the type by its schema."""
    schema = {"$ref": f"{ADDRESS}{named.module}.json#/$defs/{named.name}"}
    return jsonschema_rs.Draft202012Validator(schema, registry=_REGISTRY)


@cache
def model(named: Named) -> TypeAdapter[Any]:
    """Return what judges instances of the type by its generated model."""
    return TypeAdapter(
        getattr(importlib.import_module(f"isoloop.contract.{named.module}"), named.name)
    )


def read(named: Named, instance: object) -> Any:
    """Read an instance as it enters from outside: JSON, with the wire's own member names."""
    text = json.dumps(instance)
    return model(named).validate_json(text, by_alias=True, by_name=False)


def write(named: Named, value: object) -> Any:
    """Write a value as it leaves."""
    return json.loads(model(named).dump_json(value))


def faults(named: Named, instance: object) -> set[Fault]:
    """Return what the schema finds wrong.

    A failed union says only that no branch fits. So the branch is picked by the discriminator, and
    judged by itself.
    """
    found: set[Fault] = set()
    for error in validator(named).iter_errors(instance):
        location = _pointer(list(error.instance_path))
        owner, *_, keyword = _keyword_path(error.absolute_keyword_location)
        branch = _branch(owner, keyword, error.instance)
        if branch is None:
            found.add(Fault(keyword, location))
        else:
            inner = faults(branch, error.instance)
            found |= {Fault(f.keyword, location + f.location) for f in inner}
    return found


def _keyword_path(address: str) -> tuple[Named, *tuple[str, ...]]:
    """Split https://.../content.json#/$defs/UserBlock/anyOf: the type, then the way within it."""
    file, _, pointer = address.removeprefix(ADDRESS).partition("#/$defs/")
    name, *steps = pointer.split("/")
    return Named(file.removesuffix(".json"), name), *steps


def _branch(union: Named, keyword: str, instance: Any) -> Named | None:
    """Return the branch of a failed union that was meant, where that can be told."""
    if keyword not in ("oneOf", "anyOf") or not isinstance(instance, dict):
        return None
    branches = [union.follow(branch["$ref"]) for branch in union.schema[keyword]]
    if keyword == "anyOf":
        known, unknown = branches
        refused = unknown.schema["properties"]["type"]["not"]["enum"]
        return known if instance.get("type") in refused else unknown
    member = union.schema["discriminator"]["propertyName"]
    tagged = [(b.schema["properties"][member]["const"], b) for b in branches]
    return next((branch for tag, branch in tagged if tag == instance.get(member)), None)


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
