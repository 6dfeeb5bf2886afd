"""From what a case writes to what is sent: exchanges become answers before the case begins."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from isoloop_conformance.frames import Bytes, End, Frame, How, joined
from isoloop_conformance.replay.chunks import cut
from isoloop_conformance.replay.edits import Body, PlanError, as_frames, edit
from isoloop_conformance.replay.recorded import frames_of, recorded
from isoloop_conformance.twin import Scene, ScriptError, Twin, twin_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from isoloop_conformance.exact_json import JsonObject

Framing = Literal["chunked", "length", "given"]
Headers = list[tuple[str, str]]

# Of what a cassette recorded, these belong to the connection of then.
_HOP_BY_HOP = {
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "transfer-encoding",
}
_NOW = re.compile(r"\{now\+(\d+)\}")


@dataclass(frozen=True)
class ReplayPlan:
    """What a case wants of the provider, for one variant.

    `exchanges` is the case's list with items for other dialects left out and call ids put in;
    `now_ms` is the virtual clock.
    """

    token: str
    dialect: str
    delivery: str
    chunks: str
    exchanges: Sequence[JsonObject]
    lanes: Mapping[str, JsonObject]
    model: str
    now_ms: Callable[[], int]


@dataclass(frozen=True)
class Answer:
    """What is done with one request; no exchange: it was not expected."""

    exchange: int | None
    lane: str | None = None
    fault: str | None = None
    hold: str | None = None
    status: int = 200
    headers: Headers = field(default_factory=list[tuple[str, str]])
    frames: list[Frame] = field(default_factory=list[Frame])
    how: How = "fin"
    framing: Framing = "length"
    length: int = 0

    @property
    def gates(self) -> set[str]:
        """The gates that it may wait at."""
        names = {frame.name for frame in self.frames if not isinstance(frame, Bytes | End)}
        return names | ({self.hold} if self.hold else set())


def answers(plan: ReplayPlan, cassettes: Path) -> list[Answer]:
    """Render every exchange of a plan.

    Raises:
        PlanError: An exchange cannot be rendered; says which.
    """
    try:
        twin = twin_named(plan.dialect)
    except ScriptError as error:
        raise PlanError(str(error)) from None
    rendered: list[Answer] = []
    for i, exchange in enumerate(plan.exchanges):
        try:
            rendered.append(_answer(plan, twin, i, exchange, cassettes))
        except ValueError as error:
            raise PlanError(f"exchange {i}: {error}") from error
    if plan.lanes and any(answer.fault == "refuse" for answer in rendered):
        raise PlanError("a refused connection has no request that would tell its lane")
    return rendered


def http_dates(value: str, now_ms: int) -> str:
    """Replace `{now+2000}` by an HTTP date that many milliseconds after now."""

    def date(match: re.Match[str]) -> str:
        moment = datetime.fromtimestamp((now_ms + int(match[1])) / 1000, UTC)
        return format_datetime(moment, usegmt=True)

    return _NOW.sub(date, value)


def _answer(plan: ReplayPlan, twin: Twin, i: int, exchange: JsonObject, cassettes: Path) -> Answer:
    lane, hold = exchange.get("lane"), exchange.get("holdHeaders")
    if plan.lanes and lane not in plan.lanes:
        raise PlanError(f"`{lane}` is none of the lanes")
    if "fault" in exchange:
        return Answer(i, lane, exchange["fault"], hold)
    status, headers, frames = _source(plan, twin, i, exchange, cassettes)
    headers |= {name.lower(): value for name, value in exchange.get("headers", {}).items()}
    body = edit(Body(frames, plan.chunks), exchange.get("edits", []), twin.is_terminal)
    how: How = "fin"
    kept: list[Frame] = []
    for frame in body.frames:
        if isinstance(frame, End):
            how = frame.how
        else:
            kept.append(frame)
    sent = cut(kept, body.chunks, body.size)
    if body.gzip:
        headers["content-encoding"] = "gzip"
        sent = _gzip(sent)
    length = len(joined(sent))
    framing = _framing(headers, how)
    return Answer(i, lane, None, hold, status, list(headers.items()), sent, how, framing, length)


def _source(
    plan: ReplayPlan, twin: Twin, i: int, exchange: JsonObject, cassettes: Path
) -> tuple[int, dict[str, str], list[Frame]]:
    scene = Scene(plan.model, i)
    status = exchange.get("status")
    if "reply" in exchange:
        render = twin.stream if plan.delivery == "sse" else twin.body
        return status or 200, twin.headers(plan.delivery, scene), render(exchange["reply"], scene)
    if "error" in exchange:
        said = twin.rejection(status, exchange["error"], scene)
        return said.status, dict(said.headers), [Bytes(said.body)]
    if "cassette" in exchange:
        found = recorded(cassettes, plan.dialect, plan.delivery, exchange["cassette"])
        response = found.response
        headers = {k: ", ".join(v) for k, v in response.headers.items() if k not in _HOP_BY_HOP}
        return status or response.status, headers, frames_of(found, exchange.get("edits", []))
    if "body" in exchange:
        data = str(exchange["body"]).encode()
        given = {name.lower(): value for name, value in exchange.get("headers", {}).items()}
        kind = given.get("content-type") or _content_type(data)
        return status or 200, {"content-type": kind}, as_frames(data, kind)
    raise PlanError("one of `reply`, `cassette`, `error`, `body`, `fault` is needed")


def _content_type(body: bytes) -> str:
    if re.match(rb"(?:\xef\xbb\xbf)?(?:event|data|id|retry)?:", body):
        return "text/event-stream; charset=utf-8"
    return "application/json" if body.lstrip()[:1] in {b"{", b"["} else "text/plain"


def _framing(headers: Mapping[str, str], how: How) -> Framing:
    if {"content-length", "transfer-encoding"} & headers.keys():
        return "given"
    if how == "short_length":
        return "length"
    streamed = headers.get("content-type", "").startswith("text/event-stream")
    return "chunked" if streamed or how != "fin" else "length"


def _gzip(frames: list[Frame]) -> list[Frame]:
    """Compress, with a flush after each write so that it can be read at once."""
    packer = zlib.compressobj(wbits=31)
    packed: list[Frame] = []
    for frame in frames:
        if isinstance(frame, Bytes):
            data = packer.compress(frame.data) + packer.flush(zlib.Z_SYNC_FLUSH)
            packed.append(Bytes(data))
        else:
            packed.append(frame)
    return [*packed, Bytes(packer.flush())]
