"""Judge what tools, hooks, approvals, the clock and connections saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.exact_json import JsonObject, exact, same_text
from isoloop_conformance.judge.findings import ABSENT

if TYPE_CHECKING:
    from isoloop_conformance.judge.findings import Findings
    from isoloop_conformance.judge.seen import Seen

# A body leaves when the runner says so, or when it was told to stop.
_LEAVES = {"tool.result", "tool.raise", "tool.return", "tool.abort"}


def judge_outside(findings: Findings, expect: JsonObject, seen: Seen) -> None:
    """Compare everything outside the runs' own events with what the case expects."""
    if "tools" in expect:
        _tools(findings, expect["tools"], seen)
    if "hooks" in expect:
        _hooks(findings, expect["hooks"], seen)
    if "approvals" in expect:
        asked = [_approval(line) for line in seen.received("approval.request")]
        _calls(findings, "approvals", expect["approvals"], asked)
    _refused(findings, expect.get("refused", []), seen.received("refused"))
    if "clock" in expect:
        _clock(findings, expect["clock"], seen)
    for i, want in enumerate(expect.get("connections", [])):
        _connection(findings, f"connections[{i}]", want, seen)


def _refused(findings: Findings, want: list[JsonObject], lines: list[JsonObject]) -> None:
    got = [{k: line[k] for k in ("command", "code", "run")} for line in lines]
    ok = len(want) == len(got) and all(
        all(g[k] == v for k, v in w.items()) for w, g in zip(want, got, strict=False)
    )
    findings.check("refused", ok=ok, want=want, got=got)


def _tools(findings: Findings, want: JsonObject, seen: Seen) -> None:
    got = [
        {"callId": x["callId"], "name": x["name"], "argumentsText": x["argumentsJson"]}
        for x in seen.received("tool.call")
    ]
    wanted: list[JsonObject] = want["calls"]
    if want.get("unordered"):
        wanted, got = (sorted(c, key=lambda x: str(x["callId"])) for c in (wanted, got))
    _calls(findings, "tools.calls", wanted, got)
    if "maxInFlight" in want:
        findings.equal("tools.maxInFlight", want["maxInFlight"], max_in_flight(seen))
    called = {x["invocation"]: x["callId"] for x in seen.received("tool.call")}
    aborted = sorted({called.get(x["invocation"], "?") for x in seen.received("tool.abort")})
    findings.equal("tools.aborted", sorted(want.get("aborted", [])), aborted)


def max_in_flight(seen: Seen) -> int:
    """Return how many bodies were in flight at once, at most."""
    open_calls: set[str] = set()
    most = 0
    for entry in seen.entries:
        line: JsonObject = entry.get("line", {})
        if entry["type"] == "received" and line["type"] == "tool.call":
            open_calls.add(line["invocation"])
            most = max(most, len(open_calls))
        elif entry["type"] in {"sent", "received"} and line["type"] in _LEAVES:
            open_calls.discard(line["invocation"])
    return most


def _hooks(findings: Findings, want: list[JsonObject], seen: Seen) -> None:
    got: list[JsonObject] = []
    for line in seen.received("hook.call"):
        asked = {k: line[k] for k in ("hook", "callId", "argumentsText")}
        if "resultJson" in line:
            result = exact(line["resultJson"])
            asked |= {k: result[k] for k in ("isError", "code") if k in result}
        got.append(asked)
    _calls(findings, "hooks", want, got)


def _approval(line: JsonObject) -> JsonObject:
    return {k: line[k] for k in ("callId", "argumentsText")}


def _calls(findings: Findings, path: str, want: list[JsonObject], got: list[JsonObject]) -> None:
    """Compare rows, each in the members that the case gives."""
    named = [[{k: c[k] for k in ("hook", "callId") if k in c} for c in row] for row in (want, got)]
    if not findings.check(path, ok=named[0] == named[1], want=named[0], got=named[1]):
        return
    for i, (wanted, found) in enumerate(zip(want, got, strict=True)):
        for member, value in wanted.items():
            at, other = f"{path}[{i}].{member}", found.get(member, ABSENT)
            if member == "argumentsText":
                findings.check(at, ok=same_text(value, other), want=value, got=other)
            else:
                findings.equal(at, value, other)


def _clock(findings: Findings, want: JsonObject, seen: Seen) -> None:
    if "sleeps" in want:
        sleeps = [x["ms"] for x in seen.received("clock.sleep")]
        findings.equal("clock.sleeps", want["sleeps"], sleeps)
    findings.equal("clock.aborted", want.get("aborted", 0), len(seen.received("clock.abort")))


def _connection(findings: Findings, path: str, want: JsonObject, seen: Seen) -> None:
    number = want["exchange"]
    if "closedBy" in want:
        closed = [e["by"] for e in seen.of("closed") if e["exchange"] == number]
        findings.check(
            f"{path}.closedBy",
            ok=closed[:1] == [want["closedBy"]],
            want=want["closedBy"],
            got=closed,
        )
    if "acceptedAtMost" in want:
        sent = [e["sentBytes"] for e in seen.of("stalled") if e["exchange"] == number]
        findings.check(
            f"{path}.acceptedAtMost",
            ok=bool(sent) and sent[0] <= want["acceptedAtMost"],
            want=f"at most {want['acceptedAtMost']} bytes before the reader goes on",
            got=sent,
        )
