"""The provider: a process of its own on a core of its own, standard library only."""

from __future__ import annotations

import asyncio
import os
import sys

from tests.bench.answers import response

_DIALECTS = {
    "messages": "anthropic-messages",
    "completions": "openai-chat",
    "responses": "openai-responses",
}


def pin(core: int) -> None:
    """Stay on one core, so that server and client do not take turns on it, where that is known."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


class Provider(asyncio.Protocol):
    """Answers each request as soon as it is whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = bytearray()
        self.wanted = 0  # bytes of the request that is arriving; 0: its head is not whole

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        self.received += data
        while not self.wanted or len(self.received) >= self.wanted:
            head, blank, _ = bytes(self.received).partition(b"\r\n\r\n")
            if not blank:
                return
            if not self.wanted:
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0]
                self.wanted = len(head) + 4 + int(length)
                continue
            body = bytes(self.received[len(head) + 4 : self.wanted])
            del self.received[: self.wanted]
            self.wanted = 0
            path = head.split(b" ", 2)[1].decode()
            dialect = _DIALECTS[path.partition("?")[0].rsplit("/", 1)[1]]
            self.transport.write(response(dialect, path, body))


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(0)
    asyncio.run(serve())
