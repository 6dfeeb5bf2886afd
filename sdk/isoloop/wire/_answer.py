"""Builds an answer from what a dialect's decoder reads; shared by all dialects.

A decoder says what happens to which of the provider's blocks. The builder gives each block its
content index (our own: gap-free, in the order of the starts, whatever the provider's numbers are),
makes call ids unique, joins texts, reads arguments once, and closes what is open when the answer
is over, however it ends. Blocks may interleave.

Every method returns the pieces to be told, so a decoder's branch is one `out +=` line.
The three text deltas are the hot path: 20,000 of them must cost about 20 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoloop.contract import (
    AssistantMessage,
    OpaqueBlock,
    ProviderData,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from isoloop.wire._arguments import Arguments, read_arguments
from isoloop.wire._json import encode_text
from isoloop.wire._pieces import (
    Aborted,
    Answered,
    AnswerStarted,
    Failed,
    OpaqueEnded,
    OpaqueStarted,
    Piece,
    TextDelta,
    TextEnded,
    TextStarted,
    ThinkingDelta,
    ThinkingEnded,
    ThinkingStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from isoloop.wire._surrogates import is_high, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from isoloop.contract import AnswerBlock, Dialect, ErrorInfo, ModelRef, StopReason, Usage
    from isoloop.wire._pieces import ArgumentsState, Ending


class _Joined:
    """Text that comes in deltas. Half a UTF-16 pair at the end of one waits for the next."""

    __slots__ = ("_make", "half", "index", "parts")

    def __init__(self, index: int, make: Callable[[int, str], Piece]) -> None:
        self.index = index
        self.parts: list[str] = []
        self.half = ""
        self._make = make

    def add(self, delta: str, out: list[Piece]) -> None:
        """Add text that has no half pair; the hot path."""
        if self.half:
            self.add_any(delta, out)
        elif delta:
            self.parts.append(delta)
            out.append(self._make(self.index, delta))

    def add_any(self, delta: str, out: list[Piece]) -> None:
        """Add text that may have halves of pairs."""
        delta, self.half = self.half + delta, ""
        if delta and is_high(delta[-1]):
            delta, self.half = delta[:-1], delta[-1]
        if delta:
            delta = paired(delta)
            self.parts.append(delta)
            out.append(self._make(self.index, delta))

    def text(self, out: list[Piece]) -> str:
        """Say that nothing follows, and join."""
        if self.half:
            self.half = ""
            self.parts.append("\ufffd")
            out.append(self._make(self.index, "\ufffd"))
        return self.parts[0] if len(self.parts) == 1 else "".join(self.parts)


class OpenText(_Joined):
    """A text block being read."""

    __slots__ = ("provider_data",)

    def __init__(self, index: int) -> None:
        super().__init__(index, TextDelta)
        self.provider_data: ProviderData | None = None

    def close(self, out: list[Piece], *, ended: bool) -> AnswerBlock:
        """End the block."""
        del ended
        text = self.text(out)
        out.append(TextEnded(self.index, text))
        return TextBlock.trusted(text=text, provider_data=self.provider_data)


class OpenThinking(_Joined):
    """A thinking block being read. Its signature counts only if the provider ended the block."""

    __slots__ = ("provider_data", "signature")

    def __init__(self, index: int) -> None:
        super().__init__(index, ThinkingDelta)
        self.signature = ""
        self.provider_data: ProviderData | None = None

    def close(self, out: list[Piece], *, ended: bool) -> AnswerBlock:
        """End the block."""
        text = self.text(out)
        signature = (self.signature if ended else "") or None
        out.append(ThinkingEnded(self.index, text, signature))
        return ThinkingBlock.trusted(
            text=text, signature=signature, provider_data=self.provider_data
        )


class OpenToolCall(_Joined):
    """A call being read."""

    __slots__ = ("call_id", "name", "provider_data")

    def __init__(
        self, index: int, call_id: str, name: str, provider_data: ProviderData | None
    ) -> None:
        super().__init__(index, ToolCallDelta)
        self.call_id = call_id
        self.name = name
        self.provider_data = provider_data

    def close(self, out: list[Piece], *, ended: bool) -> AnswerBlock:
        """End the block; only now are the arguments read, and only if the provider ended it."""
        text = self.text(out)
        state: ArgumentsState = "incomplete"
        value = None
        if ended:
            read = read_arguments(text)
            match read:
                case Arguments():
                    state, value = "complete", read.value
                case _:
                    state = "invalid"
        out.append(ToolCallEnded(self.index, self.call_id, self.name, text, state, value))
        return ToolCallBlock.trusted(
            id=self.call_id,
            name=self.name,
            arguments_text=text,
            incomplete=None if ended else True,
            provider_data=self.provider_data,
        )


class OpenOpaque:
    """A block that the contract does not model; its decoder keeps `json_text` whole."""

    __slots__ = ("dialect", "incomplete", "index", "json_text", "kind")

    def __init__(self, index: int, dialect: Dialect, kind: str, json_text: str) -> None:
        self.index = index
        self.dialect: Dialect = dialect
        self.kind = kind
        self.json_text = json_text
        self.incomplete = False

    def close(self, out: list[Piece], *, ended: bool) -> AnswerBlock:
        """End the block; one that was not ended or cannot be rebuilt is marked."""
        incomplete = self.incomplete or not ended
        out.append(OpaqueEnded(self.index, self.dialect, self.kind, self.json_text, incomplete))
        return OpaqueBlock.trusted(
            dialect=self.dialect,
            kind=self.kind,
            json_text=self.json_text,
            incomplete=True if incomplete else None,
        )


OpenBlock = OpenText | OpenThinking | OpenToolCall | OpenOpaque


class AnswerBuilder:
    """An answer in the making."""

    def __init__(self, model: ModelRef, taken: Collection[str] = ()) -> None:
        self._model = model
        self._taken = taken
        self._own_ids: set[str] = set()
        self._calls = 0
        self._started = False
        self._open: dict[int, OpenBlock] = {}
        self._closed: dict[int, AnswerBlock] = {}
        self._count = 0
        self.end: Ending | None = None
        # What the whole message carries, filled in by the decoder as it learns it.
        self.response_id: str | None = None
        self.answered_by: str | None = None
        self.provider_data: ProviderData | None = None

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self._count > 0

    # ------------------------------------------------------------ blocks

    def text(self, out: list[Piece]) -> OpenText:
        """Begin a text block."""
        block = OpenText(self._begin(out))
        self._open[block.index] = block
        out.append(TextStarted(block.index))
        return block

    def thinking(self, out: list[Piece]) -> OpenThinking:
        """Begin a thinking block."""
        block = OpenThinking(self._begin(out))
        self._open[block.index] = block
        out.append(ThinkingStarted(block.index))
        return block

    def tool_call(
        self, out: list[Piece], provider_id: str, name: str, members: dict[str, Any]
    ) -> OpenToolCall:
        """Begin a call; `members` are what only its dialect knows of it.

        The provider's id may be empty or not unique (decision 23 of the loop); the id that it gave
        is kept beside the one that we made.
        """
        self._calls += 1
        call_id = self._unique(provider_id or f"call_{self._calls}")
        if provider_id and provider_id != call_id:
            members = {**members, "id": provider_id}
        kept = provider_data(self._model.dialect, members)
        block = OpenToolCall(self._begin(out), call_id, paired(name), kept)
        self._open[block.index] = block
        out.append(ToolCallStarted(block.index, call_id, block.name))
        return block

    def opaque(self, out: list[Piece], dialect: Dialect, kind: str, json_text: str) -> OpenOpaque:
        """Begin a block that the contract does not model."""
        block = OpenOpaque(self._begin(out), dialect, kind, json_text)
        self._open[block.index] = block
        out.append(OpaqueStarted(block.index, dialect, kind))
        return block

    def close(self, block: OpenBlock, out: list[Piece], *, ended: bool = True) -> None:
        """End a block."""
        del self._open[block.index]
        self._closed[block.index] = block.close(out, ended=ended)

    # ------------------------------------------------------------ endings

    def answered(
        self,
        out: list[Piece],
        stop_reason: StopReason,
        *,
        raw_stop_reason: str | None = None,
        stop_sequence: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        """The provider said its terminal word."""
        self._start(out)
        message = self._message(
            out,
            stop_reason,
            raw_stop_reason=raw_stop_reason,
            stop_sequence=stop_sequence,
            usage=usage,
        )
        self.end = Answered(message)

    def failed(self, out: list[Piece], error: ErrorInfo, usage: Usage | None) -> None:
        """The attempt failed; partial content stays in a message."""
        message = None
        if self.content_started:
            message = self._message(out, "error", error=error, usage=usage)
        self.end = Failed(error, message, usage)

    def aborted(self, out: list[Piece], usage: Usage | None) -> None:
        """The run was aborted; partial content stays in a message."""
        message = self._message(out, "aborted", usage=usage) if self.content_started else None
        self.end = Aborted(message, usage)

    # ------------------------------------------------------------ inside

    def _start(self, out: list[Piece]) -> None:
        if not self._started:
            self._started = True
            out.append(AnswerStarted(self._model))

    def _begin(self, out: list[Piece]) -> int:
        self._start(out)
        index = self._count
        self._count += 1
        return index

    def _unique(self, wanted: str) -> str:
        wanted = paired(wanted)
        found, number = wanted, 1
        while found in self._own_ids or found in self._taken:
            number += 1
            found = f"{wanted}~{number}"
        self._own_ids.add(found)
        return found

    def _message(
        self,
        out: list[Piece],
        stop_reason: StopReason,
        *,
        raw_stop_reason: str | None = None,
        stop_sequence: str | None = None,
        usage: Usage | None = None,
        error: ErrorInfo | None = None,
    ) -> AssistantMessage:
        for index in sorted(self._open):
            self.close(self._open[index], out, ended=False)
        answered_by = self.answered_by if self.answered_by != self._model.model else None
        return AssistantMessage.trusted(
            content=[self._closed[index] for index in range(self._count)],
            model=self._model,
            stop_reason=stop_reason,
            raw_stop_reason=raw_stop_reason,
            stop_sequence=stop_sequence,
            usage=usage,
            error=error,
            response_id=self.response_id or None,
            answered_by=answered_by or None,
            provider_data=self.provider_data,
        )


def provider_data(dialect: Dialect, members: dict[str, Any]) -> ProviderData | None:
    """Keep a block's members that only its dialect knows; nothing when there are none."""
    if not members:
        return None
    return ProviderData.trusted(dialect=dialect, json_text=encode_text(members))
