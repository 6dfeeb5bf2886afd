"""The whole line, end to end: the reference SDK behind its driver, every case, every judge."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from isoloop_conformance.cli import main
from isoloop_conformance.doctor import examine
from isoloop_conformance.drivers import command_of
from isoloop_conformance.judge import judge
from isoloop_conformance.loader import load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.runner import Runner
from isoloop_conformance.schemas import problems
from isoloop_conformance.variants import Variant, expand
from isoloop_conformance.verdicts import CaseOutcome
from tests.conformance.perturb import perturbations

pytestmark = pytest.mark.slow  # runs the reference SDK in a process of its own
FIRST = ["loop.single-turn", "loop.tool-round-trip", "control.retry-backoff"]


def test_the_doctor_finds_nothing_wrong_with_the_driver() -> None:
    """Every check of `isoloop doctor` holds."""
    checks = asyncio.run(examine(command_of("python"), 10))
    assert [] == [c for c in checks if not c.ok]
    assert len(checks) >= 10


def test_a_run_writes_a_report_that_is_valid_by_its_schema(tmp_path: Path) -> None:
    """Header, one line per variant, footer; transcripts beside it on request."""
    report, kept = tmp_path / "report.jsonl", tmp_path / "transcripts"
    options = ["--json", str(report), "--transcripts", str(kept), "--dialect", "anthropic-messages"]
    for case in FIRST:
        options += ["--case", case]
    assert 0 == main(["conformance", *options])
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [] == [p for line in lines for p in problems("report.ReportLine", line)]
    assert "report_start" == lines[0]["type"]
    assert "report_end" == lines[-1]["type"]
    assert lines[-1]["counts"] == {"pass": len(lines) - 2}
    transcripts = [p.read_text("utf-8").splitlines() for p in kept.iterdir()]
    entries = [json.loads(line) for lines in transcripts for line in lines]
    assert [] == [p for e in entries for p in problems("transcript.TranscriptEntry", e)]


def test_no_expectation_of_the_suite_is_idle() -> None:
    """Every perturbed leaf of every case turns it red; every listed requirement is asserted.

    Judged against what the reference SDK did, one variant of each case.
    """
    requirements = load_requirements(places().contract / "requirements")
    firsts = [expand(case)[0] for case in load_cases(places().cases, requirements)]
    idle: list[str] = []
    for outcome in asyncio.run(run(firsts)):
        if outcome.verdict != "pass":
            continue  # `nox -s conformance` says so; here nothing could be concluded from it
        variant = outcome.variant
        asserted = {a.requirement for a in outcome.assertions}
        missing = set(variant.case["requirements"]) - asserted
        idle += [f"{variant.case_id}: {r} is listed and not asserted" for r in sorted(missing)]
        idle += [f"{variant.case_id}: {change}" for change in survivors(outcome)]
    assert not idle, "\n".join(idle)


def survivors(outcome: CaseOutcome) -> list[str]:
    """Return the changes of an expectation that nobody notices."""
    old = outcome.variant
    found: list[str] = []
    for change, expect in perturbations(old.case["expect"]):
        case = {**old.case, "expect": expect}
        changed = Variant(old.id, old.dialect, old.delivery, old.chunks, case)
        if all(a.ok for a in judge(changed, outcome.transcript)):
            found.append(change)
    return found


async def run(variants: list[Variant]) -> list[CaseOutcome]:
    """Run variants against the reference SDK."""
    runner = Runner(command_of("python"))
    outcomes = [o async for o in runner.run(variants)]
    await runner.close()
    return outcomes
