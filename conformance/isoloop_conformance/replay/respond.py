"""Send one answer: headers, body, gates, and the end that the case wants."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, assert_never

from isoloop_conformance.frames import Bytes, End, Gate
from isoloop_conformance.replay.plan import Answer, http_dates

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.replay.connection import Connection

# How much more than it sends a body announces that ends before its announced length.
_MISSING = 1_000


class Stage(Protocol):
    """The case, as an answer sees it."""

    def observe(self, entry: JsonObject) -> None:
        """Tell the runner. Called before anything is done about it, except that bytes were sent."""
        ...

    def gate(self, name: str) -> asyncio.Event:
        """Return the event that releases a gate."""
        ...

    def now_ms(self) -> int:
        """Return the virtual time."""
        ...


class Responder:
    """Sends one answer over one connection."""

    def __init__(self, connection: Connection, answer: Answer, stage: Stage) -> None:
        self._connection = connection
        self._answer = answer
        self._stage = stage
        self._sent = 0

    async def respond(self, *, keep_alive: bool) -> bool:
        """Send the answer; return whether the connection can be used again."""
        answer = self._answer
        if answer.hold and not await self._pass(answer.hold):
            return self._client_closed()
        if answer.fault:
            return await self._fail(answer.fault)
        self._observe("response", status=answer.status)
        await self._connection.send(self._head(keep_alive=keep_alive))
        if not await self._body():
            return self._client_closed()
        return await self._finish() and keep_alive

    async def _body(self) -> bool:
        frames = self._answer.frames
        for i, frame in enumerate(frames):
            match frame:
                case Bytes(data):
                    await self._write(data)
                    # The last write needs no pacing, but an end that is not clean must not
                    # overtake it.
                    if i + 1 < len(frames) or self._answer.how != "fin":
                        await self._connection.settle(self._stalled)
                case Gate(name):
                    if not await self._pass(name):
                        return False
                case End():
                    pass
                case _:
                    assert_never(frame)
            if self._connection.gone.is_set() and self._sent < self._answer.length:
                return False
        return True

    async def _write(self, data: bytes) -> None:
        if self._answer.framing != "chunked":
            self._sent += await self._connection.send(data, self._stalled)
            return
        if not data:
            return
        size = f"{len(data):x}\r\n".encode()
        taken = await self._connection.send(size + data + b"\r\n", self._stalled)
        self._sent += min(max(taken - len(size), 0), len(data))

    async def _finish(self) -> bool:
        how = self._answer.how
        match how:
            case "fin":
                if self._answer.framing == "chunked":
                    await self._connection.send(b"0\r\n\r\n")
                self._observe("response_done", sentBytes=self._sent)
                return True
            case "stall":
                await self._connection.gone.wait()
                return self._client_closed()
            case "reset":
                self._server_closes()
                self._connection.reset()
            case "bad_chunk":
                self._server_closes()
                await self._connection.send(b"this is no chunk size\r\n")
                await self._connection.settle()
            case "half_close":
                self._server_closes()
                self._connection.half_close()
                await self._connection.gone.wait()
            case "short_length":
                self._server_closes()
            case _:
                assert_never(how)
        return False

    async def _fail(self, fault: str) -> bool:
        match fault:
            case "stall":
                await self._connection.gone.wait()
                return self._client_closed()
            case "close":
                self._server_closes()
            case "reset":
                self._server_closes()
                self._connection.reset()
            case "reset_in_headers":
                self._server_closes()
                await self._connection.send(b"HTTP/1.1 200 OK\r\ncontent-ty")
                await self._connection.settle()
                self._connection.reset()
            case _:
                raise ValueError(f"there is no fault `{fault}`")
        return False

    async def _pass(self, name: str) -> bool:
        """Wait at a gate; False when the client goes first."""
        self._observe_gate(name)
        released = self._stage.gate(name)
        if not released.is_set():
            waits = [asyncio.create_task(e.wait()) for e in (released, self._connection.gone)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        return not self._connection.gone.is_set()

    def _head(self, *, keep_alive: bool) -> bytes:
        answer = self._answer
        phrase = HTTPStatus(answer.status).phrase if answer.status in _STATUSES else ""
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        now = self._stage.now_ms()
        lines += [f"{name}: {http_dates(value, now)}" for name, value in answer.headers]
        if answer.framing == "chunked":
            lines.append("transfer-encoding: chunked")
        elif answer.framing == "length":
            more = _MISSING if answer.how == "short_length" else 0
            lines.append(f"content-length: {answer.length + more}")
        if not keep_alive:
            lines.append("connection: close")
        return "\r\n".join([*lines, "", ""]).encode()

    def _observe_gate(self, name: str) -> None:
        self._stage.observe({"type": "gate", "gate": name})

    def _observe(self, kind: str, **members: int | str) -> None:
        if self._answer.exchange is not None:
            self._stage.observe({"type": kind, "exchange": self._answer.exchange, **members})

    def _stalled(self) -> None:
        self._observe("stalled", sentBytes=self._sent)

    def _client_closed(self) -> bool:
        self._observe("closed", by="client", sentBytes=self._sent)
        return False

    def _server_closes(self) -> None:
        self._observe("closed", by="server", sentBytes=self._sent)


_STATUSES = {int(status) for status in HTTPStatus}
