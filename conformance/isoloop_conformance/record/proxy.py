"""A proxy on loopback that passes exchanges on, piece by piece, and keeps a copy of them.

It asks for bodies without content encoding, and undoes gzip where a server sends it all the same:
what is kept is what the client got, and the pieces are those in which it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from isoloop_conformance.cassettes import Arrival
from isoloop_conformance.replay.connection import BadRequestError, Connection, Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Mapping

_HOST = "127.0.0.1"
# What belongs to one connection, and is decided anew on each side of the proxy.
_HOP_BY_HOP = {
    *("accept-encoding", "connection", "content-encoding", "content-length", "expect", "host"),
    *("keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade"),
}
# A client may leave once it has seen the last event. How long the rest of a body may take then.
_LEFTOVER_S = 1.0
_TIMEOUT = httpx.Timeout(600, connect=10)


class RecordError(Exception):
    """A recording cannot be made; nothing was written."""


@dataclass(frozen=True)
class Upstream:
    """Who answers.

    Attributes:
        url: The base URL that requests are passed to.
        headers: Headers that take the place of what the client sends: the real key.
        now_ms: The clock that tells when a piece arrived.
    """

    url: str
    now_ms: Callable[[], int]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Exchange:
    """A request, and as much of its response as has come."""

    request: Request
    path: str
    status: int = 0
    message: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    body: bytearray = field(default_factory=bytearray)
    arrived: list[Arrival] = field(default_factory=list[Arrival])
    problem: str = "it was still open at the end"

    @property
    def complete(self) -> bool:
        """Whether the whole response was seen."""
        return not self.problem


class CaptureProxy:
    """Passes on what comes for the open upstream, and keeps it.

    Contract: one upstream at a time; `take` ends it and returns its exchanges in order.
    """

    def __init__(self, listener: socket.socket, client: httpx.AsyncClient) -> None:
        self._listener = listener
        self._client = client
        self._path = "/"
        self._upstream: Upstream | None = None
        self._exchanges: list[Exchange] = []
        self._busy: set[asyncio.Task[None]] = set()
        self._connections: list[Connection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._accepting: asyncio.Task[None] | None = None
        self.activity = 0

    @classmethod
    async def start(cls, tls: ssl.SSLContext | None = None) -> CaptureProxy:
        """Listen on a free port of the loopback interface.

        Args:
            tls: How the upstream's certificate is checked; None where the upstream is on loopback,
                to which no other proxy may lead either.
        """
        listener = socket.create_server((_HOST, 0), backlog=512)
        listener.setblocking(False)
        client = httpx.AsyncClient(
            verify=tls or False, trust_env=tls is not None, timeout=_TIMEOUT, follow_redirects=False
        )
        # What the library would add by itself is nothing that the client sent.
        client.headers.clear()
        proxy = cls(listener, client)
        proxy._accepting = asyncio.create_task(proxy._accept())
        return proxy

    def open(self, path: str, upstream: Upstream) -> str:
        """Pass on what is asked below a path; return the base URL that leads there."""
        self._path, self._upstream, self._exchanges = path, upstream, []
        return f"http://{_HOST}:{self._listener.getsockname()[1]}{path}"

    async def take(self) -> list[Exchange]:
        """End the upstream, and return what was exchanged."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=_LEFTOVER_S)
        self._upstream = None
        for connection in self._connections:
            connection.close()
        for task in self._busy:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._connections, self._tasks = [], []
        if failures := [r for r in results if isinstance(r, Exception)]:
            raise ExceptionGroup("the capture proxy failed", failures)
        return self._exchanges

    async def aclose(self) -> None:
        """Close everything."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._listener.close()
        await self.take()
        await self._client.aclose()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            connection = Connection(sock, self._moved)
            self._connections.append(connection)
            self._tasks.append(asyncio.create_task(self._serve(connection)))

    async def _serve(self, connection: Connection) -> None:
        try:
            while (request := await connection.request()) is not None:
                task = asyncio.create_task(self._pass_on(connection, request))
                self._busy.add(task)
                try:
                    await asyncio.wait((task,))
                finally:
                    self._busy.discard(task)
                if not task.cancelled():
                    task.result()
        except BadRequestError as error:
            self._exchanges.append(Exchange(Request("", "", {}, b""), "", problem=str(error)))
        finally:
            connection.close()

    async def _pass_on(self, connection: Connection, request: Request) -> None:
        exchange = Exchange(request, request.target.removeprefix(self._path))
        self._exchanges.append(exchange)
        if self._upstream is None or not request.target.startswith(self._path):
            exchange.problem = f"{request.target} is outside the base URL"
            connection.reset()
            return
        try:
            async with _until_gone(connection):
                await self._relay(connection, exchange, self._upstream)
            exchange.problem = ""
        except TimeoutError:
            exchange.problem = "the client closed the connection before the end"
        except (httpx.HTTPError, zlib.error, RecordError) as error:
            exchange.problem = str(error) or type(error).__name__
        if exchange.problem:
            # The client must not take a broken answer for a whole one.
            connection.reset()

    async def _relay(self, connection: Connection, exchange: Exchange, upstream: Upstream) -> None:
        sent = exchange.request
        given = {k: v for k, v in sent.headers.items() if k not in _HOP_BY_HOP}
        headers = given | {"accept-encoding": "identity"} | dict(upstream.headers)
        async with self._client.stream(
            sent.method, upstream.url + exchange.path, headers=headers, content=sent.body
        ) as response:
            began = upstream.now_ms()
            exchange.status, exchange.message = response.status_code, response.reason_phrase
            for name, value in response.headers.multi_items():
                if name.lower() not in _HOP_BY_HOP:
                    exchange.headers.setdefault(name.lower(), []).append(value)
            unpacker = _unpacker(response.headers.get("content-encoding", "identity"))
            await connection.send(_head(exchange))
            async for data in response.aiter_raw():
                piece = data if unpacker is None else unpacker.decompress(data)
                await self._piece(connection, exchange, piece, upstream.now_ms() - began)
            if unpacker is not None and not unpacker.eof:
                raise RecordError("the compressed body ends too early")
        await connection.send(b"0\r\n\r\n")

    async def _piece(
        self, connection: Connection, exchange: Exchange, data: bytes, at_ms: int
    ) -> None:
        self._moved(1)
        if not data:
            return
        exchange.body += data
        exchange.arrived.append(Arrival(len(data), at_ms))
        await connection.send(b"%x\r\n%b\r\n" % (len(data), data))

    def _moved(self, count: int) -> None:
        self.activity += count


@contextlib.asynccontextmanager
async def _until_gone(connection: Connection) -> AsyncGenerator[None]:
    """Give up a moment after the client has gone."""
    async with asyncio.timeout(None) as limit:

        async def watch() -> None:
            await connection.gone.wait()
            limit.reschedule(asyncio.get_running_loop().time() + _LEFTOVER_S)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()


def _head(exchange: Exchange) -> bytes:
    lines = [f"HTTP/1.1 {exchange.status} {exchange.message}"]
    lines += [f"{name}: {value}" for name, given in exchange.headers.items() for value in given]
    return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode("latin-1")


def _unpacker(encoding: str) -> Any:
    """Return what undoes a content encoding, piece by piece; None where there is none."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        case other:
            raise RecordError(
                f"the server sent content encoding `{other}`, which was not asked for"
            )
