"""What every transport must do, against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import gzip
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from isoloop.transport import (
    AiohttpTransport,
    HttpxTransport,
    Request,
    Timeouts,
    TransportError,
    named_transport,
    read_up_to,
)
from tests.transport.kit import PATIENT, QUICK, Exchange, body_of, exchange, plain, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from isoloop.transport import Response, Transport


@pytest.fixture(params=["own httpx", "own aiohttp", "httpx", "httpx2", "aiohttp"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Every transport, and every client that a user may bring."""
    whose, _, name = request.param.rpartition(" ")
    library = pytest.importorskip(name)
    if whose:
        own = named_transport(name)
        yield own
        await own.aclose()
    elif name == "aiohttp":
        async with library.ClientSession() as session:
            yield AiohttpTransport(session)
    else:
        async with library.AsyncClient() as client:
            yield HttpxTransport(client)


async def test_a_request_arrives_as_it_is(transport: Transport) -> None:
    """Method, path, headers and body; nothing else is decided here."""
    async with serving(plain) as server:
        response = await transport.open(server.request("/v1/x?y=1", b'{"a":1}'), PATIENT)
        assert (200, b"hello") == (response.status, await body_of(response))
        assert "text/plain" == response.headers["content-type"]
        assert "a, b" == response.headers["x-two"]
        (seen,) = server.exchanges
        assert seen.head.startswith("POST /v1/x?y=1 HTTP/1.1\r\n")
        assert "x-api-key: k" in seen.head.lower()
        assert b'{"a":1}' == seen.body


async def test_a_large_request_arrives_whole(transport: Transport) -> None:
    """With its length: not every provider takes a request in chunks."""
    body = bytes(range(256)) * 8192
    async with serving(plain) as server:
        response = await transport.open(server.request(body=body), PATIENT)
        assert b"hello" == await body_of(response)
        await response.aclose()
    assert body == server.exchanges[0].body


async def test_a_chunk_is_given_before_the_next_one_is_sent(transport: Transport) -> None:
    """STREAM-010: the second is sent only when the first was read."""
    first_read = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send_chunk(b"one")
        await first_read.wait()
        await exchange.send_chunk(b"two")
        await exchange.end()

    async with serving(handler) as server:
        response = await transport.open(server.request(), PATIENT)
        seen: list[bytes] = []
        async for chunk in response.chunks():
            seen.append(chunk)
            first_read.set()
        await response.aclose()
    assert [b"one", b"two"] == seen


async def test_gzip_is_undone_as_it_arrives(transport: Transport) -> None:
    """A body that is encoded by the server."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin("200 OK", "content-encoding: gzip")
        for byte in gzip.compress(b"hello"):
            await exchange.send_chunk(bytes([byte]))
        await exchange.end()

    async with serving(handler) as server:
        assert (200, b"hello") == await exchange(transport, server)


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "429 Too Many Requests", "529 Busy"])
async def test_every_status_is_a_response(transport: Transport, status: str) -> None:
    """No redirect is followed (the key would go elsewhere), nothing is retried."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin(status, "location: /elsewhere", "retry-after: 0")
        await exchange.end()

    async with serving(handler) as server:
        assert (int(status[:3]), b"") == await exchange(transport, server)
        assert 1 == len(server.exchanges)


async def test_connections_are_used_again_also_after_an_error(transport: Transport) -> None:
    """One connection for exchanges that follow each other."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin("500 Oops" if len(server.exchanges) == 1 else "200 OK")
        await exchange.send_chunk(b"x")
        await exchange.end()

    async with serving(handler) as server:
        assert (500, b"x") == await exchange(transport, server)
        assert (200, b"x") == await exchange(transport, server)
        assert 1 == server.connections


def open_files() -> int:
    """Count the files and sockets of this process."""
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.slow
async def test_a_burst_leaves_no_connection_behind(transport: Transport) -> None:
    """200 exchanges at once: the next ones find connections, and closing the client ends all."""
    arrived, all_arrived = 0, asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == burst:
            all_arrived.set()
        await all_arrived.wait()
        await plain(exchange)

    burst, before = 200, open_files()
    async with serving(handler) as server, asyncio.timeout(20):
        # A user's client may bound its connections (aiohttp: 100), ours do not.
        if (
            isinstance(transport, HttpxTransport | AiohttpTransport)
            and transport._given is not None
        ):
            burst = 50
        found = await asyncio.gather(*(exchange(transport, server) for _ in range(burst)))
        assert [(200, b"hello")] * burst == found
        assert burst == server.connections
        for _ in range(20):
            await exchange(transport, server)
        assert burst == server.connections
        if burst == 200:
            await transport.aclose()
            # The listener stays, and what the loop has for itself.
            while server.open_connections or open_files() > before + 2:
                await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.01)


# ---------------------------------------------------------------- letting go


async def test_closing_in_the_middle_closes_the_socket(transport: Transport) -> None:
    """An abort in the middle of a body is seen by the server at once; closing twice is harmless."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send_chunk(b"one")
        await exchange.closed_by_client()

    async with serving(handler) as server, asyncio.timeout(5):
        response = await transport.open(server.request(), PATIENT)
        chunks = response.chunks()
        assert b"one" == await anext(chunks)
        await response.aclose()
        await response.aclose()
        await server.closed.wait()


async def test_stopping_the_wait_for_headers_closes_the_socket(transport: Transport) -> None:
    """An abort before the response began."""
    asked = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        asked.set()
        await exchange.closed_by_client()

    async with serving(handler) as server, asyncio.timeout(5):
        task = asyncio.ensure_future(transport.open(server.request(), PATIENT))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.closed.wait()


async def test_stopping_the_wait_for_a_chunk_closes_the_socket(transport: Transport) -> None:
    """An abort between two chunks, by asyncio."""
    first_read = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send_chunk(b"one")
        await exchange.closed_by_client()

    async def read() -> None:
        response = await transport.open(server.request(), PATIENT)
        try:
            async for _ in response.chunks():
                first_read.set()
        finally:
            await response.aclose()

    async with serving(handler) as server, asyncio.timeout(5):
        task = asyncio.ensure_future(read())
        await first_read.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.closed.wait()


@pytest.mark.slow
async def test_a_body_that_is_not_read_stops_the_socket(transport: Transport) -> None:
    """STREAM-028: of 64 MiB at most 16 are accepted."""
    block, accepted = b"x" * 65536, 0

    async def handler(exchange: Exchange) -> None:
        nonlocal accepted
        await exchange.begin()
        for _ in range(1024):
            await exchange.send_chunk(block)
            accepted += len(block)

    async with serving(handler) as server:
        response = await transport.open(server.request(), PATIENT)
        chunks = response.chunks()
        await anext(chunks)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):  # ten times what an unhindered server needs
                await server.closed.wait()
        assert accepted < 16 * 1024 * 1024
        await response.aclose()


async def test_stopping_an_upload_closes_the_socket(transport: Transport) -> None:
    """An abort while the server does not read the request."""
    connected, closed = asyncio.Event(), asyncio.Event()

    class Deaf(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            self.transport = transport
            connected.set()

        def connection_lost(self, error: Exception | None) -> None:
            closed.set()

    deaf = Deaf()
    listener = await asyncio.get_running_loop().create_server(lambda: deaf, "127.0.0.1", 0)
    async with listener, asyncio.timeout(5):
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        body = b"x" * 32 * 1024 * 1024
        task = asyncio.ensure_future(transport.open(Request("POST", url, {}, body), PATIENT))
        await connected.wait()
        await asyncio.wait([task], timeout=0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deaf.transport.resume_reading()
        await closed.wait()


# ---------------------------------------------------------------- failures


async def silent(exchange: Exchange) -> None:
    """Say nothing."""
    await exchange.closed_by_client()


async def silent_after_a_chunk(exchange: Exchange) -> None:
    """Fall silent in the body."""
    await exchange.begin()
    await exchange.send_chunk(b"one")
    await exchange.closed_by_client()


async def reset(exchange: Exchange) -> None:
    """Drop the connection."""
    exchange.reset()


async def finished(exchange: Exchange) -> None:
    """Close without a word."""
    exchange.writer.close()


async def reset_in_headers(exchange: Exchange) -> None:
    """Drop the connection in the head."""
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-")
    exchange.reset()


async def finished_in_headers(exchange: Exchange) -> None:
    """Close in the head."""
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-")
    exchange.writer.close()


async def reset_in_body(exchange: Exchange) -> None:
    """Drop the connection after a chunk."""
    await exchange.begin()
    await exchange.send_chunk(b"one")
    exchange.reset()


async def finished_in_chunk(exchange: Exchange) -> None:
    """Close within a chunk."""
    await exchange.begin()
    await exchange.send(b"ff\r\none")
    exchange.writer.close()


async def finished_without_last_chunk(exchange: Exchange) -> None:
    """Close between two chunks."""
    await exchange.begin()
    await exchange.send_chunk(b"one")
    exchange.writer.close()


async def too_short(exchange: Exchange) -> None:
    """Send less than was said."""
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\none")
    exchange.writer.close()


async def no_http(exchange: Exchange) -> None:
    """Speak something else."""
    await exchange.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    exchange.writer.close()


async def bad_gzip(exchange: Exchange) -> None:
    """Send what is not what it is said to be."""
    await exchange.begin("200 OK", "content-encoding: gzip")
    await exchange.send_chunk(b"this is no gzip")
    await exchange.end()


@pytest.mark.parametrize(
    ("handler", "kind", "code"),
    [
        (silent, "timeout", "timeout"),
        (silent_after_a_chunk, "timeout", "timeout"),
        (reset, "read", "network"),
        (finished, "read", "network"),
        (reset_in_headers, "read", "network"),
        (finished_in_headers, "read", "network"),
        (reset_in_body, "read", "network"),
        (finished_in_chunk, "read", "network"),
        (finished_without_last_chunk, "read", "network"),
        (too_short, "read", "network"),
        (no_http, "read", "network"),
        (bad_gzip, "read", "network"),
    ],
)  # fmt: skip
async def test_a_broken_exchange_is_an_error_of_its_kind(
    transport: Transport, handler: object, kind: str, code: str
) -> None:
    """Nothing that broke off looks like an end (STREAM-013); the next exchange works."""

    async def first_broken(exchange: Exchange) -> None:
        await (handler(exchange) if len(server.exchanges) == 1 else plain(exchange))  # type: ignore[operator]

    async with serving(first_broken) as server:
        with pytest.raises(TransportError) as raised:
            await exchange(transport, server, QUICK if kind == "timeout" else PATIENT)
        assert (kind, code, True) == (
            raised.value.kind,
            raised.value.info.code,
            raised.value.info.retryable,
        )
        assert (200, b"hello") == await exchange(transport, server)


async def read_into(seen: list[bytes], response: Response) -> None:
    """Keep each chunk as it comes."""
    async for chunk in response.chunks():
        seen.append(chunk)  # noqa: PERF401 -- what came before a failure counts


async def test_what_arrived_before_a_failure_is_given(transport: Transport) -> None:
    """LOOP-031: a body that breaks off while nobody reads still holds what arrived."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send_chunk(b"one")
        await exchange.send_chunk(b"two")
        exchange.writer.close()
        await exchange.writer.wait_closed()
        broken.set()

    broken, seen = asyncio.Event(), list[bytes]()
    async with serving(handler) as server:
        response = await transport.open(server.request(), PATIENT)
        await broken.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # noqa: TID251 -- the client's loop sees the end before it reads
        with pytest.raises(TransportError):
            await read_into(seen, response)
        await response.aclose()
    assert b"onetwo" == b"".join(seen)


async def test_a_timeout_says_how_long_it_waited(transport: Transport) -> None:
    """There is one, and the message has its number (CTRL-019)."""
    async with serving(silent) as server:
        with pytest.raises(TransportError, match=r"did not send anything within 0\.05 s"):
            await transport.open(server.request(), QUICK)


async def test_bytes_within_the_idle_time_keep_a_body_alive(transport: Transport) -> None:
    """There is no bound on the whole, only between two chunks (CTRL-019)."""
    idle_s, paused_s, pauses = 0.2, 0.05, 8

    async def handler(exchange: Exchange) -> None:
        await exchange.begin()
        for _ in range(pauses):
            await exchange.send_chunk(b": ping\n\n")
            await asyncio.wait([never], timeout=paused_s)
        await exchange.end()

    never = asyncio.get_running_loop().create_future()
    async with serving(handler) as server:
        timeouts = Timeouts(connect_s=5, idle_s=idle_s)
        assert (200, b": ping\n\n" * pauses) == await exchange(transport, server, timeouts)


async def test_a_body_without_a_length_ends_with_its_connection(transport: Transport) -> None:
    """HTTP/1.0 style: a clean end; whether the answer was complete is for the decoder to say."""

    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall")
        exchange.writer.close()

    async with serving(handler) as server:
        assert (200, b"all") == await exchange(transport, server)


async def test_a_refused_connection_is_an_error(transport: Transport) -> None:
    """Nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(TransportError) as raised:
            await transport.open(Request("POST", url, {}, b""), PATIENT)
    assert ("connect", "network", True) == (
        raised.value.kind,
        raised.value.info.code,
        raised.value.info.retryable,
    )


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "not an address", "http://host:99999/"])
async def test_an_address_that_is_none_is_an_error(transport: Transport, url: str) -> None:
    """It is told like a connection that failed, with the library's words."""
    with pytest.raises(TransportError) as raised:
        await transport.open(Request("POST", url, {}, b""), PATIENT)
    assert "connect" == raised.value.kind


async def test_a_tls_failure_is_not_worth_a_retry(transport: Transport) -> None:
    """A server that speaks no TLS, as a stand-in for a bad certificate."""

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        with pytest.raises(TransportError) as raised:
            await transport.open(Request("POST", url, {}, b""), PATIENT)
    assert ("tls", "network", False) == (
        raised.value.kind,
        raised.value.info.code,
        raised.value.info.retryable,
    )


async def test_a_large_error_body_is_read_up_to_a_limit(transport: Transport) -> None:
    """A page of HTML must not fill the memory."""

    async def handler(exchange: Exchange) -> None:
        await exchange.begin("502 Bad Gateway")
        for _ in range(100):
            await exchange.send_chunk(b"x" * 1000)
        await exchange.closed_by_client()

    async with serving(handler) as server:
        response = await transport.open(server.request(), PATIENT)
        assert b"x" * 2500 == await read_up_to(response, 2500)
        await response.aclose()
