"""The verdict table at the end of a run: a row per profile, a column per dialect."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from isoloop_conformance.variants import DIALECTS
from isoloop_conformance.verdicts import GREEN

if TYPE_CHECKING:
    from isoloop_conformance.verdicts import CaseOutcome

PROFILES = ("call", "stream", "loop", "control", "session", "gateway")
_NOTHING_RAN = "not applicable"


class VerdictTable:
    """Counts verdicts as they come."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Counter[str]] = {}

    def count(self, outcome: CaseOutcome) -> None:
        """Add one outcome to its cell."""
        place = (outcome.variant.case["profile"], outcome.variant.dialect)
        self._cells.setdefault(place, Counter())[outcome.verdict] += 1

    def lines(self) -> list[str]:
        """Return the table's lines, the heading first, without what has no cases."""
        dialects = [d for d in DIALECTS if any(place[1] == d for place in self._cells)]
        profiles = [p for p in PROFILES if any(place[0] == p for place in self._cells)]
        rows = [["profile", *dialects]]
        rows += [
            [p, *(_cell(self._cells.get((p, d), Counter())) for d in dialects)] for p in profiles
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _cell(counts: Counter[str]) -> str:
    """Return what a profile came to in a dialect, the red verdicts first: `2 fail, 51 pass`."""
    ran = [v for v in counts if v != "not_applicable"]
    if not ran:
        return _NOTHING_RAN if counts else ""
    return ", ".join(f"{counts[v]} {v}" for v in sorted(ran, key=lambda v: (v in GREEN, v)))
