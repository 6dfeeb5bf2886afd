"""Faults at every point: the events fit the grammar, and the history is valid."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from isoloop import Agent, Allow, ApprovalRequest, Hooks, RunFailed, ToolCall, tool
from isoloop.testing import Call, Fail, Reply, Say, ScriptedModel, Think, Wait
from tests.runtime.kit import collect, echo, ended, environment, save

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop import Event, Message

pytestmark = pytest.mark.slow


@tool(requires_approval=True)
async def act(text: str) -> str:
    """Do something that somebody must allow."""
    return text


async def allow(request: ApprovalRequest) -> Allow:
    """Allow after a moment."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)
    return Allow()


async def look(call: ToolCall) -> None:
    """Take a moment."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)


SCENARIOS: dict[str, Callable[[], Agent[Any, Any]]] = {
    "text": lambda: _agent(Say("a", "b"), Say("c")),
    "thinking": lambda: _agent([Think("hm", signature="s"), "x"]),
    "calls": lambda: _agent(
        ["t", Call("echo", text="1"), Call("echo", text="2"), Call("save", text="3")], "done"
    ),
    "bad calls": lambda: _agent([Call("echo", "{"), Call("nope"), Call("echo", text="1")], "done"),
    "approvals": lambda: _agent([Call("act", text="1"), Call("act", text="2")], "done"),
    "retry": lambda: _agent(Fail("overloaded"), [Wait(100), "x"]),
    "failure": lambda: _agent(Reply("par", Call("echo", text="x"), Fail("server_error"))),
    "pause": lambda: _agent(Reply("a", stop_reason="pause_turn"), "b"),
    "cut": lambda: _agent(Reply("a", Call("echo", text="x"), stop_reason="max_tokens")),
    "hooks": lambda: _agent(
        [Call("echo", text="1"), Call("save", text="3")], "x", hooks=Hooks(before_tool=[look])
    ),
}


def _agent(*replies: Any, **options: Any) -> Agent[Any, Any]:
    return Agent(
        ScriptedModel(replies),
        tools=[echo, save, act],
        approve=allow,
        environment=environment(),
        **options,
    )


@pytest.mark.parametrize("name", SCENARIOS)
async def test_an_abort_at_every_event_leaves_a_valid_history(name: str) -> None:
    """The events fit the grammar, calls have results, the next run works (LOOP-033)."""
    whole = await collect(SCENARIOS[name]().start("hi"))
    for index in range(1, len(whole) + 1):
        handle = SCENARIOS[name]().start("hi")

        def abort(event: Event, number: int, at: int = index, run: Any = handle) -> None:
            if number == at:
                run.abort()

        events = await collect(handle, abort)
        result = await ended(handle)
        if events[-1].seq != len(whole) or index < len(whole) - 2:
            assert result.outcome in {"aborted", "failed", "completed", "incomplete"}
        assert_answered(result.messages)
        again = await Agent(ScriptedModel(["fine"]), environment=environment()).run(
            "again", history=result.messages
        )
        assert "fine" == again.text


@pytest.mark.parametrize("name", SCENARIOS)
async def test_cancellation_at_every_event_leaves_a_valid_history(name: str) -> None:
    """The waiting task is told, the run is closed, and the handle keeps the result."""
    whole = await collect(SCENARIOS[name]().start("hi"))
    for index in range(1, len(whole)):
        handle = SCENARIOS[name]().start("hi")
        reading = asyncio.ensure_future(_until(handle.events(), index))
        await asyncio.wait([reading])
        assert reading.cancelled() or isinstance(reading.exception(), RunFailed | None)
        result = await ended(handle)
        assert_answered(result.messages)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_steering_at_every_event_is_used_or_returned(name: str) -> None:
    """Nothing is silently dropped (LOOP-035)."""
    whole = await collect(SCENARIOS[name]().start("hi"))
    for index in range(1, len(whole)):
        agent = SCENARIOS[name]()
        assert isinstance(agent.model, ScriptedModel)
        handle = agent.start("hi")
        accepted = 0

        def steer(event: Event, number: int, at: int = index, run: Any = handle) -> None:
            nonlocal accepted
            if number == at:
                try:
                    run.steer("mark")
                except Exception:  # noqa: BLE001 -- refused: it was too late
                    return
                accepted += 1

        await collect(handle, steer)
        result = await ended(handle)
        used = sum(
            getattr(message.content[0], "text", "") == "mark"
            for message in result.new_messages
            if message.role == "user"
        )
        assert accepted == used + len(result.undelivered)


async def _until(events: Any, index: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    number = 0
    async for _ in events:
        number += 1
        if number == index:
            task.cancel()
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)


def assert_answered(messages: list[Message]) -> None:
    """Each call is followed by exactly one result, before any other message (LOOP-033)."""
    open_calls: list[str] = []
    for message in messages:
        if message.role == "tool_result":
            assert message.call_id == open_calls.pop(0)
        else:
            assert [] == open_calls
            if message.role == "assistant":
                open_calls = [b.id for b in message.content if b.type == "tool_call"]
    assert [] == open_calls
