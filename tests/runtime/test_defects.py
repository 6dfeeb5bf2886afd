"""Defects of the loop itself: loud, and never without an end (CTRL-022, CTRL-048)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from isoloop import Environment, InternalError, RunFailed
from isoloop.engine._calls import calls_of
from isoloop.runtime import _drive
from isoloop.runtime._drive import Drive
from isoloop.testing import Call, Fail, Gate, Hold, Say, VirtualClock
from tests.runtime.kit import NOW, collect, echo, ended, results, scripted, types

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop import Event, RunHandle, RunResult


class Defect(Exception):
    """What no part of the loop expects."""


def _break_at(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, when: Callable[..., bool]
) -> None:
    """Let a function raise, once, when something holds of its arguments."""
    whole = getattr(owner, name)
    left = [True]

    def broken(*given: Any, **more: Any) -> Any:
        if left and when(*given):
            left.clear()
            raise Defect("sk-secret")
        return whole(*given, **more)

    monkeypatch.setattr(owner, name, broken)


def _refusing(whole: Any) -> Any:
    def refusing(answer: Any, tools: Any) -> Any:
        found = whole(answer, tools)
        if found:
            raise Defect
        return found

    return refusing


def _assert_failed(result: RunResult[Any], events: list[Event]) -> None:
    end = events[-1]
    assert end.type == "agent_end"
    assert ("failed", "internal") == (end.outcome, getattr(end.error, "code", None))
    assert result.new_messages == list(end.new_messages)
    assert "sk-secret" not in str(end)


@pytest.mark.parametrize(
    "outcome", ["answered", "prepared", "started", "result", "generate_failed", "elapsed"]
)
async def test_a_defect_while_an_outcome_is_taken_closes_the_run(
    outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader gets the end; whoever awaits the result gets an `InternalError`."""
    _break_at(monkeypatch, _drive, "settle", lambda state, key, got, env: got.type == outcome)
    clock = VirtualClock(NOW, auto=True)
    agent = scripted(
        Fail("overloaded"),
        [Say("let me see"), Call("echo", text="1")],
        "done",
        tools=[echo],
        environment=Environment(clock=clock, random=lambda: 0.0),
    )
    handle = agent.start("x")
    events = await collect(handle)
    _assert_failed(await ended(handle), events)
    with pytest.raises(InternalError, match="Please report this") as raised:
        await handle.result()
    assert isinstance(raised.value.__cause__, Defect)
    assert isinstance(raised.value, RunFailed)


async def test_open_calls_of_a_broken_run_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its one result, and the next run works."""
    _break_at(monkeypatch, _drive, "settle", lambda state, key, got, env: got.type == "result")
    agent = scripted([Call("echo", text="1"), Call("echo", text="2")], "fine", tools=[echo])
    handle = agent.start("x")
    events = await collect(handle)
    result = await ended(handle)
    assert [("aborted", "The call was aborted.")] * 2 == results(result)
    _assert_failed(result, events)
    assert "fine" == (await agent.run("again", history=result.messages)).text


@pytest.mark.parametrize("event", ["agent_start", "turn_start", "message_end", "turn_end"])
async def test_a_defect_while_the_log_grows_closes_the_run(
    event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever had been applied before."""
    seen: list[str] = []

    def tells(state: Any, entry: Any, seq: int) -> bool:
        names = {
            "agent_start": "run_started",
            "turn_start": "turn_started",
            "message_end": "answer_received",
            "turn_end": "turn_ended",
        }
        seen.append(entry.payload.type)
        return entry.payload.type == names[event]

    _break_at(monkeypatch, _drive, "events_of", tells)
    handle = scripted("ok").start("x")
    opened = handle.events()
    events = [event async for event in opened]
    _assert_failed(await ended(handle), events)


async def test_an_answer_that_cannot_be_taken_keeps_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its calls are what the engine refuses; they cannot have results then."""
    handle = scripted(["So", Call("echo", text="1")], tools=[echo]).start("x")
    monkeypatch.setattr("isoloop.engine._state.calls_of", _refusing(calls_of))
    events = [event async for event in handle.events()]
    result = await ended(handle)
    _assert_failed(result, events)
    assert "So" == result.text
    assert ["message_start", "message_end"] == [
        t for t in types(events)[types(events).index("turn_start") :] if t.startswith("message_")
    ]


async def test_an_end_that_cannot_be_told_is_told_anyhow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine itself is what breaks, again and again."""

    def broken(*_: object) -> Any:
        raise Defect

    handle = scripted("ok").start("x")
    monkeypatch.setattr(Drive, "_settled", broken)
    monkeypatch.setattr(_drive, "fail", broken)
    events = [event async for event in handle.events()]
    result = await ended(handle)
    _assert_failed(result, events)
    assert events[-1].seq == len(events)


async def test_a_run_whose_last_event_breaks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log says that it is over; its reader hears it too."""
    _break_at(
        monkeypatch,
        _drive,
        "events_of",
        lambda state, entry, seq: entry.payload.type == "run_ended",
    )
    handle = scripted("ok").start("x")
    events = [event async for event in handle.events()]
    _assert_failed(await ended(handle), events)


async def test_a_clock_that_breaks_fails_the_run() -> None:
    """It lies outside model calls, tools and hooks; time stands still from then on."""

    class Broken(VirtualClock):
        async def sleep_until(self, due_ms: int) -> None:
            raise Defect

    agent = scripted(
        Fail("overloaded"), "ok", environment=Environment(clock=Broken(NOW), random=lambda: 0.0)
    )
    handle = agent.start("x")
    events = await collect(handle)
    assert "retry_scheduled" in types(events)
    _assert_failed(await ended(handle), events)


async def test_a_clock_that_breaks_for_good_fails_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end has the last time that was known."""

    def broken(self: VirtualClock) -> int:
        raise Defect

    handle = scripted([Say("a"), Hold(Gate())]).start("x")

    async def read() -> list[Event]:
        events: list[Event] = []
        async for event in handle.events():
            events.append(event)
            if event.type == "text_delta":
                monkeypatch.setattr(VirtualClock, "now_ms", broken)
                with pytest.raises(Defect):
                    handle.steer("more")
        return events

    events = await read()
    _assert_failed(await ended(handle), events)
    assert NOW == events[-1].at


async def test_a_defect_in_a_command_is_told_to_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever gave it, at once, and to whoever awaits the result."""
    handle = scripted([Say("a"), Hold(Gate())]).start("x")

    def steer(event: Event, number: int) -> None:
        if event.type == "text_delta":
            _break_at(monkeypatch, _drive, "admit", lambda *_: True)
            with pytest.raises(Defect):
                handle.steer("more")

    events = await collect(handle, steer)
    result = await ended(handle)
    _assert_failed(result, events)
    assert "a" == result.text


@pytest.mark.parametrize("passes", [0, 1, 2, 3])
def test_an_event_loop_can_be_closed_over_a_run(passes: int) -> None:
    """It stops the run and what the run began, in any order and perhaps before it began."""

    async def main() -> RunHandle[Any]:
        handle = scripted([Say("a"), Hold(Gate())]).start("x")
        for _ in range(passes):
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)
        return handle

    handle = asyncio.run(main())
    assert handle._drive.end is None or "aborted" == handle._drive.end.outcome
