"""Check a driver against a scripted peer: does it speak the protocol? No case, no cassette.

A red check here is a fault of the driver, not of the implementation behind it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from isoloop_conformance import CONTRACT_VERSION, PROTOCOL_VERSION, SUITE_VERSION, schemas, values
from isoloop_conformance.places import places
from isoloop_conformance.replay import ReplayPlan, ReplayServer
from isoloop_conformance.supervisor import Driver, DriverMissingError
from isoloop_conformance.variants import Variant
from isoloop_conformance.watch import NothingMovesError, Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from isoloop_conformance.exact_json import Json, JsonObject

LEAVE_S = 5.0
LONG_TEXT = "long " * 800_000  # a line of 4 MB
TOOL: JsonObject = {
    "type": "function",
    "name": "echo",
    "description": "Echoes.",
    "inputSchema": {"type": "object"},
}
_CALL: JsonObject = {"call": {"id": "call_1", "name": "echo", "argumentsText": '{"n":1.10}'}}


@dataclass(frozen=True)
class Check:
    """One thing that a driver must do."""

    name: str
    ok: bool
    detail: str = ""


class _Failed(Exception):
    pass


async def examine(command: Sequence[str], inactivity_s: float) -> list[Check]:
    """Carry out every check; after one without which no other makes sense, stop."""
    patient = _Patient(command, Watch(inactivity_s))
    checks: list[Check] = []
    try:
        for name, fatal, check in patient.checks():
            try:
                await check()
                checks.append(Check(name, ok=True))
            except (_Failed, DriverMissingError) as failure:
                checks.append(Check(name, ok=False, detail=str(failure)))
                if fatal or not patient.alive:
                    break
    finally:
        await patient.close()
    return checks


class _Patient:
    """The driver under examination, and everything that it has said."""

    def __init__(self, command: Sequence[str], watch: Watch) -> None:
        self._watch = watch
        self._driver = Driver(command)
        self._driver.listener = self
        self._server: ReplayServer | None = None
        self._lines: list[JsonObject] = []
        self._read = 0
        self._entries: list[JsonObject] = []
        self._noise: list[str] = []
        self._exit: tuple[int, str] | None = None
        self._cases = 0
        self._dialect = "anthropic-messages"

    @property
    def alive(self) -> bool:
        return self._driver.alive

    def checks(self) -> list[tuple[str, bool, Callable[[], Awaitable[None]]]]:
        """The checks in order, and whether the rest makes no sense without each."""
        return [
            ("starts and says hello", True, self._hello),
            ("answers `sync`", True, self._sync),
            ("builds an agent and disposes of it", True, self._build),
            ("ignores members that it does not know", False, self._unknown_member),
            ("answers a line that it does not know with `unsupported`", False, self._unknown_line),
            ("reports events and one result", False, self._run),
            (
                "reports events as JSON text that is valid by the contract",
                False,
                self._valid_events,
            ),
            ("has the runner answer for a tool", False, self._tool),
            ("hands over a tool's arguments as text, untouched", False, self._arguments),
            ("lets a late answer of a tool change nothing", False, self._late),
            ("reports a tool that raises, and goes on", False, self._raise),
            ("waits on the runner's clock", False, self._clock),
            ("aborts a run", False, self._abort),
            ("takes a line of 4 MB", False, self._long_line),
            ("keeps its standard output clean", False, self._clean),
            ("leaves on `bye` with status 0", False, self._bye),
        ]

    # ---- what the driver does

    def on_line(self, line: JsonObject) -> None:
        if line["type"] != "log":
            self._lines.append(line)
        self._watch.moved()

    def on_noise(self, text: str, problem: str) -> None:
        self._noise.append(f"{problem}: {text!r}")
        self._watch.moved()

    def on_exit(self, status: int, stderr: str) -> None:
        self._exit = (status, stderr)
        self._watch.moved()

    def _observe(self, entry: JsonObject) -> None:
        self._driver.drain()
        self._entries.append(entry)
        self._watch.moved()

    async def close(self) -> None:
        self._driver.kill()
        if self._server is not None:
            await self._server.aclose()

    # ---- the checks

    async def _hello(self) -> None:
        self._driver.start()
        hello = {"type": "hello", "protocol": [PROTOCOL_VERSION]}
        self._driver.send({**hello, "suite": SUITE_VERSION, "contract": CONTRACT_VERSION})
        answer = await self._line("hello")
        if answer["protocol"] != PROTOCOL_VERSION:
            raise _Failed(f"it chose protocol {answer['protocol']}, which was not offered")
        dialects = cast("list[str]", answer["capabilities"]["dialects"])
        if not dialects:
            raise _Failed("it claims no dialect")
        self._dialect = dialects[0]
        server = await ReplayServer.start(cassettes=places().cassettes)
        self._server, self._watch.activity = server, lambda: server.activity

    async def _sync(self) -> None:
        self._driver.send({"type": "sync", "number": 7})
        if (number := (await self._line("synced"))["number"]) != 7:
            raise _Failed(f"it answered {number} to sync 7")

    async def _build(self) -> None:
        await self._begin([])
        await self._end()

    async def _unknown_member(self) -> None:
        await self._begin([], extra={"memberOfTheFuture": {"x": [1]}})
        await self._end()

    async def _unknown_line(self) -> None:
        await self._begin([])
        self._driver.send({"type": "line.of.the.future"})
        await self._line("unsupported")
        await self._end()

    async def _run(self) -> None:
        await self._begin([{"reply": [{"say": "hello"}]}])
        self._start("hi")
        await self._line("result")
        if not any(x["type"] == "event" for x in self._lines):
            raise _Failed("no event came before the result")
        self._driver.send({"type": "sync", "number": 8})
        await self._line("synced")
        if results := [x for x in self._lines[self._read :] if x["type"] in {"result", "event"}]:
            raise _Failed(f"after the result came {results[0]['type']}")
        await self._end()

    async def _valid_events(self) -> None:
        for line in self._lines:
            if line["type"] == "event":
                _hold("event.KnownEvent", line["eventJson"])
            if line["type"] == "result":
                _hold("run.RunResult", line["resultJson"])

    async def _tool(self) -> None:
        await self._begin([{"reply": [_CALL]}, {"reply": [{"say": "done"}]}], [TOOL])
        self._start("go")
        call = await self._line("tool.call")
        self._driver.send(values.tool_answer({"text": "ok"}, call["invocation"]))
        await self._line("result")
        if self._requests() != 2:
            raise _Failed(f"{self._requests()} requests were made, not 2")
        await self._end()

    async def _arguments(self) -> None:
        calls = [x for x in self._lines if x["type"] == "tool.call"]
        got = calls[-1]["argumentsJson"] if calls else None
        if got != '{"n":1.10}':
            raise _Failed(f"""'{{"n":1.10}}' arrived as {got!r}""")

    async def _late(self) -> None:
        await self._begin([{"reply": [{"say": "hello"}]}])
        self._driver.send(values.tool_answer({"text": "late"}, "i-of-the-past"))
        self._start("hi")
        await self._line("result")
        await self._end()

    async def _raise(self) -> None:
        await self._begin([{"reply": [_CALL]}, {"reply": [{"say": "done"}]}], [TOOL])
        self._start("go")
        call = await self._line("tool.call")
        self._driver.send(values.tool_answer({"raise": "boom"}, call["invocation"]))
        await self._line("result")
        await self._end()

    async def _clock(self) -> None:
        await self._begin([{"status": 500, "error": {}}, {"reply": [{"say": "hello"}]}])
        self._start("hi")
        sleep = await self._line("clock.sleep")
        now_ms = values.START_MS + sleep["ms"]
        self._driver.send({"type": "clock.wake", "timer": sleep["timer"], "nowMs": now_ms})
        await self._line("result")
        await self._end()

    async def _abort(self) -> None:
        await self._begin([{"reply": [{"say": "hello"}, {"gate": "held"}, {"more": " world"}]}])
        self._start("hi")
        await self._until(lambda: any(e["type"] == "gate" for e in self._entries), "the request")
        self._driver.send({"type": "abort", "run": "r1"})
        await self._line("result")
        await self._end()

    async def _long_line(self) -> None:
        await self._begin([{"reply": [{"say": "hello"}]}])
        self._start(LONG_TEXT)
        await self._line("result")
        bodies = [e["body"] for e in self._entries if e["type"] == "request"]
        if not bodies or LONG_TEXT not in bodies[0]:
            raise _Failed("the long text did not arrive at the provider")
        await self._end()

    async def _clean(self) -> None:
        if self._noise:
            raise _Failed(self._noise[0])

    async def _bye(self) -> None:
        self._driver.send({"type": "bye"})
        if not await self._driver.ended(within_s=LEAVE_S):
            raise _Failed(f"it still runs after {LEAVE_S:.0f} s")
        status = self._driver.exit_status
        if status != 0:
            raise _Failed(f"its exit status is {status}")

    # ---- tools for checks

    async def _begin(
        self,
        exchanges: list[JsonObject],
        tools: list[JsonObject] | None = None,
        extra: JsonObject | None = None,
    ) -> None:
        assert self._server
        self._cases += 1
        self._entries.clear()
        token = f"d{self._cases}"
        plan = ReplayPlan(
            token=token,
            dialect=self._dialect,
            delivery="sse",
            chunks="as_is",
            exchanges=exchanges,
            lanes={},
            model=values.MODEL,
            now_ms=lambda: values.START_MS,
        )
        base_url = self._server.open(plan, self._observe)
        case: JsonObject = {"agent": {"tools": tools or []}, "steps": []}
        variant = Variant("doctor", self._dialect, "sse", "as_is", case)
        self._driver.send({**values.case_begin(variant, token, base_url), **(extra or {})})
        await self._line("ready")

    async def _end(self) -> None:
        assert self._server
        self._driver.send({"type": "case.end"})
        await self._line("case.done")
        await self._server.close_case()

    def _start(self, text: str) -> None:
        messages = json.dumps([values.user_message(text)])
        line = {"type": "run", "run": "r1", "inputJson": messages, "historyJson": "[]"}
        self._driver.send({**line, "reader": "events"})

    def _requests(self) -> int:
        return sum(1 for e in self._entries if e["type"] == "request")

    async def _line(self, kind: str) -> JsonObject:
        """Return the next line of a type; events on the way are passed over."""

        def found() -> bool:
            return any(x["type"] != "event" for x in self._lines[self._read :])

        await self._until(found, f"`{kind}`")
        while (line := self._lines[self._read])["type"] == "event":
            self._read += 1
        self._read += 1
        if line["type"] != kind:
            said = line.get("text") or line.get("feature") or line.get("message") or ""
            raise _Failed(f"`{kind}` was expected, `{line['type']}` came {said}".rstrip())
        return line

    async def _until(self, condition: Callable[[], bool], awaited: str) -> None:
        known_noise = len(self._noise)

        def settled() -> bool:
            return condition() or self._exit is not None or len(self._noise) > known_noise

        try:
            await self._watch.until(settled)
        except NothingMovesError:
            raise _Failed(f"{awaited} never came; nothing moved") from None
        if condition():
            return
        if self._exit is not None:
            status, stderr = self._exit
            tail = "".join(stderr.strip().splitlines()[-1:])
            raise _Failed(f"the driver ended with status {status} {tail}".rstrip())
        raise _Failed(f"instead of {awaited}: {self._noise[-1]}")


def _hold(kind: str, text: str) -> None:
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise _Failed(f"not JSON: {error}: {text[:100]}") from None
    if found := schemas.problems(kind, value):
        raise _Failed(f"{value.get('type', kind)}: {found[0].text}")
