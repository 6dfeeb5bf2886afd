"""The virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from isoloop.testing import VirtualClock
from tests.runtime.kit import passes


async def sleeper(clock: VirtualClock, due: int, woken: list[tuple[int, int]]) -> None:
    """Sleep and note when we woke."""
    await clock.sleep_until(due)
    woken.append((due, clock.now_ms()))


async def test_it_moves_by_itself_when_nothing_else_is_left() -> None:
    """To each sleeper in the order of time."""
    clock = VirtualClock(0)
    woken: list[tuple[int, int]] = []
    await asyncio.gather(*(sleeper(clock, due, woken) for due in (300, 100, 200, 100)))
    assert [(100, 100), (100, 100), (200, 200), (300, 300)] == woken


async def test_what_has_passed_is_not_waited_for() -> None:
    """The clock stays."""
    clock = VirtualClock(50, auto=False)
    await clock.sleep_until(50)
    assert 50 == clock.now_ms()


async def test_by_hand_it_moves_when_it_is_told_to() -> None:
    """And no further."""
    clock = VirtualClock(0, auto=False)
    woken: list[tuple[int, int]] = []
    tasks = [asyncio.ensure_future(sleeper(clock, due, woken)) for due in (10, 20)]
    await passes()
    assert [10, 20] == clock.waiting
    clock.advance(15)
    await passes()
    assert [(10, 15)] == woken
    clock.advance(5)
    await asyncio.gather(*tasks)
    assert ([(10, 15), (20, 20)], []) == (woken, clock.waiting)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


async def test_it_does_not_move_while_somebody_works() -> None:
    """A sleeper must not overtake what happens now."""
    clock = VirtualClock(0)
    seen: list[int] = []

    async def work() -> None:
        for _ in range(50):
            await passes(1)
            seen.append(clock.now_ms())

    await asyncio.gather(work(), clock.sleep_until(1000))
    assert 1000 == clock.now_ms()
    assert 0 == seen[0]


async def test_a_sleeper_that_left_is_forgotten() -> None:
    """It does not move the clock."""
    clock = VirtualClock(0)
    task = asyncio.ensure_future(clock.sleep_until(10))
    await asyncio.wait([task], timeout=0)
    task.cancel()
    await asyncio.wait([task])
    now = clock.now_ms()
    await passes()
    assert now == clock.now_ms()
    assert [] == clock.waiting
