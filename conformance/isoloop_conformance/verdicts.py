"""Verdicts: what a transcript and its assertions amount to, known failures, exit codes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isoloop_conformance import schemas, strict_yaml
from isoloop_conformance.loader import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.judge import Assertion
    from isoloop_conformance.variants import Variant

GREEN = frozenset({"pass", "xfail", "not_applicable"})
STALE = frozenset({"xfail_changed", "xpass"})
INCOMPLETE = frozenset({"could_not_run", "crash", "hang", "driver_error"})

EXIT_GREEN, EXIT_FAILED, EXIT_STALE, EXIT_INCOMPLETE, EXIT_HARNESS, EXIT_USAGE = range(6)

_BY_ENDING = {
    "crash": "crash",
    "hang": "hang",
    "driver_error": "driver_error",
    "unsupported": "could_not_run",
    "harness_error": "harness_error",
}


@dataclass(frozen=True)
class CaseOutcome:
    """What came of one variant."""

    variant: Variant
    verdict: str
    detail: str = ""
    duration_ms: int = 0
    assertions: list[Assertion] = field(default_factory=list["Assertion"])
    transcript: list[JsonObject] = field(default_factory=list["JsonObject"])

    @property
    def failures(self) -> list[Assertion]:
        """The assertions that do not hold."""
        return [a for a in self.assertions if not a.ok]

    @property
    def fingerprint(self) -> str:
        """What the failure is, without its accidents: equal for equal failures."""
        if self.verdict in {"pass", "not_applicable"}:
            return ""
        if not self.failures:
            return f"{self.verdict}: {self.detail}"
        first, more = self.failures[0], len(self.failures) - 1
        kind = "" if self.verdict in {"fail", "xfail", "xfail_changed"} else f"{self.verdict}: "
        text = f"{kind}{first.requirement} {first.path} want {first.want} got {first.got}"
        return text + (f" (+{more})" if more else "")


def conclude(transcript: list[JsonObject], assertions: list[Assertion]) -> tuple[str, str]:
    """Return the verdict and its detail."""
    end = transcript[-1]
    ending, detail = end.get("ending", "harness_error"), end.get("detail", "")
    noise = [e for e in transcript if e["type"] == "noise"]
    if ending == "crash":
        return "crash", _crash_detail(transcript)
    if noise and ending not in {"unsupported", "harness_error"}:
        return "driver_error", f"{noise[0]['problem']}: {noise[0]['text']!r}"
    if ending in _BY_ENDING:
        return _BY_ENDING[ending], detail
    failed = [a for a in assertions if not a.ok]
    if failed:
        return "fail", f"{len(failed)} of {len(assertions)} assertions do not hold"
    if not assertions:
        return "fail", "nothing was asserted"
    return "pass", ""


def _crash_detail(transcript: list[JsonObject]) -> str:
    exits = [e for e in transcript if e["type"] == "exit"]
    if not exits:
        return transcript[-1].get("detail", "")
    status = exits[0]["status"]
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    tail = exits[0]["stderr"].strip().splitlines()[-1:]
    return f"the driver ended with {how}" + (f": {tail[0]}" if tail else "")


@dataclass
class KnownFailures:
    """The failures that an implementation knows of."""

    path: Path | None = None
    entries: list[JsonObject] = field(default_factory=list["JsonObject"])

    def entry(self, variant: Variant) -> JsonObject | None:
        """Return the entry for a variant: its own, or the one for all variants of its case."""
        for name in (variant.id, f"{variant.case_id}@*"):
            for entry in self.entries:
                if entry["case"] == name:
                    return entry
        return None

    def strangers(self, variants: Iterable[Variant]) -> list[str]:
        """Return the entries that name no case of the suite: retired, or misspelt."""
        known = {name for v in variants for name in (v.id, f"{v.case_id}@*")}
        return [e["case"] for e in self.entries if e["case"] not in known]

    def applied(self, outcome: CaseOutcome) -> CaseOutcome:
        """Return the outcome with its verdict against what is known."""
        entry = self.entry(outcome.variant)
        if entry is None or outcome.verdict in {"not_applicable", "could_not_run", "harness_error"}:
            return outcome
        if outcome.verdict == "pass":
            return _with(outcome, "xpass", "passes, but is listed as a known failure: remove it")
        requirements = {a.requirement for a in outcome.failures}
        same = entry["fingerprint"] == outcome.fingerprint
        if same and (not requirements or entry["requirement"] in requirements):
            return _with(outcome, "xfail", entry["reason"])
        return _with(outcome, "xfail_changed", f"fails otherwise than known: {outcome.fingerprint}")


class KnownFailuresError(Exception):
    """The file of known failures cannot be used."""


def load_known_failures(path: Path | None) -> KnownFailures:
    """Load the file; without one nothing is known.

    Raises:
        KnownFailuresError: The file is missing or malformed.
    """
    if path is None:
        return KnownFailures()
    try:
        document = strict_yaml.read(path.read_text("utf-8"))
    except OSError as error:
        raise KnownFailuresError(f"{path}: {error.strerror}") from None
    except strict_yaml.YamlError as error:
        raise KnownFailuresError(f"{path}:{error.line}: {error.problem}") from None
    if found := schemas.problems("report.KnownFailures", document.value):
        first = found[0]
        line = document.line(first.path)
        raise KnownFailuresError(f"{path}:{line}: {place(first.path)}: {first.text}")
    return KnownFailures(path, document.value["entries"])


def exit_code(outcomes: Sequence[CaseOutcome], *, stale: bool, strict: bool) -> int:
    """Return the exit code: a harness error before a failure, a failure before what is missing."""
    counted = Counter(o.verdict for o in outcomes if _counts(o, strict=strict))
    if counted["harness_error"]:
        return EXIT_HARNESS
    if counted["fail"]:
        return EXIT_FAILED
    if any(counted[v] for v in INCOMPLETE):
        return EXIT_INCOMPLETE
    if stale or any(counted[v] for v in STALE):
        return EXIT_STALE
    # Where nothing is applicable, nothing was shown.
    return EXIT_GREEN if {o.verdict for o in outcomes} - {"not_applicable"} else EXIT_INCOMPLETE


def _counts(outcome: CaseOutcome, *, strict: bool) -> bool:
    level = outcome.variant.case["level"]
    return outcome.verdict != "fail" or level == "must" or (strict and level == "should")


def _with(outcome: CaseOutcome, verdict: str, detail: str) -> CaseOutcome:
    return CaseOutcome(
        outcome.variant,
        verdict,
        detail,
        outcome.duration_ms,
        outcome.assertions,
        outcome.transcript,
    )
