"""The verdict table at the end of a run."""

from __future__ import annotations

from isoloop_conformance.cli.table import VerdictTable
from isoloop_conformance.variants import Variant
from isoloop_conformance.verdicts import CaseOutcome


def test_a_profile_has_a_row_and_a_dialect_a_column() -> None:
    """What failed comes first in a cell; what no driver claims is said so."""
    table = VerdictTable()
    for profile, dialect, verdict in (
        ("loop", "anthropic-messages", "pass"),
        ("loop", "anthropic-messages", "fail"),
        ("loop", "anthropic-messages", "pass"),
        ("loop", "openai-chat", "not_applicable"),
        ("call", "anthropic-messages", "pass"),
    ):
        table.count(_outcome(profile, dialect, verdict))
    assert table.lines() == [
        "profile  anthropic-messages  openai-chat",
        "call     1 pass",
        "loop     1 fail, 2 pass      not applicable",
    ]


def _outcome(profile: str, dialect: str, verdict: str) -> CaseOutcome:
    case = {"id": "loop.any", "profile": profile}
    return CaseOutcome(Variant("loop.any", dialect, "sse", "as_is", case), verdict)
