"""Abort, in every phase, at once (CTRL: abort)."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from isoloop import (
    Agent,
    Allow,
    ApprovalRequest,
    Hooks,
    Refused,
    ToolCall,
    ToolContext,
    tool,
)
from isoloop.testing import Call, Fail, Gate, Hold, Reply, Say, ScriptedModel, VirtualClock
from isoloop.tools._bodies import BODIES
from tests.runtime.kit import (
    collect,
    echo,
    environment,
    model_of,
    passes,
    results,
    scripted,
    types,
)

ABORTED = ("aborted", "The call was aborted.")


async def test_an_abort_right_after_the_start_is_not_lost() -> None:
    """A run without a turn and without a request (CTRL-001)."""
    agent = scripted("never")
    handle = agent.start("hi")
    handle.abort()
    events = await collect(handle)
    assert ["agent_start", "message_start", "message_end", "agent_end"] == types(events)
    assert "aborted" == (await handle.result()).outcome
    assert [] == model_of(agent).requests


async def test_an_abort_while_instructions_are_awaited_ends_the_run() -> None:
    """Even if they ignore it."""
    gate = Gate()

    async def slow(_: object) -> str:
        await gate.pass_through()
        return "late"

    handle = scripted("never", instructions=slow).start("hi")
    await gate.reached()
    handle.abort()
    assert "aborted" == (await handle.result()).outcome


async def test_an_abort_before_the_headers_leaves_no_answer() -> None:
    """The turn ends without a message and without an error (CTRL-002)."""
    gate = Gate()
    handle = scripted([Hold(gate), "never"]).start("hi")
    events = asyncio.ensure_future(collect(handle))
    await gate.reached()
    handle.abort("enough")
    end = (await events)[-2]
    assert end.type == "turn_end"
    assert (None, None) == (end.message, end.error)
    assert [] == (await handle.result()).new_messages


async def test_an_abort_in_the_middle_of_an_answer_keeps_what_arrived() -> None:
    """With stop reason `aborted` (CTRL-003)."""
    gate = Gate()
    handle = scripted([Say("par"), Hold(gate), "never"]).start("hi")
    await gate.reached()
    handle.abort()
    result = await handle.result()
    assert ("aborted", "par") == (result.outcome, result.text)
    assert "aborted" == result.stop_reason


async def test_an_abort_in_the_middle_of_a_calls_arguments_closes_the_call() -> None:
    """It is incomplete, and does not run (CTRL-004)."""
    called = False

    @tool
    async def act(text: str) -> str:
        nonlocal called
        called = True
        return text

    handle = scripted(Call("act", text="a long text"), tools=[act]).start("hi")

    def abort(event: object, number: int) -> None:
        if getattr(event, "type", "") == "tool_call_delta":
            handle.abort()

    events = await collect(handle, abort)
    call = next(event for event in events if event.type == "tool_call_end")
    assert ("incomplete", None) == (call.arguments_state, call.arguments)
    assert [ABORTED] == results(await handle.result())
    assert not called


async def test_an_abort_during_a_gate_runs_nothing_more() -> None:
    """No further hook, no body (CTRL-005)."""
    gate = Gate()
    later: list[str] = []

    async def hold(call: ToolCall) -> None:
        await gate.pass_through()

    async def never(call: ToolCall) -> None:
        later.append(call.id)

    agent = scripted(
        [Call("echo", text="a"), Call("echo", text="b")],
        tools=[echo],
        hooks=Hooks(before_tool=[hold, never]),
    )
    handle = agent.start("hi")
    await gate.reached()
    handle.abort()
    assert [ABORTED, ABORTED] == results(await handle.result())
    assert [] == later


async def test_an_abort_resolves_open_approvals() -> None:
    """As aborted; the approver is told to stop (CTRL-005)."""
    told = asyncio.Event()
    asked = asyncio.Event()

    async def approve(request: ApprovalRequest) -> Allow:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.set()
        return Allow()

    @tool(requires_approval=True)
    async def act() -> str:
        return "done"

    handle = scripted(Call("act"), tools=[act], approve=approve).start("hi")
    reading = asyncio.ensure_future(collect(handle))
    await asked.wait()
    handle.abort()
    events = await reading
    resolved = next(event for event in events if event.type == "approval_resolved")
    assert "aborted" == resolved.resolution
    assert told.is_set()
    assert [ABORTED] == results(await handle.result())


async def test_an_abort_ends_running_bodies_and_keeps_results() -> None:
    """Those that have ended stay; those that have not begun are closed (CTRL-006)."""
    gate = Gate()
    stopped: list[str] = []

    @tool(read_only=True)
    async def quick() -> str:
        return "quick"

    @tool(read_only=True)
    async def slow() -> str:
        try:
            await gate.pass_through()
        except asyncio.CancelledError:
            stopped.append("slow")
            raise
        return "never"

    @tool
    async def after() -> str:
        return "never"

    handle = scripted([Call("quick"), Call("slow"), Call("after")], tools=[quick, slow, after])
    run = handle.start("hi")
    reading = asyncio.ensure_future(collect(run))
    await gate.reached()
    await passes()
    run.abort()
    events = await reading
    ends = [(e.call_id, e.code) for e in events if e.type == "tool_execution_end"]
    assert [("call_1", None), ("call_2", "aborted")] == ends
    assert [(None, "quick"), ABORTED, ABORTED] == results(await run.result())
    assert ["slow"] == stopped


async def test_a_body_that_ignores_its_abort_outlives_the_run_and_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The run does not wait; what the body says is discarded (CTRL-007)."""
    gate = Gate()
    free = asyncio.Event()

    @tool
    async def stubborn(context: ToolContext[object]) -> str:
        while not free.is_set():
            try:
                await gate.pass_through()
                await free.wait()
            except asyncio.CancelledError:
                await context.progress("I go on")
        await context.progress("late")
        return "late"

    handle = scripted(Call("stubborn"), tools=[stubborn]).start("hi")
    reading = asyncio.ensure_future(collect(handle))
    await gate.reached()
    with caplog.at_level(logging.INFO, logger="isoloop.tools"):
        handle.abort()
        result = await handle.result()
        assert [ABORTED] == results(result)
        assert "tool_execution_update" not in types(await reading)
        assert frozenset({"tool stubborn"}) == BODIES.left
        gate.open()
        free.set()
        await passes()
    assert frozenset() == BODIES.left
    assert [
        "tool stubborn ignores its abort and outlives its run",
        "tool stubborn ended after its run; what it says is discarded",
    ] == [record.getMessage() for record in caplog.records]


async def test_a_body_in_a_thread_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    """A thread cannot be stopped; it can look at its context."""
    running = threading.Event()
    seen: list[bool] = []
    ended = threading.Event()

    @tool
    def work(context: ToolContext[object]) -> str:
        running.set()
        while not context.aborted:
            ended.wait(0.001)
        seen.append(context.aborted)
        return "late"

    handle = scripted(Call("work"), tools=[work]).start("hi")
    while not running.is_set():
        await passes(1)
    with caplog.at_level(logging.INFO, logger="isoloop.tools"):
        handle.abort()
        assert [ABORTED] == results(await handle.result())
        while BODIES.left:
            await passes(1)
    assert [True] == seen
    assert "tool work runs in a thread and outlives its call" in caplog.messages


async def test_an_abort_during_back_off_ends_it() -> None:
    """No further request is made."""
    clock = VirtualClock(auto=False)
    agent = scripted(Fail("overloaded"), "never", environment=environment(clock))
    handle = agent.start("hi")
    while not clock.waiting:
        await passes(1)
    handle.abort()
    assert "aborted" == (await handle.result()).outcome
    assert 1 == len(model_of(agent).requests)
    assert [] == clock.waiting


async def test_aborting_twice_or_after_the_end_is_harmless() -> None:
    """Nothing follows `agent_end`."""
    gate = Gate()
    handle = scripted([Hold(gate), "never"]).start("hi")
    await gate.reached()
    handle.abort()
    handle.abort()
    first = await handle.result()
    handle.abort()
    assert first == await handle.result()


async def test_messages_after_an_abort_are_refused_and_earlier_ones_undelivered() -> None:
    """A command that comes too late changes nothing (LOOP-035, LOOP-052)."""
    gate = Gate()
    handle = scripted([Hold(gate), "never"]).start("hi")
    await gate.reached()
    handle.steer("one")
    handle.follow_up("two")
    handle.abort()
    with pytest.raises(Refused) as refused:
        handle.steer("three")
    assert "closing" == refused.value.code
    result = await handle.result()
    assert 2 == len(result.undelivered)
    with pytest.raises(Refused) as refused:
        handle.follow_up("four")
    assert "no_run" == refused.value.code


async def test_messages_queued_before_the_first_step_are_kept() -> None:
    """Also when the run is aborted at once."""
    handle = scripted("never").start("hi")
    handle.steer("one")
    handle.abort()
    result = await handle.result()
    assert "aborted" == result.outcome
    assert 1 == len(result.undelivered)


async def test_an_answer_that_wins_the_race_is_kept() -> None:
    """Its own stop reason stays; the run is aborted all the same (LOOP-027)."""
    handle = scripted("whole").start("hi")

    def abort(event: object, number: int) -> None:
        if getattr(event, "type", "") == "text_end":
            handle.abort()

    await collect(handle, abort)
    assert "aborted" == (await handle.result()).outcome


async def test_the_next_run_on_an_aborted_history_works() -> None:
    """Whatever was cut off."""
    gate = Gate()
    handle = scripted([Say("par"), Call("echo", text="x"), Hold(gate)], tools=[echo]).start("hi")
    await gate.reached()
    handle.abort()
    history = (await handle.result()).messages
    assert "fine" == (await scripted("fine").run("again", history=history)).text


async def test_cancellation_of_run_aborts_it_and_is_raised() -> None:
    """What is open is closed before (CTRL: asyncio)."""
    gate = Gate()
    told: list[str] = []

    @tool
    async def slow() -> str:
        try:
            await gate.pass_through()
        finally:
            told.append("closed")
        return "never"

    task = asyncio.ensure_future(scripted(Call("slow"), tools=[slow]).run("hi"))
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["closed"] == told


async def test_cancellation_while_the_result_is_awaited_keeps_the_result() -> None:
    """The handle has it."""
    gate = Gate()
    handle = scripted([Say("par"), Hold(gate)]).start("hi")
    task = asyncio.ensure_future(handle.result())
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    result = await handle.result()
    assert ("aborted", "par") == (result.outcome, result.text)


async def test_a_time_limit_of_asyncio_works_around_a_run() -> None:
    """`asyncio.timeout` is how Python programs bound things."""
    gate = Gate()
    agent = scripted([Hold(gate), "never"])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await agent.run("hi")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(agent.start("hi").result(), 0)


async def test_leaving_the_handles_block_ends_the_run() -> None:
    """A run belongs to its block."""
    gate = Gate()
    async with scripted([Hold(gate), "never"]).start("hi") as handle:
        await gate.reached()
    assert "aborted" == (await handle.result()).outcome


async def test_cancelled_instructions_give_an_aborted_run() -> None:
    """The run has its end even so."""
    gate = Gate()

    async def slow(_: object) -> str:
        await gate.pass_through()
        return "late"

    task = asyncio.ensure_future(
        Agent(ScriptedModel(["never"]), instructions=slow, environment=environment()).run("hi")
    )
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_tool_that_raises_cancellation_itself_fails() -> None:
    """It is not the run that was told to stop (TOOL-024)."""

    @tool
    async def odd() -> str:
        raise asyncio.CancelledError

    result = await scripted(Call("odd"), "ok", tools=[odd]).run("hi")
    assert [("tool_failed", "The tool failed: asyncio.CancelledError")] == results(result)
    assert "completed" == result.outcome


async def test_an_aborted_reply_keeps_its_reported_blocks_in_order() -> None:
    """Several blocks, the last one open."""
    gate = Gate()
    handle = scripted(Reply("one", Say("two"), Hold(gate))).start("hi")
    await gate.reached()
    handle.abort()
    assert "onetwo" == (await handle.result()).text
