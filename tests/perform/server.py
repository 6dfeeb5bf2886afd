"""A provider on the loopback interface that answers what it was told to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

HEAD = "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n{more}\r\n"


class Exchange:
    """A request, and the means to answer it."""

    def __init__(
        self, head: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.head = head
        self.json: Any = json.loads(body)
        self._reader = reader
        self._writer = writer

    async def silence(self) -> None:
        """Say nothing more until the client closes the connection."""
        await self._reader.read()

    async def begin(
        self, status: str = "200 OK", kind: str = "text/event-stream", more: str = ""
    ) -> None:
        """Send the head of an answer."""
        self._writer.write(HEAD.format(status=status, kind=kind, more=more).encode())
        await self._writer.drain()

    async def send(self, data: str) -> None:
        """Send a part of the body."""
        self._writer.write(f"{len(data.encode()):x}\r\n{data}\r\n".encode())
        await self._writer.drain()

    async def finish(self) -> None:
        """End the body; the connection stays."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def answer(self, *events: dict[str, Any]) -> None:
        """Send a whole stream."""
        await self.begin()
        await self.send("".join(sse(event) for event in events))
        await self.finish()


class Provider:
    """What the server saw.

    Attributes:
        exchanges: All requests.
        connections: How many connections were opened.
        closed: Set when the client closes a connection.
    """

    def __init__(self, *answers: Callable[[Exchange], Awaitable[None]]) -> None:
        self._answers = list(answers)
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self.closed = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = [line.partition(":") for line in head.split("\r\n")]
                size = next(int(v) for n, _, v in lines if n.lower() == "content-length")
                body = await reader.readexactly(size)
                exchange = Exchange(head, body, reader, writer)
                self.exchanges.append(exchange)
                await self._answers[len(self.exchanges) - 1](exchange)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def provider(*answers: Callable[[Exchange], Awaitable[None]]) -> AsyncGenerator[Provider]:
    """Serve while the block runs."""
    made = Provider(*answers)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


def sse(event: dict[str, Any]) -> str:
    """Write an event as the Anthropic API does."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def text_events(*deltas: str, stop: str = "end_turn") -> list[dict[str, Any]]:
    """Make the events of an answer with one text block."""
    return [*opening(), *map(delta, deltas), *closing(stop)]


def opening() -> list[dict[str, Any]]:
    """Begin an answer and its text block."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    block = {"type": "text", "text": ""}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
    ]


def delta(text: str) -> dict[str, Any]:
    """Add text."""
    inner = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": inner}


def closing(stop: str) -> list[dict[str, Any]]:
    """End the block and the answer."""
    return [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]
