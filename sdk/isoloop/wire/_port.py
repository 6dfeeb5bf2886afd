"""The shape of a dialect: what the drivers know of a wire format.

A dialect is three pure things: a `Conversation` that turns messages into request bodies, a
`Decoder` that turns response bytes into pieces, and a reading of error responses.

    conversation = dialect.conversation(config)
    conversation.append(message)                       # once per message, in order
    request = conversation.request(call)               # bytes to send
    decoder = dialect.decoder(call, taken=conversation.call_ids)
    for chunk in body:
        pieces = decoder.feed(chunk)                   # until decoder.end is set
    pieces = decoder.finish()                          # the body ended cleanly
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from isoloop.contract import Dialect as DialectName
    from isoloop.contract import ErrorInfo, Message, ModelRef, RunConfig
    from isoloop.wire._pieces import Ending, Piece


class Unsendable(Exception):
    """A request that the dialect cannot express; `error` has the code `config`.

    Raised before anything is sent. The fault is the caller's.
    """

    def __init__(self, error: ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a model."""

    model: ModelRef
    config: RunConfig
    turn: int
    stream: bool


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without its host and its credentials, which the caller adds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Dialect(Protocol):
    """A provider's wire format."""

    @property
    def name(self) -> DialectName: ...

    @property
    def base_url(self) -> str:
        """Where the dialect's own vendor serves it."""
        ...

    def auth_headers(self, key: str) -> dict[str, str]:
        """Carry an API key."""
        ...

    def conversation(self, config: RunConfig) -> Conversation:
        """Begin to encode a transcript for a run.

        Raises:
            Unsendable: The configuration asks for something that the dialect cannot express.
        """
        ...

    def decoder(self, call: ModelCall, *, taken: Collection[str] = ()) -> Decoder:
        """Read the answer to a call; `taken` are the call ids that the transcript uses already."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
        """Read an error response; the header names are in lower case."""
        ...


class Conversation(Protocol):
    """A transcript on its way to a provider. Each message is encoded and repaired once."""

    @property
    def call_ids(self) -> Collection[str]:
        """The ids of all calls so far."""
        ...

    def append(self, message: Message) -> None:
        """Add the next message of the transcript.

        Raises:
            Unsendable: The message holds something that the dialect cannot express.
        """
        ...

    def request(self, call: ModelCall) -> HttpRequest:
        """Build the request for a call. Changes nothing."""
        ...


class Decoder(Protocol):
    """One answer being read.

    Contract: after `end` is set every method returns `[]` and changes nothing. Each method closes
    what it leaves open: a started block is always ended (LOOP, invariant 1).
    """

    @property
    def end(self) -> Ending | None:
        """How it ended; absent until the terminal event, `finish`, `fail` or `abort`."""
        ...

    @property
    def content_started(self) -> bool:
        """Whether a block began: from then on the attempt may not be retried."""
        ...

    def feed(self, data: bytes) -> list[Piece]:
        """Read the next bytes of the body, cut anywhere."""
        ...

    def finish(self) -> list[Piece]:
        """The body ended cleanly. Without a terminal event before it, that is a failure."""
        ...

    def fail(self, error: ErrorInfo) -> list[Piece]:
        """The transport failed, or waiting took too long."""
        ...

    def abort(self) -> list[Piece]:
        """The run was aborted. What arrived so far stays."""
        ...


def absolute_url(base_url: str, path: str) -> str:
    """Join a base URL and a path; a version that both name is not doubled.

    >>> absolute_url("https://api.anthropic.com/", "/v1/messages")
    'https://api.anthropic.com/v1/messages'
    >>> absolute_url("https://host/v1", "/v1/messages")
    'https://host/v1/messages'
    """
    base = base_url.rstrip("/")
    first = path[: path.find("/", 1)] if path.find("/", 1) > 0 else path
    base = base.removesuffix(first)
    return base + path
