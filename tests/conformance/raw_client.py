"""An HTTP client in raw bytes: what a library would hide is what the tests are about."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from isoloop_conformance.replay import ReplayPlan, ReplayServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CASSETTES = Path(__file__).parents[2] / "cassettes"
REQUEST: dict[str, Any] = {
    "model": "test-model",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "go"}]}],
}
AUTHORISED = {"x-api-key": "test-key", "anthropic-version": "2023-06-01"}


@dataclass
class Rest:
    """Everything from some moment to the end of the connection."""

    reads: list[bytes] = field(default_factory=list[bytes])
    reset: bool = False

    @property
    def data(self) -> bytes:
        return b"".join(self.reads)


class RawClient:
    """One connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._address = (parts.hostname, parts.port)
        self._prefix = parts.path
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._pending = b""

    async def connect(self) -> RawClient:
        await asyncio.get_running_loop().sock_connect(self._sock, self._address)
        return self

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def post(
        self, body: bytes | None = None, path: str = "/v1/messages", method: str = "POST"
    ) -> None:
        data = json.dumps(REQUEST).encode() if body is None else body
        headers = AUTHORISED | {"host": "x", "content-length": str(len(data))}
        lines = [
            f"{method} {self._prefix}{path} HTTP/1.1",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        await self.send("\r\n".join([*lines, "", ""]).encode() + data)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read status and headers."""
        while b"\r\n\r\n" not in self._pending:
            data = await self._read()
            assert data, f"the connection ended within the headers: {self._pending!r}"
            self._pending += data
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return int(first.split(" ")[1]), {name: value for name, _, value in pairs}

    async def chunk(self) -> bytes:
        """Read one HTTP chunk; empty is the last one."""
        while (at := self._pending.find(b"\r\n")) < 0:
            self._pending += await self._read()
        size = int(self._pending[:at], 16)
        while len(self._pending) < at + size + 4:
            self._pending += await self._read()
        data = self._pending[at + 2 : at + 2 + size]
        self._pending = self._pending[at + size + 4 :]
        return data

    async def chunks(self) -> list[bytes]:
        """Read HTTP chunks to the last one."""
        chunks: list[bytes] = []
        while data := await self.chunk():
            chunks.append(data)
        return chunks

    async def exactly(self, count: int) -> bytes:
        """Read that many bytes."""
        while len(self._pending) < count:
            data = await self._read()
            assert data, f"the connection ended after {self._pending!r}"
            self._pending += data
        data, self._pending = self._pending[:count], self._pending[count:]
        return data

    async def rest(self) -> Rest:
        """Read until the connection ends."""
        rest = Rest([self._pending] if self._pending else [])
        self._pending = b""
        try:
            while data := await self._read():
                rest.reads.append(data)
        except ConnectionResetError:
            rest.reset = True
        return rest

    def reset(self) -> None:
        """Close with a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    async def _read(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._sock, 1 << 16)


def read_to_the_end(url: str) -> list[bytes]:
    """Ask with a blocking socket, and return what each read gave."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    reads: list[bytes] = []
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        body = json.dumps(REQUEST).encode()
        head = f"POST {parts.path}/v1/messages HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        try:
            while data := sock.recv(1 << 16):
                reads.append(data)
        except ConnectionResetError:
            pass
    return reads


class Stage:
    """A replay server, the case that is open on it, and what it observed."""

    def __init__(self, server: ReplayServer) -> None:
        self.server = server
        self.entries: list[dict[str, Any]] = []
        self.url = ""
        self.now_ms = 0
        self._news = asyncio.Event()
        self._tokens = 0
        self._clients: list[RawClient] = []

    def open(self, *exchanges: dict[str, Any], **members: Any) -> None:
        self._tokens += 1
        self.entries = []
        plan = ReplayPlan(
            token=f"k{self._tokens}",
            dialect=members.get("dialect", "anthropic-messages"),
            delivery=members.get("delivery", "sse"),
            chunks=members.get("chunks", "as_is"),
            exchanges=exchanges,
            lanes=members.get("lanes", {}),
            model="test-model",
            now_ms=lambda: self.now_ms,
        )
        self.url = self.server.open(plan, self._observe)

    async def client(self) -> RawClient:
        client = await RawClient(self.url).connect()
        self._clients.append(client)
        return client

    async def posted(self) -> RawClient:
        """Return a client that has sent a request."""
        client = await self.client()
        await client.post()
        return client

    async def seen(self, kind: str) -> dict[str, Any]:
        """Wait for an entry; an observation, never a duration."""
        async with asyncio.timeout(10):
            while not (found := [e for e in self.entries if e["type"] == kind]):
                self._news.clear()
                await self._news.wait()
        return found[-1]

    def kinds(self) -> list[str]:
        return [entry["type"] for entry in self.entries]

    async def aclose(self) -> None:
        for client in self._clients:
            client.close()
        await self.server.aclose()

    def _observe(self, entry: dict[str, Any]) -> None:
        self.entries.append(entry)
        self._news.set()


async def staged() -> AsyncIterator[Stage]:
    """Give a stage, and close it."""
    stage = Stage(await ReplayServer.start(cassettes=CASSETTES))
    yield stage
    await stage.aclose()
