"""The fast transport: aiohttp, which the extra `fast` brings.

A request costs a third of what it costs by httpx, and a burst of 200 agents a twentieth
(docs/performance.md). aiohttp is imported when the first request is sent, not with the package.

As httpx does by default, and unlike aiohttp, our own session

* trusts the certificates of certifi, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`,
* goes through the proxies of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` (but SOCKS) and `NO_PROXY`,
* takes no credentials from `~/.netrc`: aiohttp's `trust_env` would put them beside the API key.

It keeps no cookies: one session serves all models of a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import weakref
from base64 import b64encode
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from isoloop.transport._port import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from isoloop.transport._port import Request, Timeouts, TransportErrorKind

# httpx says the same; aiohttp alone would also offer what other installed packages can decode.
_ACCEPT_ENCODING = "gzip, deflate"

# A response's head may hold more than aiohttp's 8 KiB in one line: policies and cookies of a CDN.
_HEAD_LINE_BYTES = 1 << 16

# What the reader has not taken, at most twice: then the socket is not read (STREAM-028).
_BUFFER_BYTES = 1 << 18


_PIECEMEAL_BYTES = 1 << 18


class AiohttpTransport:
    """Sends requests by an `aiohttp.ClientSession`: the user's, or one of ours per event loop."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._given = session
        self._own: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OwnSession] = (
            weakref.WeakKeyDictionary()
        )
        self._timeouts: dict[Timeouts, aiohttp.ClientTimeout] = {}

    async def open(self, request: Request, timeouts: Timeouts) -> AiohttpResponse:
        """Send a request and wait for the headers of its response."""
        library = import_module("aiohttp")
        timeout = self._timeouts.get(timeouts)
        if timeout is None:
            timeout = self._timeouts[timeouts] = library.ClientTimeout(
                total=None, connect=timeouts.connect_s, sock_read=timeouts.idle_s
            )
        headers = request.headers
        options: dict[str, Any] = {}
        try:
            if self._given is not None:
                session = self._given
            else:
                own = self._session_of_loop(library)
                session = own.session
                route = own.route(request.url)
                options, headers = route.options, {**route.headers, **headers}
            response = await session.request(
                request.method,
                request.url,
                headers=headers,
                data=_payload(request.body),
                timeout=timeout,
                allow_redirects=False,
                **options,
            )
        except (library.ClientError, ValueError) as error:
            raise _translated(error, library, timeouts, in_body=False) from error
        return AiohttpResponse(response, library, timeouts)

    async def aclose(self) -> None:
        """Close our own session of the running loop."""
        own = self._own.pop(asyncio.get_running_loop(), None)
        if own is not None:
            await own.session.close()

    def _session_of_loop(self, library: Any) -> _OwnSession:
        loop = asyncio.get_running_loop()
        own = self._own.get(loop)
        if own is None:
            # A session holds its loop, so one whose loop was closed without `aclose` stays here
            # until it is let go.
            for dead in [other for other in self._own if other.is_closed()]:
                del self._own[dead]
            own = self._own[loop] = _OwnSession(library)
        return own


class _OwnSession:
    """A session of ours, and what it takes from the process's environment."""

    def __init__(self, library: Any) -> None:
        self._library = library
        # How many runs are active at once is for the caller to bound, not for a pool.
        self.session: aiohttp.ClientSession = library.ClientSession(
            connector=library.TCPConnector(limit=0),
            cookie_jar=library.DummyCookieJar(),
            read_bufsize=_BUFFER_BYTES,
            max_line_size=_HEAD_LINE_BYTES,
            max_field_size=_HEAD_LINE_BYTES,
        )
        self._environment = import_module("urllib.request")  # 10 ms
        self._proxies: dict[str, str] = self._environment.getproxies()
        self._routes: dict[tuple[str, str], _Route] = {}
        self._tls: ssl.SSLContext | None = None
        weakref.finalize(self, _let_go, self.session)

    def route(self, url: str) -> _Route:
        """Find the way to an address; found once for each server."""
        parts = urlsplit(url)
        origin = parts.scheme, parts.netloc
        route = self._routes.get(origin)
        if route is None:
            route = self._routes[origin] = self._new_route(parts.scheme, parts.hostname or "")
        return route

    def _new_route(self, scheme: str, host: str) -> _Route:
        options: dict[str, Any] = {}
        headers = {"accept-encoding": _ACCEPT_ENCODING}
        if scheme == "https":
            options["ssl"] = self._tls = self._tls or _trusting()
        proxy = self._proxies.get(scheme) or self._proxies.get("all")
        if proxy and not self._environment.proxy_bypass(host):
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            if parts.scheme not in {"http", "https"}:
                raise TransportError(
                    "connect",
                    f"aiohttp cannot use a {parts.scheme} proxy. "
                    'Use Model(..., http="httpx") and install httpx[socks].',
                )
            user, _, place = parts.netloc.rpartition("@")
            options["proxy"] = urlunsplit((parts.scheme, place, parts.path, "", ""))
            if user:
                credentials = b64encode(unquote(user).encode()).decode()
                authorization = {"proxy-authorization": f"Basic {credentials}"}
                if scheme == "https":
                    options["proxy_headers"] = authorization
                else:
                    headers |= authorization
        return _Route(options, headers)


class _Route(NamedTuple):
    """How requests to a server go there."""

    options: dict[str, Any]
    headers: dict[str, str]


def _let_go(session: aiohttp.ClientSession) -> None:
    """Close a session that nobody closed, at the latest when the program ends.

    aiohttp would complain of it on stderr. With a loop that is closed there is nothing to wait for.
    """
    closing = session.close()
    with contextlib.suppress(StopIteration, RuntimeError):
        closing.send(None)
    closing.close()


class AiohttpResponse:
    """A response of aiohttp whose body is still to come."""

    def __init__(self, response: aiohttp.ClientResponse, library: Any, timeouts: Timeouts) -> None:
        self._response = response
        self._library = library
        self._timeouts = timeouts
        if hasattr(response.content, "_low_water"):  # not in every version, perhaps
            # aiohttp resumes its parser, and a timer with it, after each HTTP chunk that is taken
            # while fewer bytes than this are left. Once, when nothing is left, is enough: it saves
            # a tenth of the cost of a streamed delta, and 5 % of that of a short run.
            setattr(response.content, "_low_water", 1)  # noqa: B010 -- it is private

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, their names in lower case."""
        headers: dict[str, str] = {}
        for name, value in self._response.headers.items():
            name = name.lower()  # noqa: PLW2901 -- the one spelling from here on
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    @property
    def at_end(self) -> bool:
        """Whether all has arrived and been read."""
        return self._response.content.at_eof()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except self._library.ClientError as error:
            # aiohttp would throw away what arrived before the failure and was not read yet; it
            # belongs to the answer all the same (LOOP-031).
            content.set_exception(None)  # pyright: ignore[reportArgumentType] -- the way to unset it
            if rest := content.read_nowait():
                yield rest
            raise _translated(error, self._library, self._timeouts, in_body=True) from error

    async def aclose(self) -> None:
        """Close; a connection with an unread body is closed with it."""
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # A mere close would wait until what is buffered, or TLS's good-bye, is sent.
            connection.transport.abort()
        self._response.close()


def _payload(body: bytes) -> bytes | BytesIO:
    """Give a large body in pieces: aiohttp warns of one that is written at once."""
    return body if len(body) < _PIECEMEAL_BYTES else BytesIO(body)


def _trusting() -> ssl.SSLContext:
    """Make the context that httpx would make; 20 ms, so only when it is needed."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    return ssl.create_default_context(cafile=import_module("certifi").where())


def _translated(
    error: Exception, library: Any, timeouts: Timeouts, *, in_body: bool
) -> TransportError:
    if isinstance(error, library.ConnectionTimeoutError):
        return TransportError(
            "timeout", f"The server did not connect within {timeouts.connect_s:g} s."
        )
    if isinstance(error, library.ServerTimeoutError):
        return TransportError(
            "timeout", f"The server did not send anything within {timeouts.idle_s:g} s."
        )
    kind, what = _kind(error, library, in_body=in_body)
    return TransportError(kind, f"The {what} failed: {str(error) or type(error).__name__}.")


def _kind(error: Exception, library: Any, *, in_body: bool) -> tuple[TransportErrorKind, str]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError | ssl.CertificateError):
            return "tls", "TLS handshake"
        cause = cause.__cause__ or cause.__context__
    connecting = (
        library.ClientConnectorError,
        library.ClientHttpProxyError,
        library.NonHttpUrlClientError,
        ValueError,  # an address that is none
    )
    if not in_body and isinstance(error, connecting):
        return "connect", "connection"
    # It has no class for a request that could not be sent, only words.
    if "write" in str(error).lower() and not in_body:
        return "write", "request"
    return "read", "response"
