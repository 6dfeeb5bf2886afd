"""What a run has asserted is counted by what was compared."""

from __future__ import annotations

import re
from pathlib import Path

from isoloop_conformance.coverage import Coverage
from isoloop_conformance.judge import Assertion
from isoloop_conformance.loader import load_levels
from isoloop_conformance.variants import Variant
from isoloop_conformance.verdicts import CaseOutcome

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"LOOP-001": "must", "LOOP-002": "must", "LOOP-003": "should", "LOOP-004": "must"}


def test_nothing_is_asserted_before_anything_was_compared() -> None:
    """A run without an outcome shows nothing."""
    coverage = Coverage(LEVELS)
    assert "requirements asserted: 0 of 4" == str(coverage)
    assert ["LOOP-001", "LOOP-002", "LOOP-004"] == coverage.unasserted("must")


def test_a_comparison_counts_also_when_it_fails_and_only_once() -> None:
    """Asserted is not passed; what a case lists and does not compare is not asserted."""
    coverage = Coverage(LEVELS)
    coverage.take(
        outcome(Assertion("LOOP-001", "a", ok=True), Assertion("LOOP-002", "b", ok=False))
    )
    coverage.take(outcome(Assertion("LOOP-001", "a", ok=True)))
    assert "requirements asserted: 2 of 4" == str(coverage)
    assert ["LOOP-004"] == coverage.unasserted("must")
    assert ["LOOP-003"] == coverage.unasserted("should")


def test_what_is_no_requirement_of_the_contract_does_not_count() -> None:
    """A monitor that names a retired requirement adds nothing."""
    coverage = Coverage(LEVELS)
    coverage.take(outcome(Assertion("LOOP-999", "a", ok=True)))
    assert "requirements asserted: 0 of 4" == str(coverage)


def test_the_page_on_what_no_case_asserts_names_what_exists() -> None:
    """Each row's requirements are in the contract, each test that holds them in the tree."""
    text = (ROOT / "docs/coverage.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| [A-Z]+-[0-9]{3}", line)]
    named = {r for row in rows for r in re.findall(r"[A-Z]+-[0-9]{3}", row)}
    assert named <= load_levels(ROOT / "contract/requirements").keys()
    for row in rows:
        files: list[str] = re.findall(r"`(tests/[^`]+)`", row)
        assert files, row
        texts = [(ROOT / file).read_text("utf-8") for file in files]
        assert all(any(r in t for t in texts) for r in re.findall(r"[A-Z]+-[0-9]{3}", row)), row


def outcome(*assertions: Assertion) -> CaseOutcome:
    """Return an outcome with these assertions."""
    variant = Variant(
        "loop.x@y", "y", "sse", "as_is", {"id": "loop.x", "requirements": ["LOOP-004"]}
    )
    return CaseOutcome(variant, "pass", assertions=list(assertions))
