"""The judge: `judge(variant, transcript) -> assertions`. Pure; run once, judge often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.judge.findings import Assertion, Findings
from isoloop_conformance.judge.monitors import monitor
from isoloop_conformance.judge.outside import judge_outside
from isoloop_conformance.judge.requests import judge_repeated_bodies, judge_requests
from isoloop_conformance.judge.runs import RunJudge
from isoloop_conformance.judge.seen import Run, Seen, read

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.variants import Variant

__all__ = ["Assertion", "judge"]


def judge(variant: Variant, transcript: list[JsonObject]) -> list[Assertion]:
    """Compare a transcript with what its case expects, and with what always holds."""
    case = variant.case
    expect = case["expect"]
    findings = Findings(case["requirements"][0], expect.get("requirements", {}))
    seen = read(transcript)
    _steps(findings, variant, seen)
    judge_requests(findings, variant, seen)
    judge_repeated_bodies(findings, variant, seen)
    _runs(findings, variant, seen)
    judge_outside(findings, expect, seen)
    monitor(findings, seen)
    return findings.assertions


def _steps(findings: Findings, variant: Variant, seen: Seen) -> None:
    """Every step that waits for an observation asserts it."""
    for entry in seen.of("step_done"):
        (kind,) = variant.case["steps"][entry["step"]]
        if kind in {"await", "tool", "hook", "approve"}:
            findings.check(f"steps[{entry['step']}]", ok=True)
    for entry in seen.of("step_failed"):
        findings.check(
            f"steps[{entry['step']}]",
            ok=False,
            want=entry["awaited"],
            got="it never came",
            why="; ".join(entry["pending"]) or "nothing is pending",
        )
    ending = seen.ending["ending"]
    if ending in {"unmet", "hang"} and not seen.of("step_failed"):
        want = "the case coming to its end"
        findings.check("case", ok=False, want=want, got=seen.ending.get("detail", ending))


def _runs(findings: Findings, variant: Variant, seen: Seen) -> None:
    expect = variant.case["expect"]
    wanted: dict[str, JsonObject] = dict(expect.get("runs", {}))
    prefix = {name: f"runs.{name}." for name in wanted}
    if expect.keys() & {"events", "result"}:
        first = next((s["run"].get("run", "r1") for s in variant.case["steps"] if "run" in s), "r1")
        wanted[first] = {k: expect[k] for k in ("events", "result") if k in expect}
        prefix[first] = ""
    for name, want in wanted.items():
        run = seen.runs.get(name) or Run(name, "events", {})
        judged = RunJudge(findings, variant, seen, run, prefix[name])
        if "events" in want:
            judged.events(want["events"])
        if "result" in want:
            judged.result(want["result"])
