"""Named changes to a body, so that a nasty case stays traceable to something real.

Events are counted from 0, in the body as it is when an edit is applied; keep-alives count where the
dialect sends them as events, comments do not.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from isoloop_conformance.frames import Bytes, End, Frame, Gate, is_event, split_events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoloop_conformance.exact_json import JsonObject

_LINE_END = re.compile(rb"\r\n|\n|\r")
_NEWLINES = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class PlanError(ValueError):
    """What a case asks of the provider is impossible. The case is wrong.

    `remedy` says what to do about it, `place` which of several edits it is about.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy
        self.place: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A body, and how it is to be sent."""

    frames: list[Frame]
    chunks: str = "as_is"
    size: int | None = None
    gzip: bool = False


def edit(body: Body, edits: Sequence[JsonObject], is_terminal: Callable[[bytes], bool]) -> Body:
    """Apply edits in order.

    Raises:
        PlanError: An edit names an event that is not there, or text that does not occur.
    """
    for entry in edits:
        members = [(name, value) for name, value in entry.items() if name != "only"]
        if len(members) != 1:
            raise PlanError(f"an edit has one member, but here is {entry}")
        body = _edit(body, *members[0], is_terminal)
    return body


def _edit(body: Body, name: str, value: Any, is_terminal: Callable[[bytes], bool]) -> Body:
    frames = list(body.frames)
    match name:
        case "rechunk":
            return Body(frames, value["mode"], value.get("size"), body.gzip)
        case "gzip":
            return Body(frames, body.chunks, body.size, gzip=True)
        case "truncate":
            frames = _truncate(frames, value, is_terminal)
        case "insert":
            frames.insert(_place(frames, value), Bytes(value["raw"].encode()))
        case "replace":
            frames = _replace(frames, value["find"].encode(), _replacement(value))
        case "drop":
            del frames[_event(frames, value)]
        case "repeat":
            at = _event(frames, value["event"])
            frames[at : at + 1] = [frames[at]] * int(value["count"])
        case "newline":
            frames = _newline(frames, value)
        case "gate":
            frames.insert(_event(frames, value["afterEvent"]) + 1, Gate(value["name"]))
        case "end":
            frames = [*(f for f in frames if not isinstance(f, End)), End(value)]
        case _:
            raise PlanError(f"there is no edit `{name}`")
    return Body(frames, body.chunks, body.size, body.gzip)


def _event(frames: list[Frame], number: int) -> int:
    """Return where the frame of an event is."""
    places = [i for i, frame in enumerate(frames) if is_event(frame)]
    if number >= len(places):
        have = f"events 0 to {len(places) - 1}" if places else "no events"
        raise PlanError(f"there is no event {number}", f"the body has {have} at this edit")
    return places[number]


def _place(frames: list[Frame], where: JsonObject) -> int:
    if "beforeEvent" in where:
        return _event(frames, where["beforeEvent"])
    if "afterEvent" in where:
        return _event(frames, where["afterEvent"]) + 1
    if where.get("atEnd"):
        return len(frames) - (1 if frames and isinstance(frames[-1], End) else 0)
    raise PlanError("`insert` needs `beforeEvent`, `afterEvent` or `atEnd`")


def _truncate(
    frames: list[Frame], where: JsonObject, is_terminal: Callable[[bytes], bool]
) -> list[Frame]:
    end = [frame for frame in frames if isinstance(frame, End)]
    if "afterEvent" in where:
        # "Keep this many events": of none, nothing stays.
        count = int(where["afterEvent"])
        return [*(frames[: _event(frames, count - 1) + 1] if count else []), *end]
    if where.get("beforeTerminal"):
        for i, frame in enumerate(frames):
            if isinstance(frame, Bytes) and is_terminal(frame.data):
                return [*frames[:i], *end]
        raise PlanError(
            "there is no terminal event to truncate before", "say `afterEvent` or `afterByte`"
        )
    left = int(where["afterByte"])
    kept: list[Frame] = []
    for frame in frames:
        if isinstance(frame, Bytes):
            if left > 0:
                kept.append(Bytes(frame.data[:left]))
            left -= len(frame.data)
        elif left > 0 and not isinstance(frame, End):
            kept.append(frame)
    if left > 0:
        raise PlanError(f"the body ends {left} bytes before the place to truncate at")
    return [*kept, *end]


def _replacement(value: JsonObject) -> bytes:
    match value:
        case {"with": str(text)} if "withBase64" not in value:
            new = text.encode()
        case {"withBase64": str(text)} if "with" not in value:
            new = base64.b64decode(text, validate=True)
        case _:
            raise PlanError("`replace` needs one of `with` and `withBase64`")
    return new * int(value.get("times", 1))


def _replace(frames: list[Frame], find: bytes, new: bytes) -> list[Frame]:
    if not any(isinstance(frame, Bytes) and find in frame.data for frame in frames):
        text = f"`{find.decode()}` does not occur in the body"
        raise PlanError(text, "it must stand within one event, exactly as it was sent")
    return [
        Bytes(frame.data.replace(find, new)) if isinstance(frame, Bytes) else frame
        for frame in frames
    ]


def _newline(frames: list[Frame], style: str) -> list[Frame]:
    """Give lines another end; `mixed`: each line another than the one before."""
    styles = [_NEWLINES[style]] if style in _NEWLINES else [b"\r\n", b"\r", b"\n"]
    changed: list[Frame] = []
    count, last = 0, b""
    for frame in frames:
        if not isinstance(frame, Bytes):
            changed.append(frame)
            continue
        *lines, rest = _LINE_END.split(frame.data)
        data = b""
        for line in lines:
            end = styles[count % len(styles)]
            # CR, an empty line and LF would be one line end.
            if not line and last == b"\r" and end == b"\n":
                end = b"\r"
            data += line + end
            last = end
            count += 1
        changed.append(Bytes(data + rest))
    return changed


def as_frames(body: bytes, content_type: str) -> list[Frame]:
    """Return a body's frames: its events if it is an event stream, else one."""
    if content_type.startswith("text/event-stream"):
        return cast("list[Frame]", split_events(body))
    return [Bytes(body)] if body else []
