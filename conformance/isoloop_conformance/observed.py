"""What has been observed of a case so far, as steps ask about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from isoloop_conformance.exact_json import exact, same

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject


@dataclass
class Invocation:
    """A body that was entered, a hook that was called, an approval that was asked."""

    line: JsonObject
    answered: bool = False
    aborted: bool = False


@dataclass
class RunSeen:
    """One run, as the consumer sees it."""

    events: list[JsonObject] = field(default_factory=list["JsonObject"])
    text: str = ""
    result_json: str | None = None
    over: bool = False


@dataclass
class Observed:
    """Everything that a step can wait for. Only grows, but for timers and answers."""

    runs: dict[str, RunSeen] = field(default_factory=dict[str, RunSeen])
    tools: list[Invocation] = field(default_factory=list[Invocation])
    hooks: list[Invocation] = field(default_factory=list[Invocation])
    approvals: list[Invocation] = field(default_factory=list[Invocation])
    timers: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    requests: int = 0
    gates: set[str] = field(default_factory=set[str])
    closed: set[int] = field(default_factory=set[int])
    stalled: set[int] = field(default_factory=set[int])
    refused: list[str] = field(default_factory=list[str])
    ready: bool = False
    done: bool = False
    synced: int = 0
    unsupported: str | None = None
    fatal: str | None = None
    exited: bool = False

    def on_line(self, line: JsonObject, now_ms: int) -> None:
        """Take in a line from the driver."""
        match line["type"]:
            case "ready":
                self.ready = True
            case "unsupported":
                self.unsupported = f"{line['feature']} {line.get('detail', '')}".strip()
            case "event":
                self._event(line)
            case "tool.call":
                self.tools.append(Invocation(line))
            case "tool.abort":
                for call in self.tools:
                    call.aborted |= call.line["invocation"] == line["invocation"]
            case "hook.call":
                self.hooks.append(Invocation(line))
            case "approval.request":
                self.approvals.append(Invocation(line))
            case "clock.sleep":
                self.timers[line["timer"]] = (now_ms + line["ms"], line["ms"])
            case "clock.abort":
                self.timers.pop(line["timer"], None)
            case "result":
                run = self.runs.setdefault(line["run"], RunSeen())
                run.result_json, run.over = line["resultJson"], True
            case "refused":
                self.refused.append(line["command"])
                if line["command"] == "run":
                    self.runs.setdefault(line["run"], RunSeen()).over = True
            case "synced":
                self.synced = line["number"]
            case "case.done":
                self.done = True
            case "fatal":
                self.fatal = line["text"]
            case _:
                pass

    def on_entry(self, entry: JsonObject) -> None:
        """Take in what the provider's side saw."""
        match entry["type"]:
            case "request":
                self.requests += 1
            case "gate":
                self.gates.add(entry["gate"])
            case "closed" if entry["by"] == "client":
                self.closed.add(entry["exchange"])
            case "stalled":
                self.stalled.add(entry["exchange"])
            case _:
                pass

    def _event(self, line: JsonObject) -> None:
        run = self.runs.setdefault(line["run"], RunSeen())
        try:
            value = exact(line["eventJson"])
        except ValueError:
            return  # the judge says so
        if not isinstance(value, dict):
            return
        event = cast("JsonObject", value)
        run.events.append(event)
        match event.get("type"):
            case "message_start":
                run.text = ""
            case "text_delta":
                run.text += str(event.get("delta", ""))
            case _:
                pass

    @property
    def all_over(self) -> bool:
        """Whether every run that was started has ended."""
        return all(r.over for r in self.runs.values())

    def latest_run(self) -> str:
        """Return the name of the run that was started last."""
        return list(self.runs)[-1]

    def call(self, call_id: str) -> Invocation | None:
        """Return the latest unanswered body of a call."""
        open_calls = [c for c in self.tools if c.line["callId"] == call_id and not c.answered]
        return open_calls[-1] if open_calls else None

    def hook(self, hook: str, call_id: str) -> Invocation | None:
        """Return the latest unanswered call of a hook."""
        asked = [
            h
            for h in self.hooks
            if h.line["hook"] == hook and h.line["callId"] == call_id and not h.answered
        ]
        return asked[-1] if asked else None

    def approval(self, call_id: str) -> Invocation | None:
        """Return the latest unanswered approval of a call."""
        asked = [a for a in self.approvals if a.line["callId"] == call_id and not a.answered]
        return asked[-1] if asked else None

    def meets(self, awaited: JsonObject) -> bool:
        """Whether everything that an `await` names has been observed."""
        return not self.missing(awaited)

    def missing(self, awaited: JsonObject) -> list[str]:
        """Return what an `await` names and has not been observed."""
        run = self.runs.get(awaited.get("run") or self.latest_run(), RunSeen())
        gaps = [c for c in awaited.get("toolCalls", []) if self.call(c) is None]
        missing = [f"the body of {c} being entered" for c in gaps]
        missing += [
            f"an approval of {c} being asked"
            for c in awaited.get("approvals", [])
            if self.approval(c) is None
        ]
        missing += [
            f"the body of {c} being told to stop"
            for c in awaited.get("toolAborts", [])
            if not any(t.aborted for t in self.tools if t.line["callId"] == c)
        ]
        if "hook" in awaited and self.hook(**_hook_names(awaited["hook"])) is None:
            missing.append(f"hook {awaited['hook']['hook']} being asked")
        if "event" in awaited and not any(_matches(awaited["event"], e) for e in run.events):
            missing.append(f"event {awaited['event']}")
        if len(run.events) < awaited.get("events", 0):
            missing.append(f"{awaited['events']} events")
        if awaited.get("text", "") not in run.text:
            missing.append(f"text {awaited['text']!r}")
        if "result" in awaited and not self.runs.get(awaited["result"], RunSeen()).over:
            missing.append(f"the result of {awaited['result']}")
        if "refused" in awaited and awaited["refused"] not in self.refused:
            missing.append(f"{awaited['refused']} being refused")
        return missing + self._missing_outside(awaited)

    def _missing_outside(self, awaited: JsonObject) -> list[str]:
        missing: list[str] = []
        if self.requests <= awaited.get("request", -1):
            missing.append(f"request {awaited['request']}")
        if "sleep" in awaited and awaited["sleep"] not in {ms for _, ms in self.timers.values()}:
            missing.append(f"a wait of {awaited['sleep']} ms")
        if "gate" in awaited and awaited["gate"] not in self.gates:
            missing.append(f"the response reaching gate {awaited['gate']}")
        if "closed" in awaited and awaited["closed"] not in self.closed:
            missing.append(f"the client closing the connection of exchange {awaited['closed']}")
        if "stalled" in awaited and awaited["stalled"] not in self.stalled:
            missing.append(f"the client no longer reading exchange {awaited['stalled']}")
        return missing

    def pending(self) -> list[str]:
        """Say what is unfinished, for a person who wonders why nothing moves."""
        waiting = [f"run {n} goes on" for n, r in self.runs.items() if not r.over]
        waiting += [
            f"{kind} {c.line['callId']} is unanswered"
            for kind, calls in (
                ("tool call", self.tools),
                ("hook", self.hooks),
                ("approval", self.approvals),
            )
            for c in calls
            if not c.answered
        ]
        waiting += [f"a wait of {ms} ms" for _, ms in self.timers.values()]
        return waiting


def _hook_names(point: JsonObject) -> dict[str, str]:
    return {"hook": point["hook"], "call_id": point["callId"]}


def _matches(pattern: JsonObject, event: JsonObject) -> bool:
    return all(k in event and same(v, event[k]) for k, v in pattern.items())
