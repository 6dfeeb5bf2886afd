"""The drivers that come with the suite."""

from __future__ import annotations

import asyncio

import pytest

from isoloop_conformance.drivers import command_of, driver_names
from isoloop_conformance.loader import load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.runner import Runner
from isoloop_conformance.variants import expand, selected
from isoloop_conformance.verdicts import CaseOutcome

SINGLE = "loop.single-turn@anthropic-messages+sse"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver", "library"), [("python", "aiohttp/"), ("python-httpx", "python-httpx/")]
)
def test_the_reference_is_driven_on_both_transports(driver: str, library: str) -> None:
    """What carries the requests names itself; so the two drivers are not one by mistake."""
    outcome = asyncio.run(run(driver))
    (request,) = [e for e in outcome.transcript if e["type"] == "request"]
    assert "pass" == outcome.verdict
    assert library in request["headers"]["user-agent"]


def test_every_driver_has_a_command() -> None:
    """The names that `--sdk` takes."""
    assert {"python", "python-httpx"} <= set(driver_names())
    assert all(command_of(name) for name in driver_names())


async def run(driver: str) -> CaseOutcome:
    cases = load_cases(places().cases, load_requirements(places().contract / "requirements"))
    (variant,) = selected([v for case in cases for v in expand(case)], [SINGLE])
    runner = Runner(command_of(driver))
    try:
        (outcome,) = [found async for found in runner.run([variant])]
    finally:
        await runner.close()
    return outcome
