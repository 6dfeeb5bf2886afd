"""Monitors: what must hold of every transcript, whatever its case is about.

Each one names its own requirement, so that a run that breaks the grammar of events says so, and not
only that a case about something else has failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from isoloop_conformance import schemas
from isoloop_conformance.exact_json import Json, JsonObject, Number, plain, same, show
from isoloop_conformance.judge.findings import ABSENT
from isoloop_conformance.judge.grammar import RULES, Grammar
from isoloop_conformance.judge.seen import BLOCK_EVENTS, Event, Run, Seen, number
from isoloop_conformance.values import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoloop_conformance.judge.findings import Findings

AUTH_HEADERS = {"authorization", "x-api-key", "api-key"}
_RESULT = (
    "outcome",
    "newMessages",
    "usage",
    "cost",
    "stopReason",
    "output",
    "error",
    "undelivered",
    "pendingCalls",
)
_DELTA = ("type", "seq", "runId", "at", "turn", "contentIndex", "delta")
_COUNTERS = ("input", "cacheRead", "cacheWrite", "cacheWriteLong", "output", "reasoning")


def monitor(findings: Findings, seen: Seen) -> None:
    """Hold a transcript against everything that always holds."""
    finished = seen.ending["ending"] == "completed"
    for run in seen.runs.values():
        if run.refused is None:
            _Monitor(findings, run, finished).all()
    if finished:
        _clock(findings, seen)
    _requests(findings, seen)
    _secrets(findings, seen)


@dataclass
class _Monitor:
    findings: Findings
    run: Run
    finished: bool
    path: str = field(init=False)

    def __post_init__(self) -> None:
        self.path = f"monitor.{self.run.name}"

    def all(self) -> None:
        self._valid()
        reads = self.run.reads_all
        if reads:
            self._sequence()
        if reads and self.finished:
            self._grammar()
            self._ending()
            self._deltas()
            self._frugal()
            self._results()
            self._usage()
        if self.run.result is not None:
            self._left_behind(self.run.result)

    def _say(self, what: str, requirement: str, *, ok: bool, **said: Any) -> bool:
        return self.findings.check(f"{self.path}.{what}", ok=ok, requirement=requirement, **said)

    def _valid(self) -> None:
        problems = list(self.run.broken)
        for event in self.run.events:
            found = schemas.problems("event.KnownEvent", plain(event.value))
            problems += [f"{event.type} {p.path}: {p.text}" for p in found]
        self._say("valid", "LOOP-001", ok=not problems, want="valid events", got=problems[:5])
        for _, result in self.run.results:
            found = schemas.problems("run.RunResult", plain(result))
            texts = [f"{p.path}: {p.text}" for p in found]
            self._say("result.valid", "LOOP-028", ok=not found, want="a RunResult", got=texts[:5])

    def _grammar(self) -> None:
        broken = list(Grammar(self.run.events).violations())
        for found in broken:
            self._say("grammar", found.requirement, ok=False, why=found.text)
        for requirement in sorted(RULES - {v.requirement for v in broken}):
            self._say("grammar", requirement, ok=True)

    def _sequence(self) -> None:
        numbers = [number(e.get("seq")) for e in self.run.events]
        wanted = list(range(1, len(numbers) + 1))
        odd = [(w, g) for w, g in zip(wanted, numbers, strict=True) if w != g][:1]
        want, got = odd[0] if odd else (0, 0)
        self._say("seq", "LOOP-002", ok=not odd, want=want, got=got, why="from 1, without gaps")
        ids = {show(e.get("runId")) for e in self.run.events}
        ids |= {show(r.get("runId")) for _, r in self.run.results}
        self._say("runId", "LOOP-003", ok=len(ids) <= 1, want="one runId", got=sorted(ids))

    def _ending(self) -> None:
        types = [e.type for e in self.run.events]
        ends = [i for i, t in enumerate(types) if t == "agent_end"]
        self._say(
            "agent_end",
            "LOOP-008",
            ok=ends == [len(types) - 1],
            want="one agent_end, last",
            got=f"agent_end at {ends} of {len(types)} events",
        )
        if ends and self.run.result is not None:
            end = self.run.events[ends[-1]].value
            for member in _RESULT:
                want, got = end.get(member, ABSENT), self.run.result.get(member, ABSENT)
                ok = same(want, got)
                self._say(f"result.{member}", "LOOP-028", ok=ok, want=want, got=got)

    def _deltas(self) -> None:
        """The deltas of a block, joined, are its end's text and the block of the message."""
        for answer in _answers(self.run.events):
            joined: dict[int, str] = {}
            whole: dict[int, str] = {}
            starts: list[int] = []
            for event in answer:
                index = number(event.get("contentIndex"))
                if event.type.endswith("_start") and event.type in BLOCK_EVENTS:
                    starts.append(index)
                elif event.type.endswith("_delta"):
                    joined[index] = joined.get(index, "") + str(event.get("delta"))
                elif event.type in {"text_end", "thinking_end", "tool_call_end"}:
                    whole[index] = str(event.get("text") or event.get("argumentsText") or "")
            for index, text in whole.items():
                got = joined.get(index, "")
                self._say(f"deltas[{index}]", "STREAM-003", ok=text == got, want=text, got=got)
            ok = starts == list(range(len(starts)))
            self._say("contentIndex", "STREAM-002", ok=ok, want="0, 1, 2 ...", got=starts)
            self._message(answer, whole)

    def _frugal(self) -> None:
        """A delta event is its delta and a frame: it repeats nothing of what came before."""
        for kind in ("text_delta", "thinking_delta", "tool_call_delta"):
            deltas = [e for e in self.run.events if e.type == kind]
            more = sorted({m for e in deltas for m in e.value.keys() - _DELTA})
            if deltas:
                want = f"{', '.join(_DELTA)} and nothing else"
                self._say(kind, "STREAM-001", ok=not more, want=want, got=more)

    def _message(self, answer: list[Event], whole: dict[int, str]) -> None:
        if answer[-1].type != "message_end":
            return
        content = _list(answer[-1].value.get("message", {}).get("content"))
        for index, text in whole.items():
            block: JsonObject = content[index] if index < len(content) else {}
            got = block.get("argumentsText" if block.get("type") == "tool_call" else "text", ABSENT)
            self._say(f"message.content[{index}]", "STREAM-003", ok=text == got, want=text, got=got)

    def _results(self) -> None:
        """Every turn has one result per call, in call order, in events and at its end."""
        for turn in _turns(self.run.events):
            end = turn[-1]
            if end.type != "turn_end":
                continue
            messages = [e.value["message"] for e in turn if e.type == "message_end"]
            answers = [m for m in messages if m.get("role") == "assistant"]
            results = [m for m in messages if m.get("role") == "tool_result"]
            calls = [b["id"] for m in answers for b in m["content"] if b.get("type") == "tool_call"]
            pending = [c.get("callId") for c in _list(end.value.get("pendingCalls"))]
            calls = [call for call in calls if call not in pending]
            got = [m.get("callId") for m in results]
            self._say("results", "TOOL-037", ok=got == calls, want=calls, got=got)
            listed = end.value.get("toolResults", ABSENT)
            self._say(
                "turn_end.toolResults",
                "LOOP-016",
                ok=same(results, listed),
                want=results,
                got=listed,
            )
            message = answers[0] if answers else ABSENT
            got_message = end.value.get("message", ABSENT)
            ok = same(message, got_message)
            self._say("turn_end.message", "LOOP-014", ok=ok, want=message, got=got_message)

    def _usage(self) -> None:
        turns = [e.value.get("usage", {}) for e in self.run.events if e.type == "turn_end"]
        ends = [e.value.get("usage", {}) for e in self.run.events if e.type == "agent_end"]
        for counter in _COUNTERS:
            reported = [number(u[counter]) for u in turns if counter in u]
            want = Number(str(sum(reported))) if reported else ABSENT
            for usage in ends:
                got = usage.get(counter, ABSENT)
                ok = same(want, got)
                why = "the sum over the turns"
                self._say(f"usage.{counter}", "LOOP-034", ok=ok, want=want, got=got, why=why)

    def _left_behind(self, result: JsonObject) -> None:
        """Each call is followed by exactly one result, before any other message."""
        pending = [str(c.get("callId")) for c in _list(result.get("pendingCalls"))]
        self._say(
            "pendingCalls",
            "TOOL-044",
            ok=bool(pending) == (result.get("outcome") == "awaiting_results"),
            want="pending calls exactly when results are awaited",
            got=pending,
        )
        problem = unpaired(_list(result.get("newMessages")), pending)
        want = "each call followed by its result"
        self._say("newMessages", "LOOP-030", ok=not problem, want=want, got=problem)
        answers = [m for m in _list(result.get("newMessages")) if m.get("role") == "assistant"]
        last = answers[-1].get("stopReason", ABSENT) if answers else ABSENT
        got = result.get("stopReason", ABSENT)
        why = "the last answer's"
        self._say("stopReason", "LOOP-027", ok=same(last, got), want=last, got=got, why=why)


def unpaired(messages: list[JsonObject], pending: list[str]) -> str:
    """Say where calls and results do not match, pending calls aside; empty when they do."""
    open_calls: list[str] = []
    for message in messages:
        if message.get("role") == "tool_result":
            if message.get("callId") not in open_calls:
                return f"a result of {message.get('callId')} without such a call"
            open_calls.remove(str(message.get("callId")))
            continue
        if open_calls:
            return f"{message.get('role')} before the results of {open_calls}"
        if message.get("role") == "assistant":
            content = _list(message.get("content"))
            calls = [str(b["id"]) for b in content if b.get("type") == "tool_call"]
            open_calls = [call for call in calls if call not in pending]
    return f"no results of {open_calls}" if open_calls else ""


def _clock(findings: Findings, seen: Seen) -> None:
    """Every event was made at an instant that the clock has shown before."""
    start = seen.entries[0]["nowMs"]
    shown = {start}
    for entry in seen.entries:
        line: JsonObject = entry.get("line", {})
        if (
            entry["type"] == "sent"
            and line["type"] == "case.begin"
            and line["clock"]["mode"] == "real"
        ):
            return
        if entry["type"] == "sent" and "nowMs" in line:
            shown.add(line["nowMs"])
        shown.add(start + entry.get("atMs", 0))
    for run in seen.runs.values():
        odd = [e.value.get("at") for e in run.events if number(e.get("at")) not in shown]
        findings.check(
            f"monitor.{run.name}.at",
            ok=not odd,
            want=f"one of {sorted(shown)[:8]}",
            got=odd[:3],
            why="the injected clock never showed this time",
            requirement="LOOP-005",
        )


def _requests(findings: Findings, seen: Seen) -> None:
    for request in seen.requests:
        path = f"monitor.request[{request['request']}]"
        problems = request["problems"]
        want = "what a provider accepts"
        findings.check(path, ok=not problems, want=want, got=problems, requirement="LOOP-030")
    unread = seen.ending.get("unread", [])
    want = "every exchange asked for"
    findings.check("exchanges", ok=not unread, want=want, got=f"never asked for: {unread}")
    ends = [n for run in seen.runs.values() for n, _ in run.results]
    if ends and len(ends) == len(seen.runs):
        late = [r["request"] for r in seen.requests if r["n"] > max(ends)]
        want = "no request after the last result"
        findings.check(
            "monitor.late_requests", ok=not late, want=want, got=late, requirement="LOOP-008"
        )


def _secrets(findings: Findings, seen: Seen) -> None:
    leaks: list[str] = []
    for entry in seen.entries:
        if entry["type"] == "received" and API_KEY in show(entry["line"], 1_000_000_000):
            leaks.append(entry["line"]["type"])
        elif entry["type"] == "request":
            headers = {k: v for k, v in entry["headers"].items() if k not in AUTH_HEADERS}
            outside = [entry["path"], entry["body"], *headers.values()]
            leaks += [f"request {entry['request']}" for text in outside if API_KEY in text]
    want = "the key in authentication headers only"
    findings.check("monitor.secrets", ok=not leaks, want=want, got=leaks, requirement="CTRL-021")


def _answers(events: list[Event]) -> Iterator[list[Event]]:
    """Yield the events of each answer, from its start to its end."""
    answer: list[Event] | None = None
    for event in events:
        if event.type == "message_start" and event.get("role") == "assistant":
            answer = []
        if answer is not None:
            answer.append(event)
            if event.type == "message_end":
                yield answer
                answer = None


def _turns(events: list[Event]) -> Iterator[list[Event]]:
    turn: list[Event] | None = None
    for event in events:
        if event.type == "turn_start":
            turn = []
        if turn is not None:
            turn.append(event)
            if event.type == "turn_end":
                yield turn
                turn = None


def _list(value: Json) -> list[JsonObject]:
    return cast("list[JsonObject]", value) if isinstance(value, list) else []
