"""Importing the package, and building an agent, stays light."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp",
    "httpx",
    "isoloop.contract",
    "isoloop.engine",
    "isoloop.transport",
    "isoloop.wire",
    "jsonschema_rs",
    "msgspec",
    "pydantic.main",
}


def modules_after(program: str) -> set[str]:
    """Run a program in a new interpreter and list what it imported."""
    code = f"{program}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "program",
    [
        "from isoloop import Agent, tool",
        "from isoloop import Agent, Limits, Retry; Agent('anthropic:x', limits=Limits())",
        "import isoloop; dir(isoloop)",
    ],
)
def test_what_is_not_needed_yet_is_not_imported(program: str) -> None:
    """Neither the models of the contract, nor HTTP, nor a validator."""
    assert set() == HEAVY & modules_after(program)


def test_a_scripted_run_needs_no_http() -> None:
    """Clients are imported at the first request."""
    program = """
import asyncio
from isoloop import Agent
from isoloop.testing import ScriptedModel
assert "ok" == asyncio.run(Agent(ScriptedModel(["ok"])).run("x")).text
"""
    assert set() == {"aiohttp", "httpx", "jsonschema_rs"} & modules_after(program)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    """Lazy names are no excuse."""
    import isoloop  # noqa: PLC0415 -- what is tested

    with pytest.raises(AttributeError, match="'isoloop' has no attribute 'Nope'"):
        _ = isoloop.Nope  # type: ignore[attr-defined] # the point
    assert sorted(isoloop.__all__, key=str) == isoloop.__all__
