"""Which requirements a run has asserted: what was compared counts, not what a case lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop_conformance.verdicts import CaseOutcome


@dataclass
class Coverage:
    """Grows with each outcome. `levels`: the level of every requirement of the contract, by id."""

    levels: Mapping[str, str]
    _asserted: set[str] = field(default_factory=set[str])

    def take(self, outcome: CaseOutcome) -> None:
        """Count what one variant has asserted."""
        self._asserted |= {a.requirement for a in outcome.assertions} & self.levels.keys()

    def unasserted(self, level: str) -> list[str]:
        """Return the requirements of a level that nothing was compared for."""
        return sorted(r for r, of in self.levels.items() if of == level and r not in self._asserted)

    def __str__(self) -> str:
        return f"requirements asserted: {len(self._asserted)} of {len(self.levels)}"
