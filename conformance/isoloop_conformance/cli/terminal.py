"""What a person sees: progress, failures with their timeline, a summary."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

from isoloop_conformance.cli.table import VerdictTable
from isoloop_conformance.exact_json import NotJsonError, exact
from isoloop_conformance.judge.findings import ABSENT
from isoloop_conformance.verdicts import GREEN

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.judge import Assertion
    from isoloop_conformance.report import Invocation
    from isoloop_conformance.verdicts import CaseOutcome

SHOWN_FAILURES = 5
_MARKS = {"pass": ".", "xfail": "x", "not_applicable": "-"}
_COLOURS = {"green": "32", "red": "31", "yellow": "33", "dim": "2"}


class Terminal:
    """Prints a run. On a terminal one line moves; elsewhere lines are only added."""

    def __init__(self, invocation: Invocation, requirements: dict[str, str], total: int) -> None:
        self._invocation = invocation
        self._requirements = requirements
        self._total = total
        self._tty = sys.stdout.isatty()
        self._done = 0
        self._chapter = ""
        self._told = ""
        self._counts: Counter[str] = Counter()
        self._table = VerdictTable()

    def case(self, outcome: CaseOutcome) -> None:
        """Show one outcome."""
        self._done += 1
        self._counts[outcome.verdict] += 1
        self._table.count(outcome)
        if self._tty:
            self._clear()
        else:
            self._mark(outcome)
        told = outcome.detail == self._told and not outcome.failures
        if outcome.verdict not in GREEN and not told:
            self._told = outcome.detail
            if not self._tty:
                print()
                self._chapter = ""
            self._failure(outcome)
        if self._tty:
            self._progress(outcome)

    def end(self, code: int, duration_ms: int, sdk: JsonObject) -> None:
        """Show the summary."""
        if self._tty:
            self._clear()
        elif self._chapter:
            print()
        print("", *self._table.lines(), "", sep="\n")
        name = f"{sdk['name']} {sdk['version']}, {sdk['language']}" if sdk else "unknown driver"
        counted = ", ".join(f"{n} {verdict}" for verdict, n in sorted(self._counts.items()))
        colour = "green" if code == 0 else "red"
        text = f"{self._colour(colour, 'green' if code == 0 else f'red (exit code {code})')}"
        print(f"{name}: {counted} in {duration_ms / 1000:.1f} s: {text}")

    def _mark(self, outcome: CaseOutcome) -> None:
        chapter = outcome.variant.case_id.partition(".")[0]
        if chapter != self._chapter:
            if self._chapter:
                print()
            print(f"{chapter:<12} ", end="")
            self._chapter = chapter
        print(_MARKS.get(outcome.verdict, "F"), end="", flush=True)

    def _failure(self, outcome: CaseOutcome) -> None:
        word = outcome.verdict.upper().replace("_", " ")
        print(self._colour("red", f"{word} {outcome.variant.id}"))
        if outcome.detail:
            print(*(f"  {line}" for line in outcome.detail.splitlines()), sep="\n")
        shown = outcome.failures[:SHOWN_FAILURES]
        for i, failure in enumerate(shown):
            self._assertion(failure, outcome.variant.case["level"])
            # What a requirement says is said once, below the last of its failures.
            if failure.requirement not in {f.requirement for f in shown[i + 1 :]}:
                self._rule(failure.requirement)
        if (more := len(outcome.failures) - SHOWN_FAILURES) > 0:
            print(f"  and {more} more; --json writes them all")
        if outcome.failures:
            print(f"  timeline  {timeline(outcome.transcript)}")
        print(f"  repro     {self._invocation.repro(outcome.variant.id)}\n")

    def _assertion(self, failure: Assertion, level: str) -> None:
        print(f"  {failure.requirement} {level.upper()}  {failure.path}")
        if (failure.want, failure.got) != (ABSENT, ABSENT):
            print(f"    want    {failure.want}\n    got     {failure.got}")
        if failure.why:
            print(f"    why     {failure.why}")

    def _rule(self, requirement: str) -> None:
        if text := self._requirements.get(requirement):
            print(self._colour("dim", f"    rule    {' '.join(text.split())}"))

    def _progress(self, outcome: CaseOutcome) -> None:
        red = sum(n for v, n in self._counts.items() if v not in GREEN)
        text = f"{self._done}/{self._total}  {red} red  {outcome.variant.id}"
        print(text[: shutil.get_terminal_size().columns - 1], end="", flush=True)

    def _clear(self) -> None:
        print("\r\x1b[2K", end="")

    def _colour(self, name: str, text: str) -> str:
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._tty else text


def timeline(transcript: list[JsonObject]) -> str:
    """Return what happened outside the SDK, in one line: times are virtual milliseconds."""
    points: list[str] = []
    for entry in transcript:
        text = _point(entry)
        if text is None:
            continue
        if points and points[-1].partition(" x")[0] == text:
            count = int(points[-1].rpartition(" x")[2]) if " x" in points[-1] else 1
            points[-1] = f"{text} x{count + 1}"
        else:
            points.append(text)
    shown = points if len(points) <= 40 else [*points[:20], "...", *points[-19:]]
    return " · ".join(shown)


def _point(entry: JsonObject) -> str | None:
    match entry["type"]:
        case "sent":
            return _sent(entry["line"], entry["atMs"])
        case "received":
            return _received(entry["line"])
        case "request":
            unexpected = "" if "exchange" in entry else " unexpected"
            return f"{entry['atMs']} request {entry['request']}{unexpected}"
        case "response":
            return f"status {entry['status']}"
        case "gate" | "release":
            return f"{entry['type']} {entry['gate']}"
        case "closed":
            return f"{entry['by']} closed {entry['exchange']}"
        case "noise" | "stalled":
            return str(entry["type"])
        case "step_failed":
            return f"step {entry['step']} failed"
        case "exit":
            return f"exit {entry['status']}"
        case _:
            return None


def _sent(line: JsonObject, at_ms: int) -> str | None:
    match line["type"]:
        case "run" | "abort" | "steer" | "follow_up":
            return f"{at_ms} > {line['type']} {line['run']}"
        case (
            "tool.result" | "tool.raise" | "tool.return" | "hook.result" | "clock.wake" | "approve"
        ):
            return f"> {line['type']}"
        case _:
            return None


def _received(line: JsonObject) -> str | None:
    match line["type"]:
        case "event":
            try:
                kind = exact(line["eventJson"]).get("type", "?")
            except (NotJsonError, AttributeError):
                kind = "?"
            return f"< {kind}"
        case "tool.call" | "hook.call" | "approval.request":
            return f"< {line['type']} {line['callId']}"
        case "clock.sleep":
            return f"< sleep {line['ms']}"
        case "result" | "refused":
            return f"< {line['type']} {line['run']}"
        case "tool.abort" | "clock.abort" | "fatal" | "unsupported":
            return f"< {line['type']}"
        case _:
            return None
