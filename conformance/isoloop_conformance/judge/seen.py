"""Read a transcript: the events and the result of each run, the requests, the calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from isoloop_conformance.exact_json import NotJsonError, Number, exact

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject

CALL_EVENTS = {
    *("approval_requested", "approval_resolved"),
    *("tool_execution_start", "tool_execution_update", "tool_execution_end"),
}
BLOCK_KINDS = ("text", "thinking", "tool_call", "opaque")
BLOCK_EVENTS = {f"{k}_{p}" for k in BLOCK_KINDS for p in ("start", "delta", "end")}


@dataclass(frozen=True)
class Event:
    """One event, with numbers as they were written."""

    n: int
    text: str
    value: JsonObject

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.value.get("type", ""))

    def get(self, member: str) -> Json:
        """Return a member, or None."""
        return self.value.get(member)


@dataclass
class Run:
    """What a consumer saw of one run."""

    name: str
    reader: str
    start: JsonObject
    events: list[Event] = field(default_factory=list[Event])
    broken: list[str] = field(default_factory=list[str])
    results: list[tuple[int, JsonObject]] = field(default_factory=list[tuple[int, "JsonObject"]])
    refused: JsonObject | None = None
    left: bool = False

    @property
    def reads_all(self) -> bool:
        """Whether the consumer reads every event, as fast as it comes."""
        return self.reader in {"events", "tampers"} and not self.left

    @property
    def result(self) -> JsonObject | None:
        """The result; None when there is none."""
        return self.results[0][1] if self.results else None


@dataclass
class Seen:
    """A transcript, sorted by what the judge asks."""

    entries: list[JsonObject]
    runs: dict[str, Run]
    requests: list[JsonObject]

    def received(self, kind: str) -> list[JsonObject]:
        """Return the driver's lines of one type, in order."""
        return [
            e["line"] for e in self.entries if e["type"] == "received" and e["line"]["type"] == kind
        ]

    def of(self, kind: str) -> list[JsonObject]:
        """Return the entries of one type, in order."""
        return [e for e in self.entries if e["type"] == kind]

    @property
    def ending(self) -> JsonObject:
        """The last line."""
        return self.entries[-1] if self.entries[-1]["type"] == "end" else {"ending": "crash"}


def read(entries: list[JsonObject]) -> Seen:
    """Sort a transcript's entries."""
    runs: dict[str, Run] = {}
    for entry in entries:
        line: JsonObject = entry.get("line", {})
        match entry["type"], line.get("type"):
            case "sent", "run":
                runs[line["run"]] = Run(line["run"], line["reader"], line)
            case "sent", "events.leave":
                runs[line["run"]].left = True
            case "received", "event" | "result" | "refused":
                _take(runs, entry["n"], line)
            case _:
                pass
    return Seen(entries, runs, [e for e in entries if e["type"] == "request"])


def _take(runs: dict[str, Run], n: int, line: JsonObject) -> None:
    run = runs.setdefault(line["run"], Run(line["run"], "events", {}))
    if line["type"] == "refused":
        if line["command"] == "run":
            run.refused = line
        return
    text = line["eventJson"] if line["type"] == "event" else line["resultJson"]
    try:
        value: Any = exact(text)
    except NotJsonError as error:
        run.broken.append(f"{line['type']}: {error}: {text[:120]}")
        return
    if not isinstance(value, dict):
        run.broken.append(f"{line['type']}: no object: {text[:120]}")
    elif line["type"] == "event":
        run.events.append(Event(n, text, cast("JsonObject", value)))
    else:
        run.results.append((n, cast("JsonObject", value)))


def number(value: Json) -> int:
    """Return an integer member's value; -1 when it is none."""
    return int(value.text) if isinstance(value, Number) and value.text.isdigit() else -1
