"""The suite notices defects: each mutant of the reference SDK turns its cases red."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isoloop_conformance import strict_yaml
from isoloop_conformance.loader import load_cases, load_requirements

ROOT = Path(__file__).resolve().parents[2]
MUTANTS: list[dict[str, Any]] = strict_yaml.read(
    (ROOT / "conformance/mutants/catalogue.yaml").read_text("utf-8")
).value["mutants"]
NOT_MUTANTS = {"__init__", "plant", "swap"}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m["id"])
def test_a_mutant_fails_its_cases_at_assertions_that_name_its_requirement(
    mutant: dict[str, Any], tmp_path: Path
) -> None:
    """A case that lets its mutant live, or fails for another reason, proves nothing."""
    found = _verdicts(mutant["kills"], tmp_path, mutant["id"])
    assert set(mutant["kills"]) == {line["case"] for line in found}
    for line in found:
        assert (line["id"], "fail") == (line["id"], line["verdict"])
        failed = {name for name, count in line["requirements"].items() if count["failed"]}
        assert mutant["requirement"] in failed, line["id"]


@pytest.mark.slow
def test_the_reference_sdk_passes_the_cases_that_kill_mutants(tmp_path: Path) -> None:
    """What is red without a mutant cannot tell that one was planted."""
    cases = sorted({case for mutant in MUTANTS for case in mutant["kills"]})
    found = _verdicts(cases, tmp_path, "")
    assert set(cases) == {line["case"] for line in found}
    assert [] == [(line["id"], line["verdict"]) for line in found if line["verdict"] != "pass"]


@pytest.mark.slow
def test_an_unknown_mutant_is_no_mutant(tmp_path: Path) -> None:
    """A mistyped name must not look like a suite that notices nothing."""
    found = _verdicts(["loop.single-turn"], tmp_path, "no-such-mutant")
    assert "pass" not in {line["verdict"] for line in found}


def test_the_catalogue_the_modules_and_the_cases_agree() -> None:
    """Each mutant has a module, a requirement that exists, and cases that serve it."""
    requirements = load_requirements(ROOT / "contract/requirements")
    cases = {case["id"]: case for case in load_cases(ROOT / "conformance/cases", requirements)}
    modules = {path.stem for path in (ROOT / "conformance/mutants").glob("*.py")} - NOT_MUTANTS
    assert {mutant["id"].replace("-", "_") for mutant in MUTANTS} == modules
    for mutant in MUTANTS:
        assert mutant["requirement"] in requirements
        for case in mutant["kills"]:
            assert mutant["requirement"] in cases[case]["requirements"], case
    killed = {(case, mutant["id"]) for mutant in MUTANTS for case in mutant["kills"]}
    claimed = {(case["id"], name) for case in cases.values() for name in case.get("kills", [])}
    assert set() == claimed - killed


def _verdicts(cases: list[str], folder: Path, mutant: str) -> list[dict[str, Any]]:
    """Run cases in their Anthropic variants; return the report's lines about them."""
    report = folder / "report.jsonl"
    options = [f"--case={case}" for case in cases]
    environment = {**os.environ, "ISOLOOP_MUTANT": mutant}
    isoloop = Path(sys.executable).with_name("isoloop")
    command = [str(isoloop), "conformance", "--dialect=anthropic-messages"]
    done = subprocess.run(
        [*command, f"--json={report}", *options],
        check=False,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    return [line for line in lines if line["type"] == "case"]
