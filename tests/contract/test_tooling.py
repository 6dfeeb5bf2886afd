"""The contract's linter and generator find what they are there to find."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import contract_lint
import generate
import python_models
from tests.contract.schemas import ROOT

TEXT_BLOCK = "schemas/content.json $defs TextBlock"
BROKEN = {
    f"{TEXT_BLOCK} description": ("", "a description is missing"),
    f"{TEXT_BLOCK} properties text description": ("", "`text` has no description"),
    f"{TEXT_BLOCK} properties snake_case": ({"description": "x"}, "is not camelCase"),
    f"{TEXT_BLOCK} properties text type": (["string", "null"], "never null"),
    f"{TEXT_BLOCK} properties text enum": (["end-turn"], "`end-turn` is not snake_case"),
    f"{TEXT_BLOCK} properties text $ref": ("nowhere.json#/$defs/X", "leads nowhere"),
    f"{TEXT_BLOCK} properties text format": ("uri", "the models cannot say format"),
    f"{TEXT_BLOCK} required": (["type", "txet"], "requires what it does not have: txet"),
    f"{TEXT_BLOCK} properties type const": ("image", "two branches have the same `type`"),
    "schemas/content.json $defs MediaSource discriminator": (None, "without `discriminator`"),
    "schemas/content.json $defs UnknownBlock properties type not": (
        {"enum": ["text"]},
        "does not refuse the known audio, image, opaque, thinking, tool_call",
    ),
    "schemas/common.json $defs Seq maximum": (2**53, "both within 2^53-1"),
    "schemas/common.json $id": ("https://example.com/common.json", "`$id` is not"),
}


@pytest.mark.parametrize(("place", "value", "problem"), [(k, *v) for k, v in BROKEN.items()])
def test_a_broken_rule_is_found(contract: Path, place: str, value: Any, problem: str) -> None:
    """One thing changed in a schema gives a line that says what and where."""
    file, *steps, last = place.split(" ")
    document = json.loads((contract / file).read_text("utf-8"))
    part = document
    for step in steps:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    (contract / file).write_text(json.dumps(document), "utf-8")
    found = contract_lint.lint(contract)
    assert any(line.startswith(f"contract/{file}: ") and problem in line for line in found), found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "XYZ-001"}, "XYZ-001 has not the prefix of the chapter"),
        ({"id": "LOOP-002"}, "LOOP-002 is in contract/requirements/loop.yaml too"),
        ({"level": "MUST"}, '0/level: "MUST" is not one of'),
        ({"text": " "}, "0/text: "),
        ({"since": 1.0}, "0/since: "),
        ({"surplus": 1}, "'surplus' was unexpected"),
    ],
)
def test_a_malformed_requirement_is_found(
    contract: Path, change: dict[str, Any], problem: str
) -> None:
    """A requirement without what it needs gives a line that names it."""
    path = contract / "requirements" / "loop.yaml"
    chapter = yaml.safe_load(path.read_text("utf-8"))
    chapter["sections"][0]["requirements"][0] |= change
    path.write_text(yaml.safe_dump(chapter), "utf-8")
    assert any(problem in line for line in contract_lint.lint(contract))


def test_the_contract_keeps_its_rules(contract: Path) -> None:
    """The contract as it is has no problem."""
    assert [] == contract_lint.lint(contract)


@pytest.mark.slow
def test_drift_is_found_and_mended(
    contract: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stale, a missing and an extra file are reported by --check and mended without it."""
    monkeypatch.setattr(generate, "ROOT", contract.parent)
    assert 0 == generate.main([])
    models = contract.parent / "sdk/isoloop/contract"
    (models / "content.py").write_text("stale\n", "utf-8")
    (models / "event.py").unlink()
    (models / "surplus.py").write_text("", "utf-8")
    assert 1 == generate.main(["--check"])
    printed = capsys.readouterr().out
    for line in ("content.py: stale", "event.py: missing", "surplus.py: extra"):
        assert f"sdk/isoloop/contract/{line}" in printed
    assert "nox -s generate" in printed
    assert 0 == generate.main([])
    assert 0 == generate.main(["--check"])


@pytest.mark.slow
def test_what_the_models_refuse_follows_the_schema(contract: Path) -> None:
    """The names that an unknown type refuses are read from the schema, not kept by hand."""
    path = contract / "schemas" / "content.json"
    document = json.loads(path.read_text("utf-8"))
    document["$defs"]["UnknownBlock"]["properties"]["type"]["not"]["enum"].append("hologram")
    path.write_text(json.dumps(document), "utf-8")
    assert '"hologram"' in python_models.render(contract)["_refined.py"]


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract that a test may break."""
    copy = tmp_path / "contract"
    skipped = shutil.ignore_patterns("fixtures", "__pycache__")
    shutil.copytree(ROOT / "contract", copy, ignore=skipped)
    return copy
