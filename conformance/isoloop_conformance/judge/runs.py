"""Judge a run's events, lane by lane, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from isoloop_conformance.judge.findings import ABSENT
from isoloop_conformance.judge.messages import (
    compare_block,
    compare_member,
    compare_message,
    compare_messages,
)
from isoloop_conformance.judge.order import Point, parse_edge, position
from isoloop_conformance.judge.seen import BLOCK_EVENTS, CALL_EVENTS, Event, Run, Seen, number
from isoloop_conformance.values import blocks

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.judge.findings import Findings
    from isoloop_conformance.variants import Variant

_MESSAGES = {"toolResults", "newMessages", "undelivered"}


@dataclass(frozen=True)
class RunJudge:
    """Compares one run with what a case expects of it."""

    findings: Findings
    variant: Variant
    seen: Seen
    run: Run
    prefix: str

    def events(self, want: JsonObject) -> None:
        """Compare the lanes that the case gives; each is complete."""
        path = f"{self.prefix}events"
        if "run" in want:
            lane = [e for e in self.run.events if e.type not in CALL_EVENTS | BLOCK_EVENTS]
            self._lane(f"{path}.run", want["run"], lane)
        if "blocks" in want:
            self._blocks(f"{path}.blocks", want["blocks"])
        if "calls" in want:
            self._calls(f"{path}.calls", want["calls"])
        for i, text in enumerate(want.get("order", [])):
            self._edge(f"{path}.order[{i}]", text)

    def result(self, want: JsonObject) -> None:
        """Compare the result with the members that the case gives."""
        path = f"{self.prefix}result"
        got = self.run.result
        if not self.findings.check(
            path,
            ok=len(self.run.results) == 1,
            want="one result",
            got=f"{len(self.run.results)} results",
            why="each run has exactly one result",
        ):
            return
        assert got is not None
        wanted: dict[str, Json] = {
            "undelivered": [],
            "error": ABSENT,
            "pendingCalls": ABSENT,
            **want,
        }
        for member, value in wanted.items():
            at = f"{path}.{member}"
            if member == "text":
                self.findings.equal(at, value, _last_text(got))
            elif member in _MESSAGES:
                compare_messages(self.findings, at, value, got.get(member), self.variant)
            else:
                compare_member(self.findings, at, value, got.get(member, ABSENT))

    def _lane(self, path: str, want: list[Json], got: list[Event]) -> None:
        types = [p if isinstance(p, str) else p["type"] for p in want]
        found = [e.type for e in got]
        for i, (wanted, event) in enumerate(zip(types, found, strict=False)):
            if wanted != event:
                why = f"the lane is {' '.join(found)}"
                self.findings.check(f"{path}[{i}]", ok=False, want=wanted, got=event, why=why)
                return
        if not self.findings.check(
            path,
            ok=len(types) == len(found),
            want=types[len(found) :] or "nothing more",
            got=found[len(types) :] or "nothing more",
            why="a lane that is given is complete",
        ):
            return
        for i, (pattern, event) in enumerate(zip(want, got, strict=True)):
            self._event(f"{path}[{i}]", pattern, event)

    def _event(self, path: str, pattern: Json, event: Event) -> None:
        if isinstance(pattern, str):
            self.findings.check(path, ok=True)
            return
        for member, want in cast("JsonObject", pattern).items():
            at, got = f"{path}.{member}", event.value.get(member, ABSENT)
            if member == "message":
                found = cast("JsonObject", got if isinstance(got, dict) else {})
                compare_message(self.findings, at, want, found, self.variant)
            elif member in _MESSAGES:
                compare_messages(self.findings, at, want, got, self.variant)
            else:
                compare_member(self.findings, at, want, got)

    def _blocks(self, path: str, want: list[list[JsonObject]]) -> None:
        got = _answers(self.run.events)
        if not self.findings.check(
            path, ok=len(want) == len(got), want=f"{len(want)} answers", got=f"{len(got)} answers"
        ):
            return
        for i, (wanted, found) in enumerate(zip(want, got, strict=True)):
            kinds = [[b["type"] for b in row] for row in (wanted, found)]
            if self.findings.check(
                f"{path}[{i}]", ok=kinds[0] == kinds[1], want=kinds[0], got=kinds[1]
            ):
                for j, (w, g) in enumerate(zip(wanted, found, strict=True)):
                    self._block(f"{path}[{i}][{j}]", w, g)

    def _block(self, path: str, want: JsonObject, got: JsonObject) -> None:
        if want["type"] != "tool_call":
            compare_block(self.findings, path, want, got, sent=False)
            return
        # Events have what the model wrote, character for character.
        ended = "incomplete" if want.get("incomplete") else "complete"
        wanted: JsonObject = {"argumentsState": ended, **want}
        wanted.pop("incomplete", None)
        self.findings.given(path, wanted, got)

    def _calls(self, path: str, want: dict[str, list[Json]]) -> None:
        got: dict[str, list[Event]] = {}
        for event in self.run.events:
            if event.type in CALL_EVENTS:
                got.setdefault(str(event.get("callId")), []).append(event)
        self.findings.check(path, ok=want.keys() == got.keys(), want=sorted(want), got=sorted(got))
        for call in want.keys() & got.keys():
            self._lane(f"{path}.{call}", want[call], got[call])

    def _edge(self, path: str, text: str) -> None:
        edge = parse_edge(text)
        if edge is None:
            self.findings.check(path, ok=False, want="A < B", got=text)
            return
        before, after = (self._position(p) for p in (edge.before, edge.after))
        self.findings.check(
            path,
            ok=before is not None and after is not None and before < after,
            want=text,
            got=f"{edge.before} at {_place(before)}, {edge.after} at {_place(after)}",
            why="positions in the transcript",
        )

    def _position(self, point: Point) -> int | None:
        return position(point, self.seen.entries)


def _answers(events: list[Event]) -> list[list[JsonObject]]:
    """Return the blocks of each answer, from their end events, by content index."""
    answers: list[list[tuple[int, JsonObject]]] = []
    for event in events:
        if event.type == "message_start" and event.get("role") == "assistant":
            answers.append([])
        elif event.type in BLOCK_EVENTS and event.type.endswith("_end") and answers:
            block = {k: v for k, v in event.value.items() if k not in _ENVELOPE}
            block["type"] = event.type.removesuffix("_end")
            for old, new in (("callId", "id"), ("toolName", "name")):
                if old in block:
                    block[new] = block.pop(old)
            answers[-1].append((number(event.get("contentIndex")), block))
    return [[b for _, b in sorted(row, key=lambda r: r[0])] for row in answers]


_ENVELOPE = {"type", "seq", "runId", "at", "turn", "contentIndex"}


def _last_text(result: JsonObject) -> str:
    """Return the text of the last answer."""
    answers = [m for m in result.get("newMessages", []) if m.get("role") == "assistant"]
    content = blocks(answers[-1]["content"]) if answers else []
    return "".join(b["text"] for b in content if b.get("type") == "text")


def _place(position_found: int | None) -> str:
    return "no place" if position_found is None else str(position_found)
