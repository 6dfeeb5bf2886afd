"""What a response body is made of: bytes, gates and an end.

The twin makes frames, edits change them, the replay server sends them: one `Bytes` is one HTTP
chunk and one write, unless the body is cut otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

How: TypeAlias = Literal["fin", "reset", "stall", "half_close", "bad_chunk", "short_length"]

# Two line ends in a row, each CRLF, LF or CR. Atomic: CRLF is never read as CR and LF.
_BLANK_LINE = re.compile(rb"(?:(?>\r\n|\n|\r)){2,}")
_DATA_LINE = re.compile(rb"(?:^|[\r\n])data(?::|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes that are written together."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Gate:
    """The body waits here until the gate is released."""

    name: str


@dataclass(frozen=True, slots=True)
class End:
    """The body ends here, and how: always the last frame. Without it a body ends cleanly."""

    how: How


Frame: TypeAlias = Bytes | Gate | End


def split_events(body: bytes) -> list[Bytes]:
    """Cut an SSE body after every blank line; what follows the last one is a frame too."""
    ends = [match.end() for match in _BLANK_LINE.finditer(body)]
    starts = [0, *ends]
    pieces = (body[a:b] for a, b in zip(starts, [*ends, len(body)], strict=True))
    return [Bytes(piece) for piece in pieces if piece]


def is_event(frame: Frame) -> bool:
    """Whether a frame is an SSE event: comments and retry fields alone are none."""
    return isinstance(frame, Bytes) and _DATA_LINE.search(frame.data) is not None


def joined(frames: list[Frame]) -> bytes:
    """Return the bytes of a body."""
    return b"".join(frame.data for frame in frames if isinstance(frame, Bytes))
