"""The contract's fixtures: what is valid, and what is not and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from tests.contract.schemas import NAMED, ROOT, Fault, Named, faults, read, write

if TYPE_CHECKING:
    from pathlib import Path

FIXTURES = ROOT / "contract" / "fixtures"
EXPECT = ".expect.json"


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
