"""Steering and follow-ups (CTRL-032 to CTRL-037).

Steering enters at the next boundary between turns. A follow-up enters when the run would otherwise
end. What is still queued when an abort, a limit or a failure ends the run is `undelivered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract.entry import MessagesDeliveredEntry

if TYPE_CHECKING:
    from isoloop.contract.message import UserMessage
    from isoloop.engine._state import Run


def next_delivery(run: Run, *, would_end: bool) -> MessagesDeliveredEntry | None:
    """Say what enters now, at a boundary between turns."""
    if run.steering:
        count = len(run.steering) if run.config.steering_mode == "all" else 1
        return MessagesDeliveredEntry.trusted(queue="steering", count=count)
    if run.follow_ups and would_end:
        count = len(run.follow_ups) if run.config.follow_up_mode == "all" else 1
        return MessagesDeliveredEntry.trusted(queue="follow_up", count=count)
    return None


def undelivered(run: Run) -> list[UserMessage]:
    """List what was queued and never used: steering before follow-ups, each in order."""
    return [*run.steering, *run.follow_ups]
