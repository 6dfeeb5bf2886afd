"""Order edges between lanes: `A < B` on the runner's one causal log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoloop_conformance.exact_json import Number, exact

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject

POINT_HELP = (
    "write `A < B` with points `<event type> [call]`, `request N`, `tool.call <call>`, "
    "`tool.answer <call>`, `sleep N`, `closed N`, `result <run>`, `step N`"
)
_POINT = re.compile(r"(?P<kind>[a-z_]+(\.[a-z]+)?)( (?P<of>[^\s<]+))?")
_NUMBERED = {"request", "sleep", "closed", "step"}
_OF_CALL = {"tool.call", "tool.answer"}
_ANSWERS = {"tool.result", "tool.raise", "tool.return"}


@dataclass(frozen=True)
class Point:
    """Something that happens once: an event, a request, a tool's body being entered."""

    kind: str
    of: str | None

    def __str__(self) -> str:
        return f"{self.kind} {self.of}" if self.of else self.kind


@dataclass(frozen=True)
class Edge:
    """`before` happened before `after`."""

    before: Point
    after: Point


def parse_edge(text: str) -> Edge | None:
    """Read `A < B`; None when it is not of that form."""
    before, sign, after = text.partition(" < ")
    points = [_parse_point(before), _parse_point(after)]
    if not sign or points[0] is None or points[1] is None:
        return None
    return Edge(points[0], points[1])


def _parse_point(text: str) -> Point | None:
    found = _POINT.fullmatch(text.strip())
    if found is None:
        return None
    kind, of = found["kind"], found["of"]
    if kind in _NUMBERED and not (of or "").isdigit():
        return None
    if (kind in _OF_CALL or kind == "result") and of is None:
        return None
    return Point(kind, of)


def position(point: Point, entries: list[JsonObject]) -> int | None:
    """Return the position of the first entry that is the point; None when it never happened."""
    answered = _invocations(entries, point.of) if point.kind in _OF_CALL else set[str]()
    numbered = 0
    for entry in entries:
        line: JsonObject = entry.get("line", {})
        match point.kind, entry["type"]:
            case "request", "request":
                found = str(entry["request"]) == point.of
            case "closed", "closed":
                found = str(entry["exchange"]) == point.of
            case "step", "step":
                found = str(entry["step"]) == point.of
            case "sleep", "received" if line["type"] == "clock.sleep":
                found = str(numbered) == point.of
                numbered += 1
            case "result", "received" if line["type"] == "result":
                found = line["run"] == point.of
            case "tool.call", "received" if line["type"] == "tool.call":
                found = line["callId"] == point.of
            case "tool.answer", "sent" if line["type"] in _ANSWERS:
                found = line["invocation"] in answered
            case kind, "received" if line["type"] == "event":
                found = _is_event(line["eventJson"], kind, point.of)
            case _:
                found = False
        if found:
            return int(entry["n"])
    return None


def _invocations(entries: list[JsonObject], call: str | None) -> set[str]:
    lines = [e["line"] for e in entries if e["type"] == "received"]
    return {x["invocation"] for x in lines if x["type"] == "tool.call" and x["callId"] == call}


def _is_event(text: str, kind: str, of: str | None) -> bool:
    if f'"{kind}"' not in text:
        return False
    event = exact(text)
    return event.get("type") == kind and (of is None or _turn_or_call(event) == of)


def _turn_or_call(event: Json) -> str:
    turn = event.get("turn")
    return str(event.get("callId") or (turn.text if isinstance(turn, Number) else ""))
