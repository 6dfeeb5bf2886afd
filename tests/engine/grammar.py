"""The grammar of a run's events (DESIGN, LOOP-007 to LOOP-018), checked without the engine.

    run      = agent_start message* (turn message*)* agent_end
    message  = message_start message_end
    turn     = turn_start retry_scheduled* answer? calls? turn_end
    answer   = message_start block-events message_end
    block    = {text|thinking|tool_call}_start _delta* _end | opaque_start opaque_end
    calls    = { (approval_requested approval_resolved)? (tool_execution_start
               tool_execution_update* tool_execution_end)? } interleaved, then a message per call

The checker keeps a stack of what is open, and for each call of the turn where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract.event import Event
    from isoloop.contract.message import Message

_BLOCKS = ("text", "thinking", "tool_call", "opaque")
# Where a call may go from where it is.
_OF_CALL = {
    "approval_requested": ("new", "asked"),
    "approval_resolved": ("asked", "decided"),
    "tool_execution_start": ("new decided", "running"),
    "tool_execution_update": ("running", "running"),
    "tool_execution_end": ("running", "ended"),
}


class Checker:
    """Reads the events of one run, one after the other."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.seq = 0
        self.turn = 0
        self.over = False
        self.answered = False
        self.said = False
        self.asked: list[str] = []
        self.calls: dict[str, str] = {}
        self.results: list[str] = []
        self.blocks: dict[int, str] = {}
        self.pending: list[str] = []

    def read(self, event: Event) -> None:
        """Take the next event."""
        self.seq += 1
        self._expect(event.seq == self.seq, event, f"seq {self.seq}")
        self._expect(not self.over, event, "nothing after agent_end")
        in_turn = "turn" in self.stack or event.type == "turn_start"
        number = event.__dict__.get("turn")
        at = self.turn + 1 if event.type == "turn_start" else self.turn
        self._expect(number == (at if in_turn else None), event, "`turn` exactly inside a turn")
        getattr(self, f"_{event.type}", self._block)(event)

    def finish(self) -> None:
        """Say that there are no more events."""
        assert self.over, f"the run has not ended: {self.stack}"

    # The run.

    def _agent_start(self, event: Event) -> None:
        self._expect(self.seq == 1, event, "agent_start first")
        self.stack.append("run")

    def _agent_end(self, event: Event) -> None:
        self._expect(self.stack == ["run"], event, "everything closed")
        pending = [call.call_id for call in event.pending_calls or []]
        self._expect(pending == self.pending, event, "pendingCalls of the last turn")
        # The loop may break after the turn that asked for results (CTRL-048).
        fits = event.outcome == "awaiting_results" or (pending and event.outcome == "failed")
        self._expect(bool(pending) == bool(fits), event, "the outcome")
        self.stack.pop()
        self.over = True

    def _turn_start(self, event: Event) -> None:
        self._expect(self.stack == ["run"], event, "no turn open")
        self._expect(not self.pending, event, "no turn after one that asks for results")
        self.stack.append("turn")
        self.turn += 1
        self.answered = False
        self.asked, self.calls, self.results = [], {}, []

    def _turn_end(self, event: Event) -> None:
        self._expect(self.stack == ["run", "turn"], event, "everything in the turn closed")
        closed = all(where in ("new", "decided", "ended") for where in self.calls.values())
        self._expect(closed, event, f"no call open: {self.calls}")
        pending = [call.call_id for call in event.pending_calls or []]
        due = [call for call in self.asked if call not in pending]
        self._expect(self.results == due, event, f"one result per call of {due}")
        results = [result.call_id for result in event.tool_results]
        self._expect(results == due, event, "toolResults in call order")
        self._expect(len(due) + len(pending) == len(self.asked), event, "pendingCalls are calls")
        self.pending = pending
        self._expect((event.message is not None) == self.answered, event, "the answer")
        self.stack.pop()

    def _retry_scheduled(self, event: Event) -> None:
        fits = self.stack == ["run", "turn"] and not self.answered
        self._expect(fits, event, "a retry before the answer")

    # Messages.

    def _message_start(self, event: Event) -> None:
        self._expect(self.stack in (["run"], ["run", "turn"]), event, "no message open")
        if self.stack == ["run"]:
            # The results of pending calls begin the input (TOOL-046).
            fits = event.role == "tool_result" and self.turn == 0 and not self.said
            expected = "tool_result" if fits else "user"
            self.said = self.said or event.role == "user"
        else:
            expected = "tool_result" if self.answered else "assistant"
        self._expect(event.role == expected, event, f"role {expected}")
        self._expect((event.model is not None) == (event.role == "assistant"), event, "model")
        self.stack.append(event.role)
        self.blocks = {}

    def _message_end(self, event: Event) -> None:
        message = event.message
        self._expect(self.stack[-1] == message.role, event, f"the end of {self.stack[-1]}")
        self.stack.pop()
        if message.role == "assistant":
            closed = all(state == "ended" for state in self.blocks.values())
            self._expect(closed, event, "blocks closed")
            self._expect(len(self.blocks) == len(message.content), event, "all blocks told")
            self.answered = True
            self.asked = [block.id for block in message.content if block.type == "tool_call"]
            self.calls = dict.fromkeys(self.asked, "new")
        elif message.role == "tool_result" and "turn" in self.stack:
            self.results.append(message.call_id)

    def _block(self, event: Event) -> None:
        kind, _, what = event.type.rpartition("_")
        if kind not in _BLOCKS:
            self._call(event)
            return
        self._expect(self.stack[-1] == "assistant", event, "an answer open")
        index = event.content_index
        if what == "start":
            self._expect(index == len(self.blocks), event, "indexes without gaps")
            self.blocks[index] = kind
        else:
            self._expect(self.blocks.get(index) == kind, event, f"an open {kind}")
        if what == "end":
            self.blocks[index] = "ended"

    # Calls.

    def _call(self, event: Event) -> None:
        self._expect(event.type in _OF_CALL, event, "a known event")
        self._expect(self.stack == ["run", "turn"], event, "a turn and no message open")
        self._expect(not self.results, event, "executions before the results' messages")
        before, after = _OF_CALL[event.type]
        where = self.calls.get(event.call_id, "unknown")
        self._expect(where in before.split(), event, f"a call that is {before}, not {where}")
        self.calls[event.call_id] = after

    def _expect(self, holds: bool, event: Event, what: str) -> None:
        assert holds, f"event {self.seq} {event.type}: expected {what}; open: {self.stack}"


def check_run(events: Sequence[Event]) -> None:
    """Check the events of a run that is over."""
    checker = Checker()
    for event in events:
        checker.read(event)
    checker.finish()


def check_sendable(messages: Sequence[Message], pending: Sequence[str] = ()) -> None:
    """Check that each call is answered once, in order, before anything else (LOOP-030).

    Args:
        messages: A transcript.
        pending: Calls that were left to the caller: their results come later, or never.
    """
    due: list[str] = []
    late: list[str] = []
    for message in messages:
        if message.role == "tool_result":
            if message.call_id in late:
                late.remove(message.call_id)
                continue
            assert due, f"a result for {message.call_id!r}, which nobody asked for"
            assert due.pop(0) == message.call_id
            continue
        assert not due, f"no result for {due}"
        if message.role == "assistant":
            asked = [block.id for block in message.content if block.type == "tool_call"]
            late = [call for call in asked if call in pending]
            due = [call for call in asked if call not in pending]
    assert not due, f"no result for {due}"
