"""HTTP: bytes out, bytes in; the only place that opens sockets."""

from __future__ import annotations

from isoloop.transport._aiohttp import AiohttpTransport
from isoloop.transport._choice import HttpName, default_transport, named_transport, transport_of
from isoloop.transport._httpx import HttpxTransport
from isoloop.transport._port import (
    Request,
    Response,
    Timeouts,
    Transport,
    TransportError,
    TransportErrorKind,
    read_up_to,
)

__all__ = [
    "AiohttpTransport",
    "HttpName",
    "HttpxTransport",
    "Request",
    "Response",
    "Timeouts",
    "Transport",
    "TransportError",
    "TransportErrorKind",
    "default_transport",
    "named_transport",
    "read_up_to",
    "transport_of",
]
