"""A loopback server whose every byte a test decides."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from isoloop.transport import Request, Timeouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from isoloop.transport import Response, Transport

QUICK = Timeouts(connect_s=5, idle_s=0.05)
PATIENT = Timeouts(connect_s=5, idle_s=5)


@dataclass
class Exchange:
    """The server's side of one connection, after a request arrived."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str
    body: bytes

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def send_chunk(self, data: bytes) -> None:
        """Send one chunk of the body."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def begin(self, status: str = "200 OK", *headers: str) -> None:
        """Send a head for a body in chunks."""
        lines = [f"HTTP/1.1 {status}", "transfer-encoding: chunked", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    async def end(self) -> None:
        """Send the last chunk."""
        await self.send(b"0\r\n\r\n")

    def reset(self) -> None:
        """Drop the connection with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()

    async def closed_by_client(self) -> None:
        """Wait until the client has closed its side."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass


Handler: TypeAlias = "Callable[[Exchange], Awaitable[None]]"


@dataclass
class Server:
    """A server on a port of its own."""

    port: int
    connections: int = 0
    open_connections: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Some client closed its connection."""

    def request(self, path: str = "/v1/messages", body: bytes = b"{}") -> Request:
        """Make a request to this server."""
        headers = {"content-type": "application/json", "x-api-key": "k"}
        return Request("POST", f"http://127.0.0.1:{self.port}{path}", headers, body)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    """Serve each request by the handler."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        server.connections += 1
        server.open_connections += 1
        try:
            while head := await _head(reader):
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                exchange = Exchange(reader, writer, head, await reader.readexactly(length))
                server.exchanges.append(exchange)
                await handler(exchange)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            server.open_connections -= 1
            server.closed.set()
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server = Server(listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""


async def plain(exchange: Exchange) -> None:
    """Answer `hello` in two chunks."""
    await exchange.begin("200 OK", "Content-Type: text/plain", "X-Two: a", "X-Two: b")
    await exchange.send_chunk(b"hel")
    await exchange.send_chunk(b"lo")
    await exchange.end()


async def body_of(response: Response) -> bytes:
    """Read a body to its end."""
    return b"".join([chunk async for chunk in response.chunks()])


async def exchange(
    transport: Transport, server: Server, timeouts: Timeouts = PATIENT
) -> tuple[int, bytes]:
    """Do one exchange to its end."""
    response = await transport.open(server.request(), timeouts)
    try:
        return response.status, await body_of(response)
    finally:
        await response.aclose()
