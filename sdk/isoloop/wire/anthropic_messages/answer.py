"""One answer of Anthropic's being read: the state that a stream and a JSON body share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from isoloop.wire._answer import AnswerBuilder, provider_data
from isoloop.wire._failure import failure
from isoloop.wire.anthropic_messages.blocks import DIALECT, BlockReader
from isoloop.wire.anthropic_messages.usage import UsageMeter

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import ErrorCode, ErrorInfo, StopReason, Usage
    from isoloop.wire._pieces import Ending, Piece
    from isoloop.wire._port import ModelCall

# The vendor's words, as documented on 2026-11-21. Any other is `unknown` and stays beside it.
_STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end_turn",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "pause_turn": "pause_turn",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window_exceeded",
    # The server wrote a summary and waits to be called again with it, like a pause.
    "compaction": "pause_turn",
    # An older word for a refusal, still sent by compatible hosts (pi, A10).
    "sensitive": "refusal",
}


class Head(Struct):
    """`{"id":"msg_01…","model":"claude-…","usage":{…}}`, of message_start or of a whole message."""

    id: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None


class Stop(Struct):
    """`{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":{"id":"container_01…"}}`."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = Raw(b"null")
    container: Raw = Raw(b"null")
    context_management: Raw = Raw(b"null")


class Reading:
    """An answer in the making, with its counters."""

    def __init__(self, call: ModelCall, taken: Collection[str]) -> None:
        self._requested = call.model.model
        self.builder = AnswerBuilder(call.model, taken)
        self.blocks = BlockReader(self.builder)
        self.meter = UsageMeter()
        self._stop: Stop | None = None
        self._kept: dict[str, Raw] = {}

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        return self.builder.end

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self.builder.content_started

    def read_head(self, head: Head) -> None:
        """Learn who answers."""
        self.builder.response_id = head.id or self.builder.response_id
        self.builder.answered_by = head.model or self.builder.answered_by
        self.meter.read(head.usage)

    def read_stop(self, stop: Stop) -> None:
        """Learn why the answer ends; a word that was said is not taken back by silence."""
        if self._stop is None or stop.stop_reason is not None:
            self._stop = stop
        for name in ("stop_details", "container", "context_management"):
            value: Raw = getattr(stop, name)
            if bytes(value) != b"null":
                self._kept[name] = value.copy()

    def answered(self, out: list[Piece]) -> None:
        """The provider said its terminal word."""
        stop = self._stop or Stop()
        word = stop.stop_reason or ""
        reason = _STOP_REASONS.get(word, "unknown")
        self._complete()
        self.builder.answered(
            out,
            reason,
            raw_stop_reason=word if word != reason else None,
            stop_sequence=stop.stop_sequence,
            usage=self._usage(),
        )

    def failed(self, out: list[Piece], error: ErrorInfo) -> None:
        """The attempt failed."""
        self._complete()
        self.builder.failed(out, error, self._usage())

    def failed_as(self, out: list[Piece], code: ErrorCode, message: str) -> None:
        """The attempt failed for a reason that we found."""
        self.failed(out, failure(code, message))

    def aborted(self, out: list[Piece]) -> None:
        """The run was aborted."""
        self._complete()
        self.builder.aborted(out, self._usage())

    def _usage(self) -> Usage | None:
        return self.meter.usage(self._requested, self.builder.answered_by)

    def _complete(self) -> None:
        self.blocks.complete_open()
        self.builder.provider_data = provider_data(DIALECT, dict(self._kept))
