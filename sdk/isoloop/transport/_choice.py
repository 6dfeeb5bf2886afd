"""Which transport a model uses: what the user said, or the fastest that is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from isoloop.transport._aiohttp import AiohttpTransport
from isoloop.transport._httpx import HttpxTransport

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from isoloop.transport._port import Transport

HttpName: TypeAlias = Literal["httpx", "aiohttp"]


def default_transport() -> Transport:
    """Make the transport that is used when the user brings none and names none."""
    return named_transport("aiohttp" if find_spec("aiohttp") else "httpx")


def named_transport(name: HttpName) -> Transport:
    """Make a transport with clients of its own."""
    return AiohttpTransport() if name == "aiohttp" else HttpxTransport()


def transport_of(http: object) -> HttpName | Transport:
    """Read what a user gave as `http`.

    Raises:
        ValueError: It is nothing that can send a request.
    """
    match http:
        case "httpx":
            return "httpx"
        case "aiohttp":
            if not find_spec("aiohttp"):
                raise ValueError("aiohttp is not installed: pip install 'isoloop[fast]'")
            return "aiohttp"
        case _:
            pass
    if _has(http, "open", "aclose"):
        return cast("Transport", http)
    # By what they can do: a client may come from httpx, from httpx2, or from a test.
    if _has(http, "build_request", "send", "aclose"):
        return HttpxTransport(cast("httpx.AsyncClient", http))
    if _has(http, "request", "connector", "cookie_jar"):
        return AiohttpTransport(cast("aiohttp.ClientSession", http))
    raise ValueError(
        f'http={http!r} cannot send requests. Choose one of: "aiohttp" (needs isoloop[fast]), '
        '"httpx", an httpx.AsyncClient, an aiohttp.ClientSession, a Transport; '
        "or leave it out: aiohttp where it is installed, else httpx"
    )


def _has(value: object, *names: str) -> bool:
    return not isinstance(value, type) and all(hasattr(value, name) for name in names)
