"""What reading a request gives: a provider-neutral view, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject

Severity: TypeAlias = Literal["provider_rejects", "contract_forbids"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that a request must not be.

    `provider_rejects`: seen to be answered with a 400; `contract_forbids`: stricter than that.
    `evidence` says where it was seen, or which requirement says so, and when that was looked up.
    """

    name: str
    severity: Severity
    evidence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A request breaks a rule."""

    rule: Rule
    text: str

    def __str__(self) -> str:
        return f"{self.rule.severity}/{self.rule.name}: {self.text}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A request, read. `view` is None when the body is no request of the dialect at all."""

    view: JsonObject | None
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> list[str]:
        """The findings as sentences."""
        return [str(finding) for finding in self.findings]
