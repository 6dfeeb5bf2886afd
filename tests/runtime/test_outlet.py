"""The hand-off between a run and the reader of its events."""

from __future__ import annotations

from isoloop.contract import AgentStartEvent
from isoloop.runtime._outlet import FULL, Outlet


async def test_nobody_waits_for_room_once_the_run_is_over() -> None:
    """A body in a thread that reports late is not held for ever by events nobody reads."""
    outlet = Outlet()
    outlet.open()
    outlet.publish(AgentStartEvent(seq=n + 1, run_id="r", at=0) for n in range(FULL))
    told: list[str] = []
    outlet.when_room(lambda: told.append("before"))
    assert told == []
    outlet.close()
    assert told == ["before"]
    outlet.when_room(lambda: told.append("after"))
    assert told == ["before", "after"]
