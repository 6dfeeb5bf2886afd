"""One connection, in raw bytes: what the client sends, what it takes, and that it has gone."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoloop_conformance.replay import _waiting

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_SIZE = 64 * 1024
# Small, so that what a client does not read is noticed early.
_SEND_BUFFER = 64 * 1024
_LARGEST_REQUEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class BadRequestError(ValueError):
    """The bytes are no HTTP/1.1 request."""


class Connection:
    """A connection to a client.

    It reads at all times, so that it notices when the client closes, also while a response is held
    back.
    """

    def __init__(self, sock: socket.socket, moved: Callable[[int], None]) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._sock = sock
        self._moved = moved
        self._received = bytearray()
        self._news = asyncio.Event()
        self.gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    async def request(self) -> Request | None:
        """Read one request; None when the client closes before one is complete.

        Raises:
            BadRequestError: The bytes are no request.
        """
        head = await self._until(b"\r\n\r\n")
        if head is None:
            return None
        method, target, headers = _read_head(head)
        if headers.get("expect", "").lower() == "100-continue":
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = await self._chunked()
        else:
            body = await self._exactly(_length(headers))
        return None if body is None else Request(method, target, headers, body)

    async def send(self, data: bytes, stalled: Callable[[], None] | None = None) -> int:
        """Send, and return how many bytes the kernel took; fewer only if the client has gone."""
        watch = _Watch(stalled)
        left = memoryview(data)
        while left and not self.gone.is_set():
            try:
                taken = self._sock.send(left)
            except BlockingIOError:
                watch.no_progress()
                await _waiting.breathe(0.002)
                continue
            except OSError:
                self._gone()
                break
            watch.progress()
            self._moved(taken)
            left = left[taken:]
        return len(data) - len(left)

    async def settle(self, stalled: Callable[[], None] | None = None) -> None:
        """Wait until the client's kernel has everything, and a moment for the client to read it."""
        watch = _Watch(stalled)
        before: int | None = None
        tries = 0
        while not self.gone.is_set():
            waiting = _waiting.queued(self._sock)
            if waiting is None:
                await _waiting.without_queue()
                return
            if waiting == 0:
                break
            if waiting == before:
                watch.no_progress()
            else:
                watch.progress()
                self._moved(1)
            before = waiting
            tries += 1
            await _waiting.breathe(0 if tries < 100 else 0.001)
        _waiting.moment()
        await _waiting.breathe(0)

    def half_close(self) -> None:
        """Say that nothing more comes, and go on reading."""
        self._quietly(lambda: self._sock.shutdown(socket.SHUT_WR))

    def reset(self) -> None:
        """Close with a reset instead of a clean end."""
        linger = struct.pack("ii", 1, 0)
        self._quietly(lambda: self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger))
        self.close()

    def close(self) -> None:
        """Close; whoever waits for the client goes on."""
        self._gone()
        self._quietly(self._sock.close)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._moved(len(data))
        self._received += data
        self._news.set()
        if not data:
            self._gone()

    def _gone(self) -> None:
        # Before the socket is closed: its number may be another connection's a moment later.
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        self.gone.set()
        self._news.set()

    def _quietly(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError:
            self._gone()

    async def _until(self, mark: bytes) -> bytes | None:
        while (at := self._received.find(mark)) < 0:
            if not await self._more():
                return None
        return self._take(at + len(mark))[: -len(mark)]

    async def _exactly(self, count: int) -> bytes | None:
        while len(self._received) < count:
            if not await self._more():
                return None
        return self._take(count)

    async def _chunked(self) -> bytes | None:
        body = b""
        while (line := await self._until(b"\r\n")) is not None:
            size = _chunk_size(line)
            if size == 0:
                while (trailer := await self._until(b"\r\n")) is not None:
                    if not trailer:
                        return body
                return None
            data = await self._exactly(size + 2)
            if data is None:
                return None
            body += data[:-2]
        return None

    async def _more(self) -> bool:
        if self.gone.is_set():
            return False
        self._news.clear()
        await self._news.wait()
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken


class _Watch:
    """Says once, after a while without progress, that the client takes no more bytes."""

    def __init__(self, stalled: Callable[[], None] | None) -> None:
        self._stalled = stalled
        self._clock = asyncio.get_running_loop().time
        self._since = self._clock()
        self._said = False

    def progress(self) -> None:
        self._since = self._clock()
        self._said = False

    def no_progress(self) -> None:
        late = self._clock() - self._since > _waiting.STALLED_AFTER_S
        if late and not self._said and self._stalled is not None:
            self._said = True
            self._stalled()


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(f"`{first[:80]}` is no request line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError(f"`{line[:80]}` is no header")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return parts[0], parts[1], headers


def _length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not text.isdigit() or int(text) > _LARGEST_REQUEST:
        raise BadRequestError(f"`{text}` is no content-length")
    return int(text)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadRequestError(f"`{line[:80]!r}` is no chunk size") from None
