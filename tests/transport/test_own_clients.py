"""The clients that are ours: which one, from what in the environment, and their end."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from isoloop.transport import (
    AiohttpTransport,
    HttpxTransport,
    Request,
    TransportError,
    default_transport,
    named_transport,
    transport_of,
)
from tests.transport.kit import PATIENT, body_of, exchange, plain, serving

if TYPE_CHECKING:
    from pathlib import Path

    from isoloop.transport import HttpName


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
def test_one_transport_serves_several_event_loops(name: HttpName) -> None:
    """`run_sync` makes a loop for each run; connections of a dead loop are not touched."""
    transport = named_transport(name)

    async def once() -> tuple[int, bytes]:
        async with serving(plain) as server:
            found = await exchange(transport, server)
            await transport.aclose()
            return found

    assert [(200, b"hello")] * 2 == [asyncio.run(once()) for _ in range(2)]


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
async def test_proxies_come_from_the_environment(
    name: HttpName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their credentials, but for what `NO_PROXY` names."""
    async with serving(plain) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{server.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        transport = named_transport(name)
        for url in (f"http://127.0.0.1:{server.port}/direct", "http://model.invalid/by-proxy"):
            response = await transport.open(Request("POST", url, {}, b"{}"), PATIENT)
            assert b"hello" == await body_of(response)
            await response.aclose()
        await transport.aclose()
    direct, by_proxy = (exchange.head for exchange in server.exchanges)
    assert direct.startswith("POST /direct ")
    assert "proxy-authorization" not in direct.lower()
    assert by_proxy.startswith("POST http://model.invalid/by-proxy ")
    credentials = base64.b64encode(b"me:p@ss").decode()
    assert f"proxy-authorization: basic {credentials}".lower() in by_proxy.lower()


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
async def test_no_credentials_come_from_a_netrc_file(
    name: HttpName, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They would stand in for the API key."""
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    transport = named_transport(name)
    async with serving(plain) as server:
        await exchange(transport, server)
        await transport.aclose()
    assert "authorization" not in server.exchanges[0].head.lower()


async def test_a_socks_proxy_is_no_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    """What aiohttp cannot do is said, not ignored."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    transport = AiohttpTransport()
    with pytest.raises(TransportError, match="aiohttp cannot use a socks5 proxy"):
        await transport.open(Request("POST", "http://model.invalid/", {}, b""), PATIENT)
    await transport.aclose()


def test_the_transport_is_aiohttp_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `fast` brings it; a name chooses."""
    assert isinstance(default_transport(), AiohttpTransport)
    monkeypatch.setattr("isoloop.transport._choice.find_spec", lambda _: None)
    assert isinstance(default_transport(), HttpxTransport)
    with pytest.raises(ValueError, match=r"pip install 'isoloop\[fast\]'"):
        transport_of("aiohttp")


@pytest.mark.parametrize("name", ["httpx", "aiohttp"])
def test_a_loop_that_is_closed_without_a_word_leaves_no_complaint(name: str) -> None:
    """A program that does not use `asyncio.run` sees no message about sessions."""
    code = f"""if True:
        import asyncio
        from isoloop.transport import Request, Timeouts, TransportError, named_transport
        transport = named_transport({name!r})
        for _ in range(2):
            loop = asyncio.new_event_loop()
            request = Request("POST", "http://127.0.0.1:1/", {{}}, b"")
            try:
                loop.run_until_complete(transport.open(request, Timeouts()))
            except TransportError as error:
                assert error.kind == "connect"
            loop.close()
    """
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (0, b"") == (done.returncode, done.stderr)


def test_no_client_is_imported_with_the_package() -> None:
    """It is imported when the first request is sent."""
    code = "import sys, isoloop.transport; sys.exit(bool({'httpx', 'aiohttp'} & {*sys.modules}))"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_a_request_does_not_show_its_key() -> None:
    """A log line or a traceback may hold it."""
    request = Request("POST", "http://host/", {"x-api-key": "secret"}, b"prompt")
    assert "Request(POST http://host/, 6 bytes)" == repr(request)
