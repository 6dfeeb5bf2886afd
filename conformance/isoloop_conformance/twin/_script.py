"""Read a reply script into steps that every dialect renders its own way.

What the script leaves open is settled here, once for all dialects: when a block ends, how a text is
cut into deltas, what stops an answer that does not say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.frames import How


class ScriptError(ValueError):
    """The script cannot be said in the dialect, or contradicts itself. The case is wrong."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text block."""

    index: int


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thinking block; without a signature if it is unsigned.

    `asked`: the script itself gives the signature, so a dialect without signatures cannot say it.
    """

    index: int
    signature: str | None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `id` is None when the provider gives none."""

    index: int
    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that the contract does not model, as JSON text."""

    index: int
    kind: str
    json: str


Block: TypeAlias = Text | Thinking | Call | Opaque


@dataclass(frozen=True, slots=True)
class Begin:
    """A block begins."""

    block: Block


@dataclass(frozen=True, slots=True)
class Delta:
    """A block goes on."""

    block: Block
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """A block ends; `asked`: because the script says so, not because the next one begins."""

    block: Block
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters in the contract's terms; one that is None is not reported."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_long: int | None = None
    output: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What the dialect sends before any content is due now, if it has not been sent."""


@dataclass(frozen=True, slots=True)
class Report:
    """Counters are reported in the middle of the answer."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Stop:
    """The stop reason, in the contract's words; `raw` is the provider's own instead."""

    reason: str
    raw: str | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """Something beside the answer: a keep-alive, a comment, bytes as they are, a gate."""

    what: Literal["ping", "comment", "raw", "gate"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error inside the stream."""

    part: JsonObject


@dataclass(frozen=True, slots=True)
class Terminal:
    """The dialect's own end of an answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The body ends without a terminal."""

    how: How


Step: TypeAlias = Head | Begin | Delta | Finish | Report | Stop | Aside | Failure | Terminal | Cut

# Base64, as real ones are: "isoloop signature".
DEFAULT_SIGNATURE = "aXNvbG9vcCBzaWduYXR1cmU="
DEFAULT_USAGE = Usage(input=10, output=5)


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of an answer, and the counters that its head and its stop report.

    They are None when the provider reports nothing. Several `usage` parts are several reports, the
    first in the head and the last at the stop; a single one is in both places, as far as the
    dialect knows it by then.
    """

    steps: tuple[Step, ...]
    first: Usage | None
    last: Usage | None
    several: bool


def read_script(reply: Sequence[JsonObject], *, ids: str) -> Script:
    """Read a script.

    Args:
        reply: The parts, as the case has them.
        ids: What the ids of calls that have none begin with.

    Raises:
        ScriptError: The script contradicts itself.
    """
    return _Reader(reply, ids).script()


class _Reader:
    def __init__(self, reply: Sequence[JsonObject], ids: str) -> None:
        self._reply = [{k: v for k, v in part.items() if k != "only"} for part in reply]
        self._ids = ids
        self._usages = [_usage(part["usage"]) for part in self._reply if "usage" in part]
        self._reported = 0
        self._steps: list[Step] = []
        self._open: list[Block] = []
        self._blocks = 0
        self._calls = 0
        self._over = False
        self._stopped = False

    def script(self) -> Script:
        for part in self._reply:
            self._part(part)
        if not self._over:
            if not self._stopped:
                self._stop(Stop("tool_use" if self._calls else "end_turn"))
            self._steps.append(Terminal())
        usages = self._usages or [DEFAULT_USAGE]
        return Script(tuple(self._steps), usages[0], usages[-1], len(usages) > 1)

    def _part(self, part: JsonObject) -> None:
        if self._over:
            raise ScriptError(f"nothing follows `error` or `end`, but here is {part}")
        if len(part) != 1:
            raise ScriptError(f"a part of a reply has one member, but here is {part}")
        ((name, value),) = part.items()
        match name:
            case "say" | "think" | "call" | "opaque":
                self._content([(name, value)])
            case "interleave":
                self._content([next(iter(p.items())) for p in cast("list[JsonObject]", value)])
            case "more":
                self._more(str(value))
            case "close":
                self._close(asked=True)
            case "ping" | "comment" | "raw" | "gate":
                self._steps.append(Aside(name, "" if name == "ping" else str(value)))
            case "usage":
                self._report()
            case "stop":
                self._stop(Stop(value) if isinstance(value, str) else Stop(**value))
            case "error":
                self._end(Failure(value))
            case "end":
                self._end(Cut(value))
            case _:
                raise ScriptError(f"a reply has no part `{name}`")

    def _content(self, parts: list[tuple[str, Json]]) -> None:
        if self._stopped:
            raise ScriptError("content cannot follow `stop`")
        self._close()
        rows = [self._begin(name, {"text": v} if isinstance(v, str) else v) for name, v in parts]
        # The deltas of blocks that begin together alternate.
        for i in range(max(len(deltas) for _, deltas in rows)):
            self._steps += [Delta(block, deltas[i]) for block, deltas in rows if i < len(deltas)]

    def _begin(self, name: str, value: JsonObject) -> tuple[Block, list[str]]:
        index, self._blocks = self._blocks, self._blocks + 1
        block: Block
        match name:
            case "say":
                block = Text(index)
            case "think":
                signature = value.get("signature", DEFAULT_SIGNATURE)
                unsigned = value.get("unsigned", False)
                block = Thinking(index, None if unsigned else signature, "signature" in value)
            case "call":
                self._calls += 1
                made = f"{self._ids}{self._calls:02}"
                given = None if value.get("noId") else value.get("id", made)
                block = Call(index, given, value["name"])
            case "opaque":
                block = Opaque(index, value["kind"], value["json"])
            case _:
                raise ScriptError(f"`{name}` is no block")
        self._open.append(block)
        self._steps.append(Begin(block))
        return block, _deltas(name, value)

    def _more(self, text: str) -> None:
        if not self._open or isinstance(self._open[-1], Opaque):
            raise ScriptError("`more` needs an open text, thinking or call before it")
        self._steps.append(Delta(self._open[-1], text))

    def _close(self, *, asked: bool = False) -> None:
        self._steps += [Finish(block, asked) for block in self._open]
        self._open = []

    def _report(self) -> None:
        """Report counters: the first at the start, the last at the end, others where they stand."""
        self._reported += 1
        usage = self._usages[self._reported - 1]
        if self._reported == 1:
            self._steps.append(Head())
        elif usage is not None and self._reported < len(self._usages):
            self._steps.append(Report(usage))

    def _stop(self, stop: Stop) -> None:
        if self._stopped:
            raise ScriptError("a reply stops once")
        if stop.reason in {"error", "aborted"} or (stop.reason == "unknown" and stop.raw is None):
            raise ScriptError(
                f"a provider cannot say `{stop.reason}`; give `raw` or an `error` part"
            )
        self._close()
        self._stopped = True
        self._steps.append(stop)

    def _end(self, step: Step) -> None:
        self._over = True
        self._steps.append(step)


def _usage(value: JsonObject) -> Usage | None:
    if value.get("none"):
        return None
    return Usage(
        input=value.get("input"),
        cache_read=value.get("cacheRead"),
        cache_write=value.get("cacheWrite"),
        cache_write_long=value.get("cacheWriteLong"),
        output=value.get("output"),
        reasoning=value.get("reasoning"),
    )


def _deltas(name: str, value: JsonObject) -> list[str]:
    """Cut a block's text into deltas.

    Explicit cuts are followed to the letter (`cuts: []` and no text: no delta at all). Otherwise
    text comes in two or three pieces, and arguments after an empty first one, as Anthropic streams
    them (live streams of 2025 and 2026).
    """
    if name == "opaque":
        return []
    text = value["argumentsText"] if name == "call" else value["text"]
    cuts = value.get("cuts")
    if cuts is not None:
        places = [0, *cuts, len(text)]
        if places != sorted(places):
            raise ScriptError(f"the cuts {cuts} are not in order within {len(text)} characters")
        pieces = [text[a:b] for a, b in pairwise(places)]
        return pieces if text or cuts else []
    parts = 3 if len(text) > 8 else 2
    size = -(-len(text) // parts)
    pieces = [text[i : i + size] for i in range(0, len(text), size)] if text else []
    return ["", *pieces] if name == "call" else pieces
