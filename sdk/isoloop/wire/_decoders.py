"""What the decoders of all dialects share: how a body is taken in, and how it ends.

A dialect's decoder of a stream says what an event means (`_read`); its decoder of a JSON body says
what the body means. When bytes are no event stream, when a host ignores `stream`, what a second
look at odd JSON gives and what a broken connection leaves are decided here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from isoloop.wire._lenient import lenient
from isoloop.wire._sse import SseDecoder

if TYPE_CHECKING:
    from isoloop.contract import ErrorCode, ErrorInfo
    from isoloop.wire._pieces import Ending, Piece
    from isoloop.wire._sse import SseEvent

_FIELDS = (b"data", b"event", b"id", b"retry", b":", b"\xef\xbb\xbf")
_OPENING = max(map(len, _FIELDS))


def _may_begin(opening: bytes) -> bool:
    """Whether an event stream that was cut off may have begun so."""
    return any(field.startswith(opening) or opening.startswith(field) for field in _FIELDS)


class Reading(Protocol):
    """An answer in the making: the state that a stream and a JSON body share."""

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        ...

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        ...

    def failed(self, out: list[Piece], error: ErrorInfo) -> None:
        """The attempt failed."""
        ...

    def failed_as(self, out: list[Piece], code: ErrorCode, message: str) -> None:
        """The attempt failed for a reason that we found."""
        ...

    def aborted(self, out: list[Piece]) -> None:
        """The run was aborted."""
        ...


class _Decoder:
    """The ends that do not depend on the body's form."""

    def __init__(self, reading: Reading) -> None:
        self._answer = reading

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        return self._answer.end

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self._answer.content_started

    def fail(self, error: ErrorInfo) -> list[Piece]:
        """The transport failed."""
        out: list[Piece] = []
        if self.end is None:
            self._answer.failed(out, error)
        return out

    def abort(self) -> list[Piece]:
        """The run was aborted."""
        out: list[Piece] = []
        if self.end is None:
            self._answer.aborted(out)
        return out


class WholeDecoder(_Decoder, ABC):
    """Collects a JSON body and reads it at its end: the same pieces, one delta per block."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._chunks: list[bytes] = []

    @abstractmethod
    def _read(self, body: bytes, out: list[Piece]) -> None:
        """Read the body; a `ValueError` says that it is none of this dialect's."""

    def feed(self, data: bytes) -> list[Piece]:
        """Keep the bytes; nothing can be said before the end."""
        if self.end is None:
            self._chunks.append(data)
        return []

    def finish(self) -> list[Piece]:
        """Read the body."""
        out: list[Piece] = []
        if self.end is None:
            body = b"".join(self._chunks)
            self._chunks.clear()
            try:
                self._read(body, out)
            except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
                self._read_leniently(body, out)
        return out

    def _read_leniently(self, body: bytes, out: list[Piece]) -> None:
        try:
            self._read(lenient(body), out)
        except (ValueError, RecursionError) as error:
            self._answer.failed_as(out, "protocol", f"The answer is not a message: {error}")


class EventDecoder(_Decoder, ABC):
    """Turns the bytes of an event stream into pieces."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self._sse = SseDecoder()
        self._opening = b""  # the first bytes that are not blank, as long as no event was read
        self._no_event = True
        self._body: WholeDecoder | None = None

    @abstractmethod
    def _read(self, sse: SseEvent, data: bytes, out: list[Piece]) -> None:
        """Read one event; a `ValueError` asks for a second look at it."""

    @abstractmethod
    def _read_again(self, sse: SseEvent, out: list[Piece]) -> None:
        """Read an event that has half a UTF-16 pair or is no UTF-8; refuse what is no JSON."""

    @abstractmethod
    def _whole(self) -> WholeDecoder:
        """Make what reads a JSON body into the same answer."""

    @abstractmethod
    def _ended(self, out: list[Piece]) -> None:
        """The body ended cleanly after some bytes of a stream, without a terminal event."""

    def feed(self, data: bytes) -> list[Piece]:
        """Read the next bytes."""
        if self._answer.end is not None:
            return []
        if self._no_event:
            if len(self._opening) < _OPENING:
                self._opening = (self._opening + data).lstrip()[:_OPENING]
            if self._body is None and self._opening.startswith(b"{"):
                # A host that ignored `stream` answers with a message, or with an error under
                # status 200.
                self._body = self._whole()
        if self._body is not None:
            return self._body.feed(data)
        out: list[Piece] = []
        events = self._sse.feed(data)
        if events:
            self._no_event = False
        read, answer = self._read, self._answer
        for event in events:
            if not event.data:
                continue
            try:
                read(event, event.data, out)
            except (ValueError, RecursionError):
                self._read_again(event, out)
            if answer.end is not None:
                break
        return out

    def finish(self) -> list[Piece]:
        """The body ended cleanly."""
        if self._body is not None:
            return self._body.finish()
        out: list[Piece] = []
        if self.end is None:
            if self._no_event and not _may_begin(self._opening):
                # A page of HTML under status 200, for example (CTRL-020).
                self._answer.failed_as(out, "protocol", "The response is not an event stream.")
            else:
                self._ended(out)
        return out
