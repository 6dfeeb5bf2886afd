"""Measures isoloop beside yardsticks and peers, and prints one table.

nox -s bench               everything, about ten minutes
nox -s bench -- --quick    fewer rounds and peers' measures left out, under two minutes

CPU time of the client's process is what counts, and only ratios within one run: contenders take
turns, in another order each round, and a figure is the median of its rounds. docs/performance.md
says what the rows mean.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from math import isnan
from statistics import median
from typing import NamedTuple

from tests.bench import alone

ISOLOOP = ("isoloop, aiohttp", "isoloop, httpx")
LOOPS = ("loop, aiohttp", "loop, httpx")
PEERS = ("pydantic-ai", "agno")
OTHER_DIALECTS = ("isoloop, openai-chat", "isoloop, openai-responses")


class Job(NamedTuple):
    """A measure: what is done how often in one round, and by whom."""

    name: str
    job: str
    scenario: str
    times: int
    at_once: int = 1
    contenders: tuple[str, ...] = (*ISOLOOP, *LOOPS)


JOBS = [
    Job("delta", "stream", "text-20000", 2),
    Job("one turn", "run", "text-20", 60),
    Job("200 agents", "run", "tools-5", 1, 200, (ISOLOOP[0], LOOPS[0])),
    *(
        Job(f"tools-{turns}", "run", f"tools-{turns}", times, 1, (ISOLOOP[0], *OTHER_DIALECTS))
        for turns, times in ((1, 30), (10, 12), (50, 5))
    ),
]
# A peer takes seconds for what takes others milliseconds, so it does it once.
PEER_JOBS = [
    Job("delta", "stream", "text-20000", 1, 1, PEERS),
    Job("one turn", "run", "text-20", 15, 1, PEERS),
]


class Workers:
    """The server, and a process for each contender."""

    def __init__(self) -> None:
        self.wrong: dict[str, int] = defaultdict(int)
        self._server = self._start("server")
        assert self._server.stdout is not None
        self._url = f"http://127.0.0.1:{int(self._server.stdout.readline())}"
        self._workers: dict[str, subprocess.Popen[str]] = {}

    def cost_us(self, contender: str, job: Job) -> float:
        """Have a job done; give the median CPU time of one time."""
        worker = self._workers.get(contender)
        if worker is None:
            worker = self._workers[contender] = self._start("worker", contender, self._url)
            self.cost_us(contender, job._replace(times=1, at_once=min(job.at_once, 20)))  # warm
        assert worker.stdin is not None
        assert worker.stdout is not None
        order = {"job": job.job, "scenario": job.scenario, "times": job.times}
        worker.stdin.write(json.dumps({**order, "at_once": job.at_once}) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        if not answer:
            self._workers.pop(contender)
            self.wrong[contender] += 1
            print(f"{contender} broke at {job.name}", file=sys.stderr)
            return float("nan")
        done = json.loads(answer)
        self.wrong[contender] += done["wrong"]
        return median(done["cpu_s"]) * 1e6

    def close(self) -> None:
        """End every process by the end of its input."""
        for process in (*self._workers.values(), self._server):
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)

    @staticmethod
    def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


class Figures:
    """Costs by job and contender, a list of one per round."""

    def __init__(self) -> None:
        self._us: dict[tuple[str, str], list[float]] = defaultdict(list)

    def take(self, workers: Workers, jobs: list[Job], rounds: int) -> None:
        """Measure."""
        for number in range(rounds):
            for job in jobs:
                order = list(job.contenders)
                random.Random(number).shuffle(order)
                for contender in order:
                    self._us[job.name, contender].append(workers.cost_us(contender, job))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)

    def us(self, job: str, contender: str) -> float:
        """Give the median; infinite for who broke."""
        values = self._us[job, contender]
        return median(float("inf") if isnan(value) else value for value in values)

    def ratio(self, job: str, contender: str, yardstick: str) -> float:
        """Give the median of the ratios within a round: the machine's mood cancels out."""
        pairs = zip(self._us[job, contender], self._us[job, yardstick], strict=True)
        return median(mine / theirs for mine, theirs in pairs)

    def growth(self, contender: str) -> float:
        """Compare the slope from 10 to 50 tool turns with that from 1 to 10."""
        one, ten, fifty = (self._us[f"tools-{turns}", contender] for turns in (1, 10, 50))
        return median(
            ((c - b) / 40) / ((b - a) / 9) for a, b, c in zip(one, ten, fifty, strict=True)
        )


class Row(NamedTuple):
    """A line of the table."""

    what: str
    budget: str
    measured: str
    verdict: str


def at_most(what: str, bound: float, value: float, unit: str = "x", note: str = "") -> Row:
    """Judge a figure that should be small."""
    verdict = "met" if value <= bound else f"{(value / bound - 1) * 100:.0f} % over"
    if value != value:  # noqa: PLR0124 -- not a number: a contender broke
        verdict = "not measured"
    return Row(what, f"<= {bound:g}{unit}", f"{value:.3g}{unit}{note}", verdict)


def at_least(what: str, bound: float, value: float, note: str) -> Row:
    """Judge a figure that should be large."""
    verdict = "met" if value >= bound else f"{(1 - value / bound) * 100:.0f} % short"
    return Row(what, f">= {bound:g}x", f"{value:.3g}x{note}", verdict)


def table(figures: Figures, *, peers: bool, dialects: list[str], rounds: int) -> list[Row]:
    """Judge every budget of the design."""
    rows: list[Row] = []
    names = {"aiohttp": "with `fast`", "httpx": "by httpx"}
    for job, what, per, bounds in (
        ("delta", "streamed delta (20,000 in one answer)", 20_000, {"aiohttp": 1.5, "httpx": 1.25}),
        ("one turn", "one-turn run", 1, {"aiohttp": 1.5, "httpx": 1.2}),
        ("200 agents", "200 agents, 1,200 requests", 1200, {"aiohttp": 1.5}),
    ):
        for client, bound in bounds.items():
            mine, loop = f"isoloop, {client}", f"loop, {client}"
            note = f" ({figures.us(job, mine) / per:.3g} us / {figures.us(job, loop) / per:.3g} us)"
            ratio = figures.ratio(job, mine, loop)
            rows.append(at_most(f"{what}, {names[client]} / loop", bound, ratio, note=note))
        if peers and job != "200 agents":
            best = min(PEERS, key=lambda peer: figures.us(job, peer))
            for client in bounds:
                cost = figures.us(job, best)
                note = f" ({best}: {cost / per:.3g} us)"
                less = cost / figures.us(job, f"isoloop, {client}")
                bound = 8 if job == "delta" else 1
                rows.append(at_least(f"{what}, best peer / {names[client]}", bound, less, note))
    for name in (ISOLOOP[0], *dialects):
        what = "anthropic" if name == ISOLOOP[0] else name.split(", ")[1]
        growth = figures.growth(name)
        note = (
            f" ({(figures.us('tools-10', name) - figures.us('tools-1', name)) / 9:.3g} us a turn)"
        )
        rows.append(at_most(f"slope 10->50 / 1->10 tool turns, {what}", 1.2, growth, note=note))
    engine, agent = alone.measured("engine"), alone.measured("agent")
    rows += [
        at_most("engine, a turn without calls (guide)", 25, engine["us"], " us"),
        at_most("engine, turn 400 / turn 25", 1.2, engine["ratio"]),
        at_most("building an agent (guide)", 30, agent["us"], " us"),
        at_most("idle agent (guide)", 4096, agent["bytes"], " bytes"),
        at_most("import Agent, tool / import asyncio, pydantic", 1.3, alone.import_ratio(rounds)),
        Row("stored log", "~400 bytes a turn", "-", "not built yet"),
    ]
    return rows


def main() -> int:
    """Measure, print, and fail only if somebody gave wrong answers."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes, without peers")
    parser.add_argument("--rounds", type=int, help="how often each measure is taken")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 7)
    figures, workers = Figures(), Workers()
    try:
        dialects = [name for name in OTHER_DIALECTS if speaks(name.split(", ")[1])]
        jobs = [
            job._replace(
                contenders=tuple(
                    name
                    for name in job.contenders
                    if name in dialects or name not in OTHER_DIALECTS
                )
            )
            for job in JOBS
        ]
        figures.take(workers, jobs, rounds)
        if not options.quick:
            figures.take(workers, PEER_JOBS, 2)
    finally:
        workers.close()
    rows = table(figures, peers=not options.quick, dialects=dialects, rounds=rounds)
    if not options.quick:
        suite = alone.conformance()
        rows.append(at_most(f"conformance ({suite['said']})", 60, suite["s"], " s"))
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, {rounds} rounds\n")
    show([Row("what", "budget", "measured", "verdict"), *rows])
    wrong = {name: count for name, count in workers.wrong.items() if count}
    if wrong:
        print(f"\nWRONG ANSWERS: {wrong}")
    return 1 if wrong else 0


def speaks(prefix: str) -> bool:
    """Whether isoloop speaks this dialect by now."""
    from isoloop import Model, UsageError

    try:
        Model(f"{prefix}:bench")
    except UsageError:
        return False
    return True


def show(rows: list[Row]) -> None:
    """Print columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
