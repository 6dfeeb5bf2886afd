"""The grammar of a run's events, as an automaton.

    run      = agent_start message* (turn message*)* agent_end
    turn     = turn_start retry_scheduled* answer? calls? results turn_end
    answer   = message_start block-events message_end

Rules: each `_on_...` handles one kind of event in the state that the ones before left, and says
what is wrong. An event that breaks a rule still moves the state on: one mistake is said once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isoloop_conformance.judge.seen import BLOCK_EVENTS, CALL_EVENTS, Event, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Every rule that the automaton holds a run against.
RULES = frozenset(
    {
        *("LOOP-004", "LOOP-007", "LOOP-008", "LOOP-010", "LOOP-012"),
        *("LOOP-013", "LOOP-016", "LOOP-017", "LOOP-018"),
    }
)

# What may stand directly before an event of a call; the events of one call only ever go forward.
_CALL_BEFORE: dict[str, set[str | None]] = {
    "approval_requested": {None},
    "approval_resolved": {"approval_requested"},
    "tool_execution_start": {None, "approval_resolved"},
    "tool_execution_update": {"tool_execution_start", "tool_execution_update"},
    "tool_execution_end": {"tool_execution_start", "tool_execution_update"},
}


@dataclass(frozen=True)
class Violation:
    """One rule that a run breaks."""

    requirement: str
    text: str


@dataclass
class Grammar:
    """Reads the events of one run."""

    events: list[Event]
    _turn: int = 0
    _in_turn: bool = False
    _role: str | None = None
    _answered: bool = False
    _open_blocks: dict[int, str] = field(default_factory=dict[int, str])
    _calls: dict[str, str] = field(default_factory=dict[str, str])

    def violations(self) -> Iterator[Violation]:
        """Yield every rule that the events break, in their order."""
        if self.events and self.events[0].type != "agent_start":
            yield Violation("LOOP-007", f"the first event is {self.events[0].type}")
        for i, event in enumerate(self.events):
            yield from self._envelope(event)
            for text in self._take(event, first=i == 0):
                yield _place(event, text)
        if self.events and self.events[-1].type == "agent_end":
            return
        yield Violation("LOOP-008", "the last event is not agent_end")

    def _envelope(self, event: Event) -> Iterator[Violation]:
        inside = self._in_turn or event.type == "turn_start"
        turn = self._turn + (event.type == "turn_start")
        got = number(event.get("turn"))
        if inside and got != turn:
            yield Violation("LOOP-004", f"{event.type} in turn {turn} has turn {got}")
        if not inside and event.get("turn") is not None:
            yield Violation("LOOP-004", f"{event.type} outside a turn has turn {got}")

    def _take(self, event: Event, *, first: bool) -> Iterator[str]:
        handlers: dict[str, Callable[[Event], Iterator[str]]] = {
            "turn_start": self._on_turn_start,
            "turn_end": self._on_turn_end,
            "message_start": self._on_message_start,
            "message_end": self._on_message_end,
            "retry_scheduled": self._on_retry,
            "agent_end": self._on_agent_end,
        }
        if event.type in handlers:
            yield from handlers[event.type](event)
        elif event.type in BLOCK_EVENTS:
            yield from self._on_block(event)
        elif event.type in CALL_EVENTS:
            yield from self._on_call(event)
        elif event.type == "agent_start" and not first:
            yield "LOOP-007 a second agent_start"

    def _on_turn_start(self, _: Event) -> Iterator[str]:
        if self._in_turn:
            yield "LOOP-010 a turn begins within a turn"
        if self._role is not None:
            yield "LOOP-010 a turn begins within a message"
        self._turn += 1
        self._in_turn, self._answered = True, False
        self._calls.clear()

    def _on_turn_end(self, event: Event) -> Iterator[str]:
        if not self._in_turn:
            yield "LOOP-012 turn_end without turn_start"
        if self._role is not None:
            yield f"LOOP-012 the {self._role} message is not ended before turn_end"
        for call, at in self._calls.items():
            if at in {"approval_requested", "tool_execution_start", "tool_execution_update"}:
                yield f"LOOP-012 {at} of {call} is not ended before turn_end"
        if self._answered != (event.get("message") is not None):
            yield "LOOP-016 turn_end has a message exactly when there was an answer"
        self._in_turn = False

    def _on_message_start(self, event: Event) -> Iterator[str]:
        role = str(event.get("role"))
        if self._role is not None:
            yield "LOOP-010 a message begins within a message"
        if role == "user" and self._in_turn:
            yield "LOOP-017 a user message within a turn"
        # The input, which comes before the first turn, may begin with results (TOOL-046).
        brought = role == "tool_result" and self._turn == 0
        if role != "user" and not self._in_turn and not brought:
            yield f"LOOP-010 a {role} message outside a turn"
        if role == "assistant" and self._answered:
            yield "LOOP-010 a second answer in one turn"
        if (role == "assistant") != (event.get("model") is not None):
            yield f"LOOP-013 message_start of role {role}: model {event.get('model')}"
        self._role = role
        self._answered |= role == "assistant"

    def _on_message_end(self, event: Event) -> Iterator[str]:
        role = event.value.get("message", {}).get("role")
        if self._role is None:
            yield "LOOP-012 message_end without message_start"
        elif role != self._role:
            yield f"LOOP-012 a {self._role} message ends as {role}"
        for index, kind in self._open_blocks.items():
            yield f"LOOP-012 {kind} block {index} is not ended before message_end"
        self._open_blocks.clear()
        self._role = None

    def _on_retry(self, _: Event) -> Iterator[str]:
        if not self._in_turn or self._answered:
            yield "LOOP-010 retry_scheduled stands between turn_start and the answer"

    def _on_agent_end(self, _: Event) -> Iterator[str]:
        if self._in_turn or self._role is not None:
            yield "LOOP-012 agent_end within a turn or message"

    def _on_block(self, event: Event) -> Iterator[str]:
        kind, _, phase = event.type.rpartition("_")
        index = number(event.get("contentIndex"))
        if self._role != "assistant":
            yield f"LOOP-010 {event.type} outside an answer"
        if phase == "start":
            if index in self._open_blocks:
                yield f"LOOP-012 block {index} starts twice"
            self._open_blocks[index] = kind
        elif self._open_blocks.get(index) != kind:
            yield f"LOOP-012 {event.type} of block {index}, which is not open"
        elif phase == "end":
            del self._open_blocks[index]

    def _on_call(self, event: Event) -> Iterator[str]:
        if not self._in_turn or self._role is not None:
            yield f"LOOP-010 {event.type} outside a turn or within a message"
        call = str(event.get("callId"))
        before, now = self._calls.get(call), event.type
        self._calls[call] = now
        if before not in _CALL_BEFORE[now]:
            yield f"LOOP-018 {now} of {call} after {before}"


def _place(event: Event, text: str) -> Violation:
    requirement, _, said = text.partition(" ")
    return Violation(requirement, f"event {number(event.get('seq'))}: {said}")
