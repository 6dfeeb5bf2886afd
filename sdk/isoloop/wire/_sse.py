r"""Server-sent events, decoded by the WHATWG rules without any I/O.

    event: content_block_delta\n
    data: {"type":"content_block_delta","index":0,...}\n
    \n

Bytes come in chunks that may be cut anywhere: inside a UTF-8 character, between CR and LF, in a
field name. The work is linear in the bytes for any way of cutting: a line that has no end yet is
kept in parts and only the new part is searched.

Data stays bytes: a JSON decoder reads it faster than text. Bytes that are not UTF-8 are replaced
by U+FFFD, as the rules say, when they are made text (`text_of`). A line end is never part of a
UTF-8 character, so decoding after splitting gives what decoding before would.
"""

from __future__ import annotations

import re

from msgspec import Struct

_BOM = b"\xef\xbb\xbf"

_named = re.compile(rb"^event: ([^\n]*)\ndata: ([^\n]*)\n\n", re.MULTILINE).findall
_nameless = re.compile(rb"^data: ([^\n]*)\n\n", re.MULTILINE).findall

# One event or two: nothing to gain.
_FEW_BYTES = 512


class SseEvent(Struct, frozen=True, gc=False):
    """One event. Without an `event` field its name is empty (the rules then say `message`)."""

    name: bytes
    data: bytes


def text_of(data: bytes) -> str:
    """Decode as the rules say: what is not UTF-8 becomes U+FFFD."""
    return data.decode("utf-8", "replace")


class SseDecoder:
    """Turns the bytes of a body into events.

    Contract: what follows the last blank line is never dispatched (rules: an unfinished event is
    discarded), so there is nothing to call at the end of the body.
    """

    __slots__ = ("_after_cr", "_data", "_line", "_name", "_start", "last_event_id", "retry_ms")

    def __init__(self) -> None:
        self._line: list[bytes] = []  # the parts of the unfinished line
        self._after_cr = False  # the last byte was a CR: an LF now belongs to it
        self._start = True  # nothing but a part of a byte order mark was read
        self._data: list[bytes] = []
        self._name = b""
        self.last_event_id = ""
        self.retry_ms: int | None = None

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Read bytes; return the events that they complete."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if not chunk:
            return []
        if self._start:
            chunk = self._without_bom(chunk)
        # Events are whole, and follow each other without a CR, in nearly all of what is sent. The
        # rest of an event that was cut, and the beginning of the next, are read by lines.
        if len(chunk) < _FEW_BYTES or b"\r" in chunk:
            return self._by_lines(chunk)
        first = chunk.find(b"\n\n") + 2 if self._line or self._data or self._name else 0
        last = chunk.rfind(b"\n\n") + 2
        if last < 2:
            return self._by_lines(chunk)
        events = self._by_lines(chunk[:first]) if first else []
        if first < last:
            events += self._whole(chunk[first:last])
        if last < len(chunk):
            events += self._by_lines(chunk[last:])
        return events

    def _whole(self, events: bytes) -> list[SseEvent]:
        """Read whole events: half of the time that it takes by lines."""
        # Each match is whole lines, so when no line end is left over, nothing is.
        if events.startswith(b"event: "):
            named = _named(events)
            if 3 * len(named) == events.count(b"\n"):
                return [SseEvent(name, data) for name, data in named]
        else:
            found = _nameless(events)
            if 2 * len(found) == events.count(b"\n"):
                return [SseEvent(b"", data) for data in found]
        return self._by_lines(events)

    def _by_lines(self, chunk: bytes) -> list[SseEvent]:
        if b"\r" not in chunk:
            if b"\n" not in chunk:
                self._line.append(chunk)
                return []
            lines = chunk.split(b"\n")
            rest = lines.pop()
        else:
            self._after_cr = chunk.endswith(b"\r")
            lines = chunk.splitlines()  # of bytes: LF, CR and CRLF only
            rest = b"" if chunk.endswith((b"\r", b"\n")) else lines.pop()
        if self._line and lines:
            self._line.append(lines[0])
            lines[0] = b"".join(self._line)
            self._line = []
        if rest:
            self._line.append(rest)
        return self._dispatched(lines)

    def _without_bom(self, chunk: bytes) -> bytes:
        """Drop one byte order mark at the start of the body, even if it is cut."""
        head = b"".join(self._line) + chunk
        self._line = []
        if len(head) < len(_BOM) and _BOM.startswith(head):
            return head  # goes into the unfinished line again; decided with the next byte
        self._start = False
        return head.removeprefix(_BOM)

    def _dispatched(self, lines: list[bytes]) -> list[SseEvent]:
        events: list[SseEvent] = []
        data, name = self._data, self._name
        for line in lines:
            # The three lines of nearly every event are tried first.
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif not line:
                if data:
                    events.append(SseEvent(name, data[0] if len(data) == 1 else b"\n".join(data)))
                    data.clear()
                name = b""
            elif line.startswith(b"event: "):
                name = line[7:]
            elif not line.startswith(b":"):
                field, _, value = line.partition(b":")
                value = value.removeprefix(b" ")
                if field == b"data":
                    data.append(value)
                elif field == b"event":
                    name = value
                else:
                    self._other_field(field, value)
        self._name = name
        return events

    def _other_field(self, field: bytes, value: bytes) -> None:
        if field == b"id":
            if b"\0" not in value:
                self.last_event_id = text_of(value)
        elif field == b"retry" and value.isdigit():
            self.retry_ms = int(value)
