"""HTTP: bytes out, bytes in; the only place that opens sockets."""

from __future__ import annotations

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
    "HttpxTransport",
    "Request",
    "Response",
    "Timeouts",
    "Transport",
    "TransportError",
    "TransportErrorKind",
    "default_transport",
    "read_up_to",
]


def default_transport() -> Transport:
    """Make the transport that is used when the user brings none."""
    return HttpxTransport()
