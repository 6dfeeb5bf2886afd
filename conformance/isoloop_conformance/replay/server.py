"""The replay server: a provider on loopback, byte for byte, for implementations in any language.

One event loop, one thread, one case at a time. Each case has its own URL prefix, so that a late
request of one case cannot be answered by another.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from isoloop_conformance.frames import Bytes
from isoloop_conformance.replay.connection import BadRequestError, Connection, Request
from isoloop_conformance.replay.plan import Answer, PlanError, ReplayPlan, answers
from isoloop_conformance.replay.respond import Responder
from isoloop_conformance.twin import Scene, Twin, twin_named
from isoloop_conformance.view import Reading, read_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isoloop_conformance.exact_json import JsonObject

_HOST = "127.0.0.1"


class ReplayServer:
    """Answers requests as the open case says.

    Contract:
        `observe` gets entries of a transcript without `n` and `atMs`, synchronously: what the
        client did before anything is done about it, what the server does before it is done, and
        that a body was sent after it was.
    """

    def __init__(self, listener: socket.socket, cassettes: Path) -> None:
        self._listener = listener
        self._cassettes = cassettes
        self._case: _Case | None = None
        self._past: set[str] = set()
        self._accepting: asyncio.Task[None] | None = None
        self.activity = 0

    @classmethod
    async def start(cls, *, cassettes: Path) -> ReplayServer:
        """Listen on a free port of the loopback interface."""
        listener = socket.create_server((_HOST, 0), backlog=512)
        listener.setblocking(False)
        server = cls(listener, cassettes)
        server._accepting = asyncio.create_task(server._accept())
        return server

    def open(self, plan: ReplayPlan, observe: Callable[[JsonObject], None]) -> str:
        """Begin a case, and return its base URL.

        Raises:
            PlanError: The plan cannot be rendered; nothing was begun.
        """
        if self._case is not None:
            raise PlanError("another case is open; close it first")
        rendered = answers(plan, self._cassettes)
        self._case = _Case(plan, rendered, observe)
        return f"http://{_HOST}:{self._listener.getsockname()[1]}{self._case.base_path}"

    def release(self, gate: str) -> None:
        """Release a gate, also before it is reached.

        Raises:
            PlanError: The open case has no such gate.
        """
        if self._case is None:
            raise PlanError(f"no case is open that could have the gate `{gate}`")
        self._case.release(gate)

    async def close_case(self) -> list[int]:
        """End the case: close its connections, and return the exchanges that nobody asked for.

        Raises:
            ExceptionGroup: The server itself failed while it answered.
        """
        case = self._case
        if case is None:
            return []
        self._case = None
        self._past.add(case.plan.token)
        return await case.close()

    async def aclose(self) -> None:
        """Close everything."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._listener.close()
        await self.close_case()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            self._moved(1)
            connection = Connection(sock, self._moved)
            if self._case is None or self._case.refuses():
                connection.reset()
                continue
            task = asyncio.create_task(self._serve(connection, self._case))
            self._case.own(connection, task)

    async def _serve(self, connection: Connection, case: _Case) -> None:
        try:
            while (request := await connection.request()) is not None:
                if not await self._answer(connection, request, case):
                    break
        except BadRequestError as error:
            case.unreadable(str(error))
        finally:
            connection.close()

    async def _answer(self, connection: Connection, request: Request, case: _Case) -> bool:
        token = request.target.removeprefix("/").partition("/")[0]
        if token in self._past:
            answer = case.rejection("this case is over")
        elif not request.target.startswith(f"{case.base_path}/"):
            answer = case.meet(request, request.target, why="it is outside the base URL")
        else:
            answer = case.meet(request, request.target.removeprefix(case.base_path))
        return await Responder(connection, answer, case).respond(keep_alive=case.keeps_alive)

    def _moved(self, count: int) -> None:
        self.activity += count


class _Case:
    """An open case: what is still to be answered, and what was seen."""

    def __init__(
        self,
        plan: ReplayPlan,
        rendered: list[Answer],
        observe: Callable[[JsonObject], None],
    ) -> None:
        self.plan = plan
        self._unread = list(rendered)
        self._observe = observe
        self._twin: Twin = twin_named(plan.dialect)
        self.base_path = f"/{plan.token}{self._twin.base_path}"
        self._gates = {name: asyncio.Event() for a in rendered for name in a.gates}
        self._connections: list[Connection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._requests = 0
        self._over = False
        # A refused connection must be a new one.
        self.keeps_alive = not any(answer.fault == "refuse" for answer in rendered)

    def own(self, connection: Connection, task: asyncio.Task[None]) -> None:
        """Keep a connection and the task that serves it until the case is closed."""
        self._connections.append(connection)
        self._tasks.append(task)

    def observe(self, entry: JsonObject) -> None:
        """Tell the runner, while the case is open."""
        if not self._over:
            self._observe(entry)

    def now_ms(self) -> int:
        """Return the virtual time."""
        return self.plan.now_ms()

    def gate(self, name: str) -> asyncio.Event:
        """Return the event that releases a gate."""
        return self._gates[name]

    def release(self, gate: str) -> None:
        """Release a gate."""
        if gate not in self._gates:
            known = ", ".join(sorted(self._gates)) or "none"
            raise PlanError(f"there is no gate `{gate}`; the case has: {known}")
        self.observe({"type": "release", "gate": gate})
        self._gates[gate].set()

    def refuses(self) -> bool:
        """Whether the connection that was just made is one to refuse.

        Who refuses a connection cannot see it. So it is accepted and reset before a byte is read.
        """
        if not self._unread or self._unread[0].fault != "refuse":
            return False
        refused = self._unread.pop(0)
        self.observe(
            {"type": "closed", "exchange": refused.exchange, "by": "server", "sentBytes": 0}
        )
        return True

    def meet(self, request: Request, path: str, why: str = "") -> Answer:
        """Find the answer for a request, and tell the runner of it."""
        reading = read_request(self.plan.dialect, request.body, request.headers)
        lane = self._lane(reading)
        why = why or self._misfit(request, path)
        answer = None if why else self._next(lane)
        if not why and answer is None:
            why = "no exchange is left for it" if lane is None else f"lane `{lane}` has none left"
        entry = _entry(request, path, reading, why)
        if lane is not None:
            entry["lane"] = lane
        if answer is not None:
            entry["exchange"] = answer.exchange
        self._tell(entry)
        return answer or self.rejection(why)

    def unreadable(self, problem: str) -> None:
        """Tell the runner of bytes that are no request."""
        self._tell(_entry(Request("", "", {}, b""), "", Reading(None, ()), problem))

    def rejection(self, why: str) -> Answer:
        """Return the answer to a request that nobody expects: never one that invites a retry."""
        said = self._twin.rejection(
            400, {"message": f"replay: this request is not expected: {why}"}, Scene(self.plan.model)
        )
        return Answer(
            None,
            status=said.status,
            headers=list(said.headers.items()),
            frames=[Bytes(said.body)],
            length=len(said.body),
        )

    async def close(self) -> list[int]:
        """Close every connection; return the exchanges that nobody asked for."""
        self._over = True
        for connection in self._connections:
            connection.close()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        failures = [r for r in results if isinstance(r, Exception)]
        if failures:
            raise ExceptionGroup("the replay server failed", failures)
        return [answer.exchange for answer in self._unread if answer.exchange is not None]

    def _lane(self, reading: Reading) -> str | None:
        view = reading.view or {}
        users = [m for m in view.get("messages", []) if m["role"] == "user"]
        text = "".join(b.get("text", "") for b in users[0]["content"]) if users else None
        seen = {"firstUser": text, "model": view.get("model")}
        for name, wanted in self.plan.lanes.items():
            if all(seen.get(member) == value for member, value in wanted.items()):
                return name
        return None

    def _misfit(self, request: Request, path: str) -> str:
        if request.method != "POST":
            return f"{request.method} instead of POST"
        if path.partition("?")[0] != self._twin.path:
            return f"{path} instead of {self._twin.path}"
        return ""

    def _next(self, lane: str | None) -> Answer | None:
        for i, answer in enumerate(self._unread):
            if answer.lane == lane or not self.plan.lanes:
                return self._unread.pop(i)
        return None

    def _tell(self, entry: JsonObject) -> None:
        self.observe({"type": "request", "request": self._requests, **entry})
        self._requests += 1


def _entry(request: Request, path: str, reading: Reading, unexpected: str) -> JsonObject:
    entry: JsonObject = {
        "method": request.method,
        "path": path,
        "headers": request.headers,
        "body": request.body.decode(errors="replace"),
        "problems": [*reading.problems, *([f"unexpected: {unexpected}"] if unexpected else [])],
    }
    return entry if reading.view is None else entry | {"view": reading.view}
