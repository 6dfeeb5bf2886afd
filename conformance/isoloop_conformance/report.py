"""The report as JSON Lines: a header, one line per variant, a footer. No footer: incomplete."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from isoloop_conformance import CONTRACT_VERSION, SUITE_VERSION
from isoloop_conformance.places import places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoloop_conformance.coverage import Coverage
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.verdicts import CaseOutcome


@dataclass(frozen=True)
class Invocation:
    """How the suite was called; what a repro command is made of."""

    driver_options: str
    filtered: bool

    def repro(self, variant_id: str) -> str:
        """Return a command that repeats one variant."""
        return f"isoloop conformance --case '{variant_id}' {self.driver_options}"


class ReportFile:
    """Writes a report while the suite runs."""

    def __init__(self, stream: IO[str], invocation: Invocation) -> None:
        self._stream = stream
        self._invocation = invocation

    def start(self, driver: str, sdk: JsonObject, capabilities: JsonObject) -> None:
        """Write the header."""
        line: JsonObject = {
            "type": "report_start",
            "format": 1,
            "suite": SUITE_VERSION,
            "contract": CONTRACT_VERSION,
            "suiteDigest": suite_digest(),
            "driver": driver,
            "filtered": self._invocation.filtered,
            "platform": f"{platform.system()} {platform.machine()}",
        }
        if sdk:
            line |= {"sdk": sdk, "capabilities": capabilities}
        self._write(line)

    def case(self, outcome: CaseOutcome) -> None:
        """Write one variant's line."""
        self._write(case_line(outcome, self._invocation))

    def end(
        self, outcomes: Iterable[CaseOutcome], coverage: Coverage, code: int, duration_ms: int
    ) -> None:
        """Write the footer."""
        counts = dict(sorted(Counter(o.verdict for o in outcomes).items()))
        line: JsonObject = {"type": "report_end", "counts": counts, "exitCode": code}
        self._write({**line, "durationMs": duration_ms, "unasserted": coverage.unasserted("must")})

    def _write(self, line: JsonObject) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


def case_line(outcome: CaseOutcome, invocation: Invocation) -> JsonObject:
    """Return one variant's line."""
    case = outcome.variant.case
    held = Counter(a.requirement for a in outcome.assertions if a.ok)
    failed = Counter(a.requirement for a in outcome.failures)
    line: JsonObject = {
        "type": "case",
        "id": outcome.variant.id,
        "case": outcome.variant.case_id,
        "profile": case["profile"],
        "level": case["level"],
        "verdict": outcome.verdict,
        "durationMs": outcome.duration_ms,
        "requirements": {r: {"ok": held[r], "failed": failed[r]} for r in sorted({*held, *failed})},
        "failures": [
            {"requirement": a.requirement, "path": a.path, "ok": a.ok}
            | {"want": a.want, "got": a.got, "why": a.why}
            for a in outcome.failures
        ],
    }
    if outcome.detail:
        line["detail"] = outcome.detail
    if outcome.verdict not in {"pass", "not_applicable"}:
        line["fingerprint"] = outcome.fingerprint
        line["repro"] = invocation.repro(outcome.variant.id)
    return line


def suite_digest() -> str:
    """Return a digest of everything that decides a verdict: contract, cases, cassettes."""
    digest = hashlib.sha256()
    where = places()
    for folder in (where.contract, where.cases, where.cassettes):
        for path in sorted(p for p in folder.rglob("*") if p.suffix in {".json", ".yaml"}):
            name = path.relative_to(folder.parent).as_posix()
            content = path.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return f"sha256:{digest.hexdigest()}"
