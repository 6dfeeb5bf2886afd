"""What every driver in Python needs: private stdio, the protocol's lines, a clock that obeys.

    class Mine(DriverCase):
        async def begin(self, line): ...      # build the agent
        def on_run(self, line): ...           # one method for each line of the runner
    serve(hello, Mine)

A driver translates. It holds no expectation, and it never reorders, repeats or invents.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from isoloop_conformance.exact_json import JsonObject

LINE_LIMIT_BYTES = 64 * 1024 * 1024
# Passes of the event loop after which whatever was ready has run.
SYNC_PASSES = 64
# Lines of the runner that answer an invocation of ours.
_ANSWERS = ("tool.result", "tool.return", "tool.raise", "hook.result")


class Unsupported(Exception):
    """The implementation cannot do what a case asks for."""


class Port:
    """The driver's end of the line. Whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "rb", buffering=0)
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._waiting: dict[str, asyncio.Future[JsonObject]] = {}
        self._progress: dict[str, Callable[[JsonObject], None]] = {}
        self._counts: dict[str, int] = {}

    def send(self, line: JsonObject) -> None:
        """Write a line at once, whole."""
        data = memoryview(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self._out, data) :]

    def new_id(self, prefix: str) -> str:
        """Return an id that this case has not used."""
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}{self._counts[prefix]}"

    async def ask(
        self, line: JsonObject, on_progress: Callable[[JsonObject], None] | None = None
    ) -> JsonObject:
        """Send an invocation and wait for the runner's answer."""
        invocation = self.new_id("i")
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[invocation] = answer
        if on_progress is not None:
            self._progress[invocation] = on_progress
        self.send({**line, "invocation": invocation})
        try:
            return await answer
        except asyncio.CancelledError:
            if line["type"] == "tool.call":
                self.send({"type": "tool.abort", "invocation": invocation})
            raise
        finally:
            self._progress.pop(invocation, None)

    def forget(self) -> None:
        """Begin a new case: what the one before left waiting is answered no more."""
        self._waiting.clear()
        self._progress.clear()
        self._counts.clear()

    def answered(self, line: JsonObject) -> None:
        """Hand an answer to whoever waits for it; a late one changes nothing."""
        if line["type"] == "tool.progress":
            if on_progress := self._progress.get(line["invocation"]):
                on_progress(line)
            return
        answer = self._waiting.pop(line["invocation"], None)
        if answer is not None and not answer.done():
            answer.set_result(line)

    async def reader(self) -> asyncio.StreamReader:
        """Return the runner's lines."""
        reader = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), self._in)
        return reader


class VirtualClock:
    """A clock that stands still until the runner moves it."""

    def __init__(self, port: Port, now_ms: int) -> None:
        self._port = port
        self._now_ms = now_ms
        self._timers: dict[str, asyncio.Future[None]] = {}

    def now_ms(self) -> int:
        """Tell the time."""
        return self._now_ms

    async def sleep_until(self, due_ms: int) -> None:
        """Wait until the runner says that the time has come."""
        if due_ms <= self._now_ms:
            return
        timer = self._port.new_id("t")
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timers[timer] = woken
        self._port.send({"type": "clock.sleep", "timer": timer, "ms": due_ms - self._now_ms})
        try:
            await woken
        except asyncio.CancelledError:
            self._timers.pop(timer, None)
            self._port.send({"type": "clock.abort", "timer": timer})
            raise

    def set(self, line: JsonObject) -> None:
        """Move, and end the wait that is due."""
        self._now_ms = line["nowMs"]
        woken = self._timers.pop(line.get("timer", ""), None)
        if woken is not None and not woken.done():
            woken.set_result(None)


class DriverCase:
    """One case. `on_<type>` takes a line of the runner, with dots as underscores."""

    def __init__(self, port: Port, line: JsonObject) -> None:
        self.port = port
        self.clock = VirtualClock(port, line["clock"]["nowMs"])
        self._tasks: set[asyncio.Task[Any]] = set()
        self._credit: dict[str, asyncio.Semaphore] = {}
        self._approvals: dict[str, asyncio.Future[JsonObject]] = {}

    async def begin(self, line: JsonObject) -> None:
        """Build the agent.

        Raises:
            Unsupported: The implementation cannot do what the case asks for.
        """

    async def end(self) -> JsonObject:
        """Dispose of the agent; return what outlived it, where that can be told."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return {}

    async def ask_approver(self, line: JsonObject) -> JsonObject:
        """Send an `approval.request`; return the `approve` that answers it."""
        decided: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._approvals[line["approvalId"]] = decided
        self.port.send({"type": "approval.request", **line})
        return await decided

    def on_approve(self, line: JsonObject) -> None:
        """Answer an approval."""
        decided = self._approvals.pop(line["approvalId"], None)
        if decided is None or decided.done():
            # An approver that is a function is called once: there is nobody who could refuse.
            self.port.send({"type": "unsupported", "feature": "a decision nobody waits for"})
        else:
            decided.set_result(line)

    async def room(self, line: JsonObject) -> None:
        """Wait until the reader of a run may take one more event."""
        if line["reader"] == "credit":
            await self._credit.setdefault(line["run"], asyncio.Semaphore(0)).acquire()

    def on_events_credit(self, line: JsonObject) -> None:
        """Let a reader take more events."""
        credit = self._credit.setdefault(line["run"], asyncio.Semaphore(0))
        for _ in range(line["count"]):
            credit.release()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the lines that come in; a failure of it is fatal to the case."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.port.send({"type": "fatal", "text": f"{type(error).__name__}: {error}"})


def serve(hello: JsonObject, make: Callable[[Port, JsonObject], DriverCase]) -> None:
    """Serve cases until the runner says `bye` or is gone."""
    asyncio.run(_serve(Port(), hello, make))


async def _serve(
    port: Port, hello: JsonObject, make: Callable[[Port, JsonObject], DriverCase]
) -> None:
    reader = await port.reader()
    case: DriverCase | None = None
    while text := await reader.readline():
        line: JsonObject = json.loads(text)
        match line["type"]:
            case "hello":
                port.send({"type": "hello", **hello})
            case "case.begin":
                case = await _begin(port, line, make)
            case "bye":
                return
            case "sync":
                await _let_run()
                port.send({"type": "synced", "number": line["number"]})
            case "case.end":
                leaks = await case.end() if case is not None else {}
                case = None
                port.send({"type": "case.done", **({"leaks": leaks} if leaks else {})})
            case _ if case is not None:
                _dispatch(port, case, line)
            case _:
                port.send({"type": "log", "text": f"`{line['type']}` outside a case"})


async def _begin(
    port: Port, line: JsonObject, make: Callable[[Port, JsonObject], DriverCase]
) -> DriverCase | None:
    port.forget()
    try:
        case = make(port, line)
        await case.begin(line)
    except Unsupported as lack:
        port.send({"type": "unsupported", "feature": str(lack)})
        return None
    except Exception as error:  # noqa: BLE001 -- whatever it is, the runner must hear of it
        port.send({"type": "fatal", "text": f"{type(error).__name__}: {error}"})
        return None
    port.send({"type": "ready"})
    return case


def _dispatch(port: Port, case: DriverCase, line: JsonObject) -> None:
    kind: str = line["type"]
    if kind in _ANSWERS or kind == "tool.progress":
        port.answered(line)
    elif kind in {"clock.wake", "clock.set"}:
        case.clock.set(line)
    elif (handler := getattr(case, f"on_{kind.replace('.', '_')}", None)) is not None:
        try:
            handler(line)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the runner must hear of it
            port.send({"type": "fatal", "text": f"{kind}: {type(error).__name__}: {error}"})
    else:
        port.send({"type": "unsupported", "feature": kind})


async def _let_run() -> None:
    """Let everything that is ready run, and what that makes ready, and so on."""
    loop = asyncio.get_running_loop()
    for _ in range(SYNC_PASSES):
        passed = loop.create_future()
        loop.call_soon(passed.set_result, None)
        await passed
    sys.stderr.flush()
