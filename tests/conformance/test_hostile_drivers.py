"""Drivers that do everything wrong: none passes anything, and each is told what it did."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from isoloop_conformance.cli import main
from isoloop_conformance.loader import load_cases
from isoloop_conformance.places import places
from isoloop_conformance.runner import Runner
from isoloop_conformance.variants import expand, selected
from isoloop_conformance.verdicts import CaseOutcome, exit_code

DRIVERS = Path(__file__).parent / "drivers"
CASES = ["loop.single-turn@anthropic*", "loop.tool-round-trip@anthropic*", "call.error-401@anth*"]
INACTIVITY_S = 0.4

pytestmark = pytest.mark.slow  # each starts processes


@pytest.mark.parametrize(
    ("name", "verdict", "code", "said"),
    [
        ("absent", "crash", 3, "exit status 0 before saying hello"),
        ("garbage", "driver_error", 3, "instead of `hello`: not JSON: 'Hello, I am a driver!"),
        ("echo", "driver_error", 3, "not of the protocol"),
        ("polite", "fail", 1, "assertions do not hold"),
        ("crashing", "crash", 3, "signal 9: Segmentation fault, almost"),
        ("hanging", "hang", 3, "the result of r1 never came"),
        ("claims_all", "could_not_run", 3, "everything"),
        ("mute", "hang", 3, "the driver never answered `hello`"),
        ("liar", "fail", 1, "assertions do not hold"),
    ],
)
async def test_a_hostile_driver_passes_nothing(
    name: str, verdict: str, code: int, said: str
) -> None:
    """No pass, one clear verdict, a sentence, and an exit code that is not 0."""
    outcomes = await run([sys.executable, str(DRIVERS / f"{name}.py")])
    assert {verdict} == {o.verdict for o in outcomes} - {"not_applicable"}
    assert said in next(o for o in outcomes if o.verdict == verdict).detail
    assert code == exit_code(outcomes, stale=False, strict=False)


async def test_a_command_that_does_not_exist_could_not_run() -> None:
    """Nothing was started, so nothing was tested."""
    outcomes = await run(["/there/is/no/such/driver"])
    assert {"could_not_run"} == {o.verdict for o in outcomes}
    assert "cannot start `/there/is/no/such/driver`" in outcomes[0].detail
    assert 3 == exit_code(outcomes, stale=False, strict=False)


async def test_a_driver_that_crashes_is_started_again_for_the_next_case() -> None:
    """One crash costs one case, not the suite."""
    outcomes = await run([sys.executable, str(DRIVERS / "crashing.py")])
    crashed = [o for o in outcomes if o.verdict == "crash"]
    assert len(crashed) > 1


async def test_after_five_broken_cases_in_a_row_the_driver_is_given_up() -> None:
    """Nobody waits ten seconds for each of a thousand cases."""
    every = [v for case in load_cases(places().cases, {}) for v in expand(case)]
    chosen = selected(every, ["loop.*@anthropic*+sse"])[:12]
    runner = Runner([sys.executable, str(DRIVERS / "crashing.py")], INACTIVITY_S)
    outcomes = [o async for o in runner.run(chosen)]
    await runner.close()
    counted = Counter(o.verdict for o in outcomes)
    assert 5 == counted["crash"]
    assert counted["could_not_run"] > 0


async def test_a_line_without_end_is_cut() -> None:
    """A line longer than 32 MiB is noise; memory stays bounded."""
    outcomes = await run(
        [sys.executable, str(DRIVERS / "flood.py")], ["loop.single-turn@anth*+sse"]
    )
    assert ["driver_error"] == [o.verdict for o in outcomes]
    assert "longer than" in outcomes[0].detail


def test_the_command_line_says_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """The report names the case, the reason and a command that repeats it."""
    driver = f"{sys.executable} {DRIVERS / 'polite.py'}"
    arguments = ["--driver", driver, "--case", "loop.single-turn@anthropic-messages+sse"]
    assert 1 == main(["conformance", *arguments])
    printed = capsys.readouterr().out
    assert "FAIL loop.single-turn@anthropic-messages+sse" in printed
    assert "LOOP-019 MUST" in printed
    assert "repro     isoloop conformance --case" in printed


def test_known_failures_turn_red_cases_green_and_stale_ones_red(tmp_path: Path) -> None:
    """A failure that is listed as it happens is expected; one that no longer happens is not."""
    report, known = tmp_path / "report.jsonl", tmp_path / "known.yaml"
    driver = f"{sys.executable} {DRIVERS / 'polite.py'}"
    options = ["--driver", driver, "--case", "loop.single-turn@anthropic-messages+sse"]
    assert 1 == main(["conformance", *options, "--json", str(report)])
    found = json.loads(report.read_text("utf-8").splitlines()[1])
    entry = {
        "case": found["id"],
        "requirement": found["failures"][0]["requirement"],
        "fingerprint": found["fingerprint"],
        "reason": "owner/repo#1",
    }
    known.write_text(json.dumps({"format": 1, "sdk": "polite", "entries": [entry]}))
    assert 0 == main(["conformance", *options, "--known-failures", str(known)])
    entry["fingerprint"] = "something else"
    known.write_text(json.dumps({"format": 1, "sdk": "polite", "entries": [entry]}))
    assert 2 == main(["conformance", *options, "--known-failures", str(known)])


def test_wrong_usage_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo in a command is no failure of an implementation."""
    assert 5 == main(["conformance", "--case", "no.such-case"])
    assert 5 == main(["conformance", "--no-such-option"])
    assert 5 == main(["conformance", "--sdk", "cobol", "--case", "loop.single-turn"])
    assert "no driver `cobol`" in capsys.readouterr().err


async def run(command: list[str], cases: list[str] | None = None) -> list[CaseOutcome]:
    """Run a few cases against a driver."""
    every = [v for case in load_cases(places().cases, {}) for v in expand(case)]
    runner = Runner(command, INACTIVITY_S)
    outcomes = [o async for o in runner.run(selected(every, cases or CASES))]
    await runner.close()
    assert 0 == sum(1 for o in outcomes if o.verdict == "pass")
    return outcomes
