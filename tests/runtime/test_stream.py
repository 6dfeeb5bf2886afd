"""The hand-off of events: one reader, and real back-pressure (STREAM: consumers)."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing

import pytest

from isoloop import RunFailed, ToolContext, UsageError, tool
from isoloop.runtime._outlet import FULL
from isoloop.testing import Call, Fail, Gate, Hold, Reply, Say
from tests.runtime.kit import collect, echo, model_of, passes, results, scripted, types


async def test_a_stream_begins_at_the_first_pull() -> None:
    """Nothing happens before."""
    agent = scripted("hi")
    stream = agent.stream("x")
    await passes()
    assert [] == model_of(agent).requests
    assert "agent_start" == (await anext(stream)).type
    await stream.aclose()


async def test_a_stream_gives_the_same_events_as_a_handle() -> None:
    """One code path."""
    replies = [Call("echo", text="x"), "done"]
    first = [event async for event in scripted(*replies, tools=[echo]).stream("x")]
    second = await collect(scripted(*replies, tools=[echo]).start("x"))
    assert second == first


async def test_a_stream_raises_a_failure_after_its_last_event() -> None:
    """The consumer sees `agent_end` first."""
    stream = scripted(Fail("authentication")).stream("x")
    while (await anext(stream)).type != "agent_end":
        pass
    with pytest.raises(RunFailed):
        await anext(stream)


async def test_leaving_a_stream_early_aborts_the_run() -> None:
    """Also by `break`, without closing it by hand."""
    gate = Gate()
    closed: list[str] = []

    @tool
    async def slow() -> str:
        try:
            await gate.pass_through()
        finally:
            closed.append("tool")
        return ""

    async for event in scripted(Call("slow"), tools=[slow]).stream("x"):
        if event.type == "tool_execution_start":
            break
    await gate.reached()
    await passes()
    assert ["tool"] == closed


async def test_an_exception_of_the_consumer_aborts_the_run() -> None:
    """And is raised as it is."""
    gate = Gate()
    agent = scripted([Say("a"), Hold(gate), "never"])

    async def consume() -> None:
        async with aclosing(agent.stream("x")) as stream:
            async for event in stream:
                if event.type == "text_delta":
                    raise KeyError("mine")

    with pytest.raises(KeyError):
        await consume()


async def test_a_handle_whose_reader_leaves_is_aborted() -> None:
    """The result says so."""
    gate = Gate()
    handle = scripted([Say("a"), Hold(gate), "never"]).start("x")
    async with aclosing(handle.events()) as events:
        async for event in events:
            if event.type == "text_delta":
                break
    result = await handle.result()
    assert ("aborted", "a") == (result.outcome, result.text)


async def test_events_that_are_opened_and_dropped_unread_abort_the_run() -> None:
    """Otherwise it would wait for a reader for ever."""
    handle = scripted(*[Say(*"x" * 1000)]).start("x")
    handle.events()
    gc.collect()
    assert "aborted" == (await handle.result()).outcome


async def test_there_is_one_reader() -> None:
    """The second one is told what to do instead."""
    handle = scripted("ok").start("x")
    events = handle.events()
    with pytest.raises(UsageError, match="A run has one reader"):
        handle.events()
    assert "agent_end" == [event async for event in events][-1].type


async def test_a_late_reader_is_told_that_it_is_late() -> None:
    """Events would be missing."""
    handle = scripted("ok").start("x")
    await handle.result()
    with pytest.raises(UsageError, match=r"Call events\(\) right after start\(\)"):
        handle.events()


async def test_a_reader_that_pauses_stops_the_model() -> None:
    """At most one full buffer is taken (STREAM: back-pressure)."""
    handle = scripted(Say(*"x" * 5000)).start("x")
    events = handle.events()
    taken = [await anext(events) for _ in range(10)]
    await passes(2000)
    assert FULL <= len(handle._drive.outlet.buffer) <= FULL + 1
    rest = [event async for event in events]
    assert 5000 == sum(event.type == "text_delta" for event in [*taken, *rest])


async def test_awaiting_only_the_result_never_waits_for_a_reader() -> None:
    """However much is said."""
    assert 5000 == len((await scripted(Say(*"x" * 5000)).start("x").result()).text)
    assert 5000 == len((await scripted(Say(*"x" * 5000)).run("x")).text)


async def test_an_abort_does_not_wait_for_a_paused_reader() -> None:
    """The closing events are there when it goes on."""
    handle = scripted(Say(*"x" * 5000)).start("x")
    events = handle.events()
    await anext(events)
    await passes(500)
    handle.abort()
    assert "aborted" == (await handle.result()).outcome
    rest = [event async for event in events]
    assert "agent_end" == rest[-1].type
    assert list(range(2, len(rest) + 2)) == [event.seq for event in rest]


async def test_progress_waits_for_a_paused_reader() -> None:
    """When it is awaited."""
    reported = 0

    @tool
    async def chatty(context: ToolContext[object]) -> str:
        nonlocal reported
        for _ in range(1000):
            await context.progress("more")
            reported += 1
        return "done"

    handle = scripted(Call("chatty"), "ok", tools=[chatty]).start("x")
    events = handle.events()
    while (await anext(events)).type != "tool_execution_start":
        pass
    await passes(500)
    assert 0 < reported <= FULL
    rest = [event async for event in events]
    assert 1000 == sum(event.type == "tool_execution_update" for event in rest)


async def test_progress_of_a_thread_waits_in_its_thread() -> None:
    """Back-pressure is the same, and so is the order."""

    @tool
    def chatty(context: ToolContext[object]) -> str:
        for number in range(300):
            context.progress(str(number), details={"number": number})
        return "done"

    events = await collect(scripted(Call("chatty"), "ok", tools=[chatty]).start("x"))
    numbers = [e.details for e in events if e.type == "tool_execution_update"]
    assert [{"number": number} for number in range(300)] == numbers


async def test_a_batch_is_delivered_without_a_switch_for_each_delta() -> None:
    """A reader that keeps up takes a network chunk in one go."""
    passes_made = 0
    counting = True

    async def count() -> None:
        nonlocal passes_made
        while counting:
            passes_made += 1
            await passes(1)

    task = asyncio.ensure_future(count())
    events = await collect(scripted(Say(*"x" * 3000, at_once=True)).start("x"))
    counting = False
    await task
    assert 3000 == sum(event.type == "text_delta" for event in events)
    assert passes_made < 100


async def test_what_keeps_a_run_from_beginning_is_raised_to_the_reader() -> None:
    """And to whoever awaits the result."""
    handle = scripted("ok").start([])
    with pytest.raises(UsageError, match="input"):
        await collect(handle)
    with pytest.raises(UsageError):
        await handle.result()


async def test_a_failed_run_raises_from_its_result_only() -> None:
    """`events()` ends with `agent_end`."""
    handle = scripted(Reply("x", Fail("server_error"))).start("x")
    assert "agent_end" == types(await collect(handle))[-1]
    with pytest.raises(RunFailed):
        await handle.result()


async def test_a_run_whose_handle_is_dropped_goes_on() -> None:
    """It has an owner of its own."""
    ended = asyncio.Event()

    @tool
    async def act() -> str:
        ended.set()
        return ""

    agent = scripted(Call("act"), "ok", tools=[act])
    agent.start("x")
    gc.collect()
    await ended.wait()
    await passes()
    assert 2 == len(model_of(agent).requests)


async def test_parallel_reads_of_two_runs_do_not_mix() -> None:
    """Each run has its own hand-off."""
    agent = scripted("a", "b")
    first, second = agent.start("x"), agent.start("y")
    events = await asyncio.gather(collect(first), collect(second))
    assert [{first.run_id}, {second.run_id}] == [{e.run_id for e in part} for part in events]
    assert [] == results(await first.result())
