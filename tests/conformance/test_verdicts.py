"""Verdicts, known failures and exit codes, on made-up outcomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from isoloop_conformance.judge import Assertion
from isoloop_conformance.variants import Variant
from isoloop_conformance.verdicts import (
    CaseOutcome,
    KnownFailures,
    KnownFailuresError,
    exit_code,
    load_known_failures,
)

CASE = {"id": "loop.example", "level": "must", "requirements": ["LOOP-001"]}
VARIANT = Variant("loop.example@openai-chat+sse", "openai-chat", "sse", "as_is", CASE)
WRONG = Assertion("LOOP-001", "result.text", ok=False, want='"a"', got='"b"')
OTHER = Assertion("LOOP-001", "result.text", ok=False, want='"a"', got='"c"')
FINGERPRINT = 'LOOP-001 result.text want "a" got "b"'
ENTRY = {
    "case": VARIANT.id,
    "requirement": "LOOP-001",
    "fingerprint": FINGERPRINT,
    "reason": "owner/repo#1",
}


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["pass"], 0),
        (["pass", "xfail", "not_applicable"], 0),
        (["pass", "fail"], 1),
        (["pass", "fail", "crash"], 1),
        (["pass", "xpass"], 2),
        (["pass", "xfail_changed"], 2),
        (["pass", "could_not_run"], 3),
        (["pass", "crash", "xpass"], 3),
        (["pass", "hang"], 3),
        (["pass", "driver_error"], 3),
        (["not_applicable"], 3),
        (["pass", "fail", "harness_error"], 4),
    ],
)
def test_the_exit_code_follows_from_the_verdicts(verdicts: list[str], code: int) -> None:
    """Only pass, xfail and not_applicable are green, and not_applicable alone proves nothing."""
    outcomes = [CaseOutcome(VARIANT, v) for v in verdicts]
    assert code == exit_code(outcomes, stale=False, strict=False)


@pytest.mark.parametrize(
    ("level", "strict", "code"),
    [("must", False, 1), ("should", False, 0), ("should", True, 1), ("may", True, 0)],
)
def test_what_is_not_a_must_fails_a_run_only_on_request(
    level: str, strict: bool, code: int
) -> None:
    """SHOULD counts with --strict, MAY never."""
    variant = dataclasses.replace(VARIANT, case={**CASE, "level": level})
    outcomes = [CaseOutcome(VARIANT, "pass"), CaseOutcome(variant, "fail")]
    assert code == exit_code(outcomes, stale=False, strict=strict)


def test_a_known_failure_that_fails_as_written_is_expected() -> None:
    """Same requirement, same fingerprint."""
    known = KnownFailures(entries=[ENTRY])
    assert "xfail" == known.applied(failed(WRONG)).verdict


def test_a_known_failure_that_fails_otherwise_is_red() -> None:
    """A known failure hides nothing but itself."""
    known = KnownFailures(entries=[ENTRY])
    outcome = known.applied(failed(OTHER))
    assert "xfail_changed" == outcome.verdict
    assert 'got "c"' in outcome.detail
    assert "xfail_changed" == known.applied(failed(WRONG, OTHER)).verdict


def test_a_known_failure_that_passes_is_red() -> None:
    """A list of failures that is not kept up to date is worth nothing."""
    known = KnownFailures(entries=[ENTRY])
    assert "xpass" == known.applied(CaseOutcome(VARIANT, "pass")).verdict


def test_a_known_failure_of_no_case_is_named() -> None:
    """Retired or misspelt ids are stale."""
    known = KnownFailures(entries=[ENTRY, {**ENTRY, "case": "loop.gone@*"}])
    assert ["loop.gone@*"] == known.strangers([VARIANT])


def test_an_entry_may_stand_for_all_variants_of_its_case() -> None:
    """Wildcards reach over the variants of one case, no further."""
    known = KnownFailures(entries=[{**ENTRY, "case": "loop.example@*"}])
    assert "xfail" == known.applied(failed(WRONG)).verdict


def test_a_malformed_file_of_known_failures_is_refused(tmp_path: Path) -> None:
    """An entry without a reason is none."""
    path = tmp_path / "known.yaml"
    path.write_text(
        "format: 1\nsdk: x\nentries:\n  - {case: a.b, requirement: LOOP-001, fingerprint: f}\n"
    )
    with pytest.raises(KnownFailuresError, match=r'known.yaml:4: entries\[0\]: "reason"'):
        load_known_failures(path)


def failed(*assertions: Assertion) -> CaseOutcome:
    """Return a failed outcome."""
    return CaseOutcome(VARIANT, "fail", assertions=list(assertions))
