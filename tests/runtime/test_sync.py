"""Runs from code that is not async."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from isoloop import tool
from isoloop.testing import Call
from tests.runtime.kit import scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_runs_share_one_loop_in_a_thread_of_its_own() -> None:
    """So that connections stay open from one to the next."""
    seen: set[tuple[int, str]] = set()

    @tool
    async def look() -> str:
        seen.add((id(asyncio.get_running_loop()), threading.current_thread().name))
        return "ok"

    agent = scripted(Call("look"), "one", Call("look"), "two", tools=[look])
    assert ["one", "two"] == [agent.run_sync("x").text for _ in range(2)]
    assert ["isoloop run_sync"] == [name for _, name in seen]


async def test_it_works_where_a_loop_is_running() -> None:
    """As in a notebook."""
    assert "ok" == scripted("ok").run_sync("x").text


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_closes_the_run_first() -> None:
    """The bodies have been told when `KeyboardInterrupt` is raised."""
    told: list[str] = []

    @tool
    async def slow() -> str:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            told.append("closed")
        return "never"

    agent = scripted(Call("slow"), tools=[slow])
    with pytest.raises(KeyboardInterrupt):
        agent.run_sync("x")
    assert ["closed"] == told


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Undo what a shell does to what runs in its background: there SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
