"""The seam to the network: bytes out, bytes in. The only package that opens sockets.

    response = await transport.open(Request("POST", url, headers, body), timeouts)
    try:
        async for chunk in response.chunks():
            ...
    finally:
        await response.aclose()

A transport neither retries, nor follows redirects, nor decides what a status means: that belongs
to the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from isoloop.wire import failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from isoloop.contract import ErrorInfo

TransportErrorKind: TypeAlias = Literal["connect", "timeout", "read", "write", "tls"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. The headers hold the credentials: never log them."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait. There is no bound on the whole: an answer may stream for an hour."""

    connect_s: float | None = 10.0
    """For a connection, TLS included."""

    idle_s: float | None = 600.0
    """For the next byte: of the headers, and between two chunks."""


class TransportError(Exception):
    """The exchange failed below HTTP."""

    def __init__(self, kind: TransportErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: TransportErrorKind = kind
        self.message = message

    @property
    def info(self) -> ErrorInfo:
        """The failure in the contract's words. A bad certificate does not heal by trying again."""
        code = "timeout" if self.kind == "timeout" else "network"
        return failure(code, self.message, retryable=self.kind != "tls")


class Response(Protocol):
    """A response whose body is still to come.

    Contract: the body is read only as fast as `chunks` is iterated, so that a reader who stops
    stops the socket.
    """

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The names are in lower case."""
        ...

    @property
    def at_end(self) -> bool:
        """Whether the whole body was read, as far as is known: the connection is free again."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it arrives, content encoding undone; at most once.

        Raises:
            TransportError: The body broke off or the server fell silent.
        """
        ...

    async def aclose(self) -> None:
        """Let go: at once, even in the middle of the body. Harmless when repeated."""
        ...


class Transport(Protocol):
    """Opens exchanges; any number at once, from any event loop."""

    async def open(self, request: Request, timeouts: Timeouts) -> Response:
        """Send a request and wait for the headers of its response, whatever its status.

        Contract: nothing stays open when this raises or is stopped by asyncio.

        Raises:
            TransportError: There was no response.
        """
        ...

    async def aclose(self) -> None:
        """Close what is idle. A client that the user brought stays open."""
        ...


async def read_up_to(response: Response, limit_bytes: int) -> bytes:
    """Read a body that should be small, such as an error's, up to a limit."""
    parts: list[bytes] = []
    size = 0
    async for chunk in response.chunks():
        parts.append(chunk)
        size += len(chunk)
        if size >= limit_bytes:
            break
    return b"".join(parts)[:limit_bytes]
