"""One answer of the Responses API being read: the state that a stream and a JSON body share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, json

from isoloop.wire._answer import AnswerBuilder, provider_data
from isoloop.wire._failure import failure
from isoloop.wire._openai import stream_error
from isoloop.wire.openai_responses.items import ItemReader, check
from isoloop.wire.openai_responses.settings import DIALECT
from isoloop.wire.openai_responses.usage import usage_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import ErrorCode, ErrorInfo, StopReason
    from isoloop.wire._pieces import Ending, Piece
    from isoloop.wire._port import ModelCall

# Why an answer is incomplete, as documented on 2026-11-21. Any other word is `unknown`.
_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "refusal",
}


class Why(Struct):
    """`{"reason":"max_output_tokens"}`."""

    reason: str | None = None


class Response(Struct):
    """`{"id":"resp_…","model":"gpt-5-2025-08-07","status":"completed","output":[…],"usage":{…}}`."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[Raw] | None = None
    usage: dict[str, Any] | None = None
    error: Raw = Raw(b"null")
    incomplete_details: Why | None = None
    # Kept for the caller; no request needs them again.
    conversation: Raw = Raw(b"null")
    moderation: Raw = Raw(b"null")


class Reading:
    """An answer in the making."""

    def __init__(self, call: ModelCall, taken: Collection[str]) -> None:
        self.builder = AnswerBuilder(call.model, taken)
        self.items = ItemReader(self.builder)
        self._usage: dict[str, Any] | None = None

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        return self.builder.end

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self.builder.content_started

    def read_head(self, response: Response) -> None:
        """Learn who answers."""
        self.builder.response_id = response.id or self.builder.response_id
        self.builder.answered_by = response.model or self.builder.answered_by

    def read_end(self, response: Response, status: str, out: list[Piece]) -> None:
        """The provider said its terminal word; `status` is what the event's name says."""
        output = response.output or []
        check(output)
        self.read_head(response)
        self._usage = response.usage or self._usage
        kept = {n: getattr(response, n) for n in ("conversation", "moderation")}
        self.builder.provider_data = provider_data(
            DIALECT, {n: v for n, v in kept.items() if bytes(v) != b"null"}
        )
        status = response.status or status
        match status:
            case "failed":
                self.items.finish(output, out, completed=False)
                self.failed(out, _error(response))
            case "cancelled" | "queued" | "in_progress":
                # Of a request with `background`: the answer is not there.
                self.failed_as(
                    out, "protocol", f'The response has the status "{status}" and no answer.'
                )
            case "incomplete":
                self.items.finish(output, out, completed=False)
                word = (response.incomplete_details or Why()).reason or ""
                self._answered(out, _INCOMPLETE.get(word, "unknown"), word)
            case "completed":
                self.items.finish(output, out, completed=True)
                self._answered(out, self._completed(), None)
            case _:
                self.items.finish(output, out, completed=True)
                self._answered(out, "unknown", status)

    def _completed(self) -> StopReason:
        if self.items.refused:
            return "refusal"
        return "tool_use" if self.items.called else "end_turn"

    def _answered(self, out: list[Piece], reason: StopReason, word: str | None) -> None:
        self.builder.answered(
            out,
            reason,
            raw_stop_reason=word,
            usage=usage_of(self._usage),
        )

    def failed(self, out: list[Piece], error: ErrorInfo) -> None:
        """The attempt failed."""
        self.items.complete_open()
        self.builder.failed(out, error, usage_of(self._usage))

    def failed_as(self, out: list[Piece], code: ErrorCode, message: str) -> None:
        """The attempt failed for a reason that we found."""
        self.failed(out, failure(code, message))

    def aborted(self, out: list[Piece]) -> None:
        """The run was aborted."""
        self.items.complete_open()
        self.builder.aborted(out, usage_of(self._usage))


def _error(response: Response) -> ErrorInfo:
    return stream_error(json.decode(response.error))
