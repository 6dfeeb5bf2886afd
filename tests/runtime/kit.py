"""Short names for what the tests of the runtime say often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from isoloop import Agent, Environment, RunFailed, tool
from isoloop.testing import ScriptedModel, VirtualClock
from tests.engine.grammar import Checker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from isoloop import Event, RunHandle, RunResult

NOW = 1_767_225_600_000


def environment(clock: VirtualClock | None = None) -> Environment:
    """Make an environment without time and chance."""
    numbers = iter(range(1, 1_000_000))
    return Environment(
        clock=clock or VirtualClock(NOW),
        random=lambda: 0.0,
        new_id=lambda prefix: f"{prefix}_{next(numbers)}",
    )


def scripted(*replies: Any, **options: Any) -> Agent[Any, Any]:
    """Make an agent whose model says this."""
    options.setdefault("environment", environment())
    return Agent(ScriptedModel(replies), **options)


def model_of(agent: Agent[Any, Any]) -> ScriptedModel:
    """Give the scripted model of an agent."""
    assert isinstance(agent.model, ScriptedModel)
    return agent.model


def collect(
    handle: RunHandle[Any], at: Callable[[Event, int], object] | None = None
) -> Coroutine[Any, Any, list[Event]]:
    """Open the events of a run now; read all of them and check their grammar when awaited."""
    return _collect(handle.events(), at)


async def _collect(
    opened: AsyncIterator[Event], at: Callable[[Event, int], object] | None
) -> list[Event]:
    checker = Checker()
    events: list[Event] = []
    async for event in opened:
        checker.read(event)
        events.append(event)
        if at is not None:
            at(event, len(events))
    checker.finish()
    return events


async def ended(handle: RunHandle[Any]) -> RunResult[Any]:
    """Wait for a result, of a failed run too."""
    try:
        return await handle.result()
    except RunFailed as failed:
        return failed.result


def types(events: Sequence[Event]) -> list[str]:
    """Name the events."""
    return [event.type for event in events]


def results(result: RunResult[Any]) -> list[tuple[str | None, str]]:
    """Give code and text of each tool result."""
    return [
        (message.code, "".join(block.text for block in message.content if block.type == "text"))
        for message in result.new_messages
        if message.role == "tool_result"
    ]


async def passes(count: int = 20) -> None:
    """Let the event loop go on for a while."""
    for _ in range(count):
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)


@tool(read_only=True)
async def echo(text: str) -> str:
    """Say it again."""
    return text


@tool
async def save(text: str) -> str:
    """Keep it."""
    return f"saved {text}"
