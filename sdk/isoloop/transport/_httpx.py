"""The default transport: httpx, or the client that a user configured (httpx2's too).

httpx is imported when the first request is sent, not with the package. Proxies, certificates,
limits and hooks are set on a client of the user's own; the timeouts of the call replace that
client's, whose default of 5 s would end nearly every answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from importlib import import_module
from typing import TYPE_CHECKING, Any

from isoloop.transport._port import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import httpx

    from isoloop.transport._port import Request, Timeouts, TransportErrorKind

# Names of exceptions that httpx and httpx2 share; the first that fits decides.
_KINDS: tuple[tuple[str, TransportErrorKind], ...] = (
    ("TimeoutException", "timeout"),
    ("ConnectError", "connect"),
    ("ProxyError", "connect"),
    ("UnsupportedProtocol", "connect"),
    ("WriteError", "write"),
    ("LocalProtocolError", "write"),
    ("RequestError", "read"),  # ReadError, RemoteProtocolError, DecodingError
)


class HttpxTransport:
    """Sends requests by an `httpx.AsyncClient`."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._given = client
        # A client's connections belong to the event loop that made them.
        self._own: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )

    async def open(self, request: Request, timeouts: Timeouts) -> HttpxResponse:
        """Send a request and wait for the headers of its response."""
        client = self._given or self._client_of_loop()
        library = _library_of(client)
        timeout = library.Timeout(
            connect=timeouts.connect_s, read=timeouts.idle_s, write=timeouts.idle_s, pool=None
        )
        try:
            sent = client.build_request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=timeout,
            )
            response = await client.send(sent, stream=True, follow_redirects=False)
        except (library.RequestError, library.InvalidURL) as error:
            raise _translated(error, library, timeouts) from error
        return HttpxResponse(response, library, timeouts)

    async def aclose(self) -> None:
        """Close our own client of the running loop."""
        client = self._own.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client_of_loop(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._own.get(loop)
        if client is None:
            library = import_module("httpx")
            # How many runs are active at once is for the caller to bound, not for a pool.
            limits = library.Limits(max_connections=None, max_keepalive_connections=100)
            client = self._own[loop] = library.AsyncClient(limits=limits)
        return client


class HttpxResponse:
    """A response of httpx whose body is still to come."""

    def __init__(self, response: httpx.Response, library: Any, timeouts: Timeouts) -> None:
        self._response = response
        self._library = library
        self._timeouts = timeouts

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, their names in lower case."""
        return dict(self._response.headers)

    @property
    def at_end(self) -> bool:
        """Whether all has been read; httpx does not say what has arrived."""
        return self._response.is_closed

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        response = self._response
        # Where there is nothing to undo, httpx's layers that undo it cost 1 µs a chunk.
        encoded = "content-encoding" in response.headers
        try:
            async for chunk in response.aiter_bytes() if encoded else response.aiter_raw():
                yield chunk
        except self._library.RequestError as error:
            raise _translated(error, self._library, self._timeouts) from error

    async def aclose(self) -> None:
        """Close; a connection with an unread body is closed with it."""
        # If it is gone already, that is what was wanted.
        with contextlib.suppress(self._library.RequestError):
            await self._response.aclose()


def _library_of(client: object) -> Any:
    """Find whose client it is, through subclasses too."""
    for base in type(client).__mro__:
        name = base.__module__.partition(".")[0]
        if name in {"httpx", "httpx2"}:
            return import_module(name)
    return import_module("httpx")


def _translated(error: Exception, library: Any, timeouts: Timeouts) -> TransportError:
    kind: TransportErrorKind = "connect"  # an address that is none
    for name, found in _KINDS:
        if isinstance(error, getattr(library, name)):
            kind = found
            break
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            kind = "tls"
        cause = cause.__cause__ or cause.__context__
    if kind == "timeout":
        connecting = isinstance(error, library.ConnectTimeout)
        waited = timeouts.connect_s if connecting else timeouts.idle_s
        what = "connect" if connecting else "send anything"
        return TransportError("timeout", f"The server did not {what} within {waited:g} s.")
    return TransportError(kind, f"The {_WHAT[kind]} failed: {str(error) or type(error).__name__}.")


_WHAT: dict[TransportErrorKind, str] = {
    "connect": "connection",
    "read": "response",
    "write": "request",
    "tls": "TLS handshake",
    "timeout": "wait",
}
