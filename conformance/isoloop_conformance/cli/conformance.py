"""`isoloop conformance`: run the suite against a driver."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from isoloop_conformance.cli.options import Parser, Target, add_target, target
from isoloop_conformance.cli.table import PROFILES
from isoloop_conformance.cli.terminal import Terminal
from isoloop_conformance.coverage import Coverage
from isoloop_conformance.drivers import known_failures_of
from isoloop_conformance.loader import CasesError, load_cases, load_levels, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.report import Invocation, ReportFile
from isoloop_conformance.runner import Runner
from isoloop_conformance.variants import DIALECTS, Variant, expand, selected
from isoloop_conformance.verdicts import (
    EXIT_HARNESS,
    EXIT_USAGE,
    CaseOutcome,
    KnownFailures,
    KnownFailuresError,
    exit_code,
    load_known_failures,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def run_conformance(arguments: Sequence[str]) -> int:
    """Run the command; the result is the exit code."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    try:
        requirements = load_requirements(places().contract / "requirements")
        cases = load_cases(places().cases, requirements, places().cassettes)
    except CasesError as error:
        print(error, file=sys.stderr)
        print(f"{error.count}; nothing was run", file=sys.stderr)
        return EXIT_HARNESS
    every = [v for case in cases for v in expand(case)]
    chosen = _chosen(every, options)
    if options.list:
        print(*(v.id for v in chosen), sep="\n")
        return 0
    try:
        aim = target(parser, options)
        known = _known_failures(options, aim)
    except SystemExit as ended:
        return int(ended.code or 0)
    except KnownFailuresError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    if not chosen:
        print("no case matches; `--list` shows them all", file=sys.stderr)
        return EXIT_USAGE
    invocation = Invocation(aim.options, filtered=len(chosen) < len(every))
    terminal = Terminal(invocation, requirements, len(chosen))
    suite = _Suite(aim, options, invocation, terminal, known)
    return asyncio.run(suite.run(chosen, every))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="isoloop conformance",
        description="Run the conformance suite against an implementation.",
        epilog="Exit codes: 0 green, 1 failure, 2 known failures are stale, 3 incomplete (a crash, "
        "a hang, a case that could not run), 4 error of the suite, 5 wrong usage.",
    )
    add_target(parser)
    add = parser.add_argument
    text = "only cases whose id matches, with or without the variant's suffix"
    add("--case", action="append", default=[], metavar="GLOB", help=text)
    add("--profile", action="append", default=[], choices=PROFILES, help="only these profiles")
    add("--dialect", action="append", default=[], choices=DIALECTS, help="only these dialects")
    add("--json", type=Path, metavar="FILE", help="write the report as JSON Lines")
    add("--transcripts", type=Path, metavar="FOLDER", help="write every transcript")
    text = "the known failures of the implementation (default: the file beside its driver)"
    add("--known-failures", type=Path, metavar="FILE", help=text)
    add("--strict", action="store_true", help="a failed `should` counts as a failure")
    add("--list", action="store_true", help="print the ids of the variants, and run nothing")
    return parser


def _chosen(every: list[Variant], options: argparse.Namespace) -> list[Variant]:
    return [
        v
        for v in selected(every, options.case)
        if (not options.profile or v.case["profile"] in options.profile)
        and (not options.dialect or v.dialect in options.dialect)
    ]


def _known_failures(options: argparse.Namespace, aim: Target) -> KnownFailures:
    path = options.known_failures
    if path is None and aim.sdk is not None:
        path = known_failures_of(aim.sdk)
    return load_known_failures(path)


class _Suite:
    def __init__(
        self,
        aim: Target,
        options: argparse.Namespace,
        invocation: Invocation,
        terminal: Terminal,
        known: KnownFailures,
    ) -> None:
        self._aim = aim
        self._options = options
        self._invocation = invocation
        self._terminal = terminal
        self._known = known

    async def run(self, chosen: list[Variant], every: list[Variant]) -> int:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcomes: list[CaseOutcome] = []
        coverage = Coverage(load_levels(places().contract / "requirements"))
        runner = Runner(self._aim.command, self._options.inactivity)
        with contextlib.ExitStack() as stack:
            report = self._report(stack)
            try:
                async for found in runner.run(chosen):
                    outcome = self._known.applied(found)
                    if report is not None and not outcomes:
                        report.start(shlex.join(self._aim.command), runner.sdk, runner.capabilities)
                    outcomes.append(outcome)
                    coverage.take(outcome)
                    self._terminal.case(outcome)
                    self._keep(outcome)
                    if report is not None:
                        report.case(outcome)
            finally:
                await runner.close()
            strangers = self._known.strangers(every)
            for stranger in strangers:
                print(f"{self._known.path}: `{stranger}` is no case of the suite: remove it")
            code = exit_code(outcomes, stale=bool(strangers), strict=self._options.strict)
            duration_ms = round((loop.time() - began) * 1000)
            if report is not None:
                report.end(outcomes, coverage, code, duration_ms)
        self._terminal.end(code, duration_ms, runner.sdk)
        print(coverage)
        return code

    def _report(self, stack: contextlib.ExitStack) -> ReportFile | None:
        if self._options.json is None:
            return None
        stream = stack.enter_context(self._options.json.open("w", encoding="utf-8"))
        return ReportFile(stream, self._invocation)

    def _keep(self, outcome: CaseOutcome) -> None:
        """Write a transcript for those who want to judge it again."""
        if self._options.transcripts is None or not outcome.transcript:
            return
        self._options.transcripts.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(e) + "\n" for e in outcome.transcript)
        path = self._options.transcripts / f"{outcome.variant.id}.jsonl"
        path.write_text("".join(lines), "utf-8")
