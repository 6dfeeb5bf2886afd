"""Cut a body into writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from isoloop_conformance.frames import Bytes, Frame, joined, split_events

if TYPE_CHECKING:
    from collections.abc import Iterable

# A body of more frames than this is written in larger pieces, unless a case asks for a cut:
# the writes of a long body would take longer than all other cases together.
_MANY_FRAMES = 2_000
_LARGE_PIECE = 16 * 1024

_CRLF = re.compile(rb"\r\n")


def cut(frames: list[Frame], mode: str, size: int | None) -> list[Frame]:
    """Cut the bytes between gates and ends anew.

    Raises:
        ValueError: The mode is not known, or `every` lacks its size.
    """
    if mode == "as_is" and len(frames) <= _MANY_FRAMES:
        return frames
    cut_frames: list[Frame] = []
    run: list[Frame] = []
    for frame in [*frames, None]:
        if isinstance(frame, Bytes):
            run.append(frame)
            continue
        cut_frames += _cut_run(run, mode, size)
        run = []
        if frame is not None:
            cut_frames.append(frame)
    return cut_frames


def _cut_run(run: list[Frame], mode: str, size: int | None) -> list[Bytes]:
    if mode == "as_is":
        return _merged(run)
    body = joined(run)
    match mode:
        case "one":
            places: Iterable[int] = ()
        case "event":
            return split_events(body)
        case "bytes":
            places = range(1, len(body))
        case "inside_utf8":
            places = [i for i, byte in enumerate(body) if byte & 0xC0 == 0x80]
        case "inside_crlf":
            places = [match.start() + 1 for match in _CRLF.finditer(body)]
        case "inside_frames":
            places = _around_boundaries(body)
        case "every" if size:
            places = range(size, len(body), size)
        case _:
            raise ValueError(f"a body cannot be cut by `{mode}` with size {size}")
    return _at(body, places)


def _around_boundaries(body: bytes) -> list[int]:
    """Return places before, inside and after the blank line that ends each event."""
    places: set[int] = set()
    end = 0
    for event in split_events(body):
        end += len(event.data)
        places |= {end - 3, end - 2, end - 1, end, end + 1}
    return sorted(place for place in places if 0 < place < len(body))


def _at(body: bytes, places: Iterable[int]) -> list[Bytes]:
    pieces: list[Bytes] = []
    start = 0
    for place in [*places, len(body)]:
        if place > start:
            pieces.append(Bytes(body[start:place]))
            start = place
    return pieces


def _merged(run: list[Frame]) -> list[Bytes]:
    pieces: list[Bytes] = []
    waiting: list[bytes] = []
    length = 0
    for frame in run:
        assert isinstance(frame, Bytes)
        waiting.append(frame.data)
        length += len(frame.data)
        if length >= _LARGE_PIECE:
            pieces.append(Bytes(b"".join(waiting)))
            waiting, length = [], 0
    return [*pieces, Bytes(b"".join(waiting))] if waiting else pieces
