"""The contract's fixtures: what is valid, and what is not and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from referencing import Registry, Resource

from tests.contract.schemas import (
    ADDRESS,
    DOCUMENTS,
    NAMED,
    ROOT,
    Fault,
    Named,
    faults,
    read,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

FIXTURES = ROOT / "contract" / "fixtures"
EXPECT = ".expect.json"
# jsonschema takes Python's `$`, which may stand before a last line break; JSON Schema's may not.
LINE_BREAK_AT_THE_END = {"trailing-line-break.json", "name-with-line-break.json"}


def fixtures(kind: str) -> list[Any]:
    """Return the type and the path of each fixture."""
    return [
        pytest.param(
            Named(path.parents[1].name, path.parent.name),
            path,
            id=path.relative_to(FIXTURES / kind).as_posix(),
        )
        for path in sorted((FIXTURES / kind).glob("*/*/*.json"))
        if not path.name.endswith(EXPECT)
    ]


@pytest.mark.parametrize(("named", "path"), fixtures("valid"))
def test_a_valid_fixture_is_accepted_and_kept(named: Named, path: Path) -> None:
    """Schema and model accept it, and the model writes back what it read."""
    instance = _load(path)
    assert set() == faults(named, instance)
    assert instance == write(named, read(named, instance))


@pytest.mark.parametrize(("named", "path"), fixtures("invalid"))
def test_an_invalid_fixture_is_refused_for_its_reason(named: Named, path: Path) -> None:
    """The schema refuses it by exactly the keyword and at the place that it is about."""
    instance = _load(path)
    expected = _load(path.with_name(path.name.replace(".json", EXPECT)))
    assert {Fault(expected["keyword"], expected["location"])} == faults(named, instance)
    with pytest.raises(ValidationError):
        read(named, instance)


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_another_validator_says_the_same(kind: str) -> None:
    """The verdicts are those of JSON Schema, not of one implementation of it."""
    resources = [(d["$id"], Resource.from_contents(d)) for d in DOCUMENTS.values()]
    registry = Registry().with_resources(resources)
    for parameter in fixtures(kind):
        named, path = parameter.values
        schema = {"$ref": f"{ADDRESS}{named.module}.json#/$defs/{named.name}"}
        other = Draft202012Validator(schema, registry=registry)
        accepted = kind == "valid" or path.name in LINE_BREAK_AT_THE_END
        assert accepted == other.is_valid(_load(path)), path


def test_every_expectation_has_its_fixture() -> None:
    """No expectation stands alone, and none has more than a keyword and a location."""
    for path in FIXTURES.glob(f"invalid/*/*/*{EXPECT}"):
        assert path.with_name(path.name.replace(EXPECT, ".json")).is_file(), path
        assert {"keyword", "location"} == _load(path).keys(), path


def test_every_type_has_fixtures() -> None:
    """Each named type is shown once right and once wrong."""
    everything = {Named("common", "JsonValue")}  # nothing is wrong for it
    for kind, exempt in (("valid", set[Named]()), ("invalid", everything)):
        shown = {Named(p.parents[1].name, p.parent.name) for p in (FIXTURES / kind).glob("*/*/*")}
        assert set(NAMED) - exempt == shown, kind


def _load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
