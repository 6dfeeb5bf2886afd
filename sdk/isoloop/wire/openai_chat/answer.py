"""One answer of a chat model being read: the state that a stream and a JSON body share.

The wire has no blocks: a delta adds to the message's text, to its reasoning or to a call. A block
begins when its kind is added to, and text and reasoning end when another kind is; what comes back
to them later makes a new block. Calls stay open until the answer ends, for they may interleave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw, ValidationError, json

from isoloop.wire._answer import AnswerBuilder, OpenText, OpenThinking, provider_data
from isoloop.wire._failure import failure
from isoloop.wire._json import encode_text
from isoloop.wire._openai import stream_error
from isoloop.wire.openai_chat.calls import CallReader
from isoloop.wire.openai_chat.reasoning import add_details, words_of, words_of_part
from isoloop.wire.openai_chat.usage import UsageMeter
from isoloop.wire.openai_chat.vendors import vendor_named

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import ErrorCode, ErrorInfo, StopReason
    from isoloop.wire._pieces import Ending, Piece
    from isoloop.wire._port import ModelCall
    from isoloop.wire.openai_chat.chunks import Choice, Delta, Head

DIALECT = "openai-chat"

# OpenAI's five words, then those of its imitators. Any other is `unknown` and stays beside it.
_STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "end": "end_turn",  # Ollama, LM Studio (pi, C6)
    "eos": "end_turn",  # Together, Fireworks
    "end_turn": "end_turn",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "sensitive": "refusal",  # z.ai
    "model_length": "context_window_exceeded",  # Mistral
    "model_context_window_exceeded": "context_window_exceeded",  # z.ai
}

# The dialect's own word for a stop reason says nothing new; others stay beside it.
_USUAL: dict[StopReason, str] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

# Words that say that the answer failed.
_FAILURES: dict[str, ErrorCode] = {
    "error": "server_error",  # OpenRouter, Mistral
    "network_error": "server_error",  # z.ai
    "insufficient_system_resource": "overloaded",  # DeepSeek
}


class Reading:
    """An answer in the making, with its counters."""

    def __init__(self, call: ModelCall, taken: Collection[str]) -> None:
        self.builder = AnswerBuilder(call.model, taken)
        self.calls = CallReader(self.builder)
        self.halved = False  # whether texts may have halves of UTF-16 pairs
        self._text: OpenText | None = None
        self._vendor = vendor_named(call.model.vendor)
        self._thinking: OpenThinking | None = None
        self._member = ""  # where the open thinking came from
        self._details: list[dict[str, Any]] = []
        self._audio: dict[str, Any] = {}
        self._meter = UsageMeter()
        self._word: str | None = None
        self._refused = False
        self._stop_sequence: str | None = None
        self._kept: dict[str, Any] = {}

    @property
    def end(self) -> Ending | None:
        """How it ended."""
        return self.builder.end

    @property
    def content_started(self) -> bool:
        """Whether a block began."""
        return self.builder.content_started

    @property
    def finished(self) -> bool:
        """Whether the provider gave its reason to stop."""
        return bool(self._word)

    # ------------------------------------------------------------ chunks

    def read_head(self, head: Head, usage: dict[str, Any] | None) -> None:
        """Learn what surrounds the choices."""
        builder = self.builder
        builder.response_id = builder.response_id or head.id
        builder.answered_by = builder.answered_by or head.model
        if usage is None and head.x_groq is not None:
            usage = head.x_groq.usage
        self._meter.read(usage)
        if head.citations:
            self._kept["citations"] = [citation.copy() for citation in head.citations]

    def read_error(self, data: bytes, out: list[Piece]) -> None:
        """`{"error":{"message":"…","code":502}}`: the answer failed after the status was sent."""
        self.failed(out, stream_error(json.decode(data)))

    def read_choice(self, choice: Choice, delta: Delta | None, out: list[Piece]) -> None:
        """Take what a chunk or a whole message adds."""
        if choice.index:
            return  # a second answer (`n`): the first is the one that counts
        if delta is not None:
            self._read_delta(delta, out)
        if choice.usage is not None:
            self._meter.read(choice.usage)
        if choice.finish_reason:
            self._word = choice.finish_reason
            if isinstance(choice.stop_reason, str):
                self._stop_sequence = choice.stop_reason

    def _read_delta(self, delta: Delta, out: list[Piece]) -> None:
        """The hot path: nearly every delta has one short text in one of its members."""
        if delta.reasoning_details:
            self._open_thinking(out)
            add_details(self._details, delta.reasoning_details)
        # Some send the same words under two names: the first that is not empty counts (C4).
        if delta.reasoning_content:
            self._add_thinking(delta.reasoning_content, "reasoning_content", out)
        elif delta.reasoning:
            self._add_thinking(delta.reasoning, "reasoning", out)
        elif delta.reasoning_text:
            self._add_thinking(delta.reasoning_text, "reasoning_text", out)
        elif delta.reasoning_details and (words := words_of(delta.reasoning_details)):
            self._add_thinking(words, "reasoning_details", out)
        content = delta.content
        if content:
            if type(content) is str:
                self._add_text(content, out)
            else:
                self._add_parts(cast("list[Raw]", content), out)
        if delta.tool_calls:
            if self._text is not None or self._thinking is not None:
                self._leave(out)
            for call in delta.tool_calls:
                self.calls.read(call, out)
        if delta.refusal or delta.function_call or delta.annotations or delta.images or delta.audio:
            self._read_rare(delta, out)

    def _read_rare(self, delta: Delta, out: list[Piece]) -> None:
        if delta.refusal:
            # The words of a refusal are what the model says; that it is one is the stop reason.
            self._refused = True
            self._add_text(delta.refusal, out)
        if delta.function_call is not None:
            self.calls.function_call(delta.function_call, out)
        if delta.annotations:
            known = self._kept.setdefault("annotations", [])
            known += [annotation.copy() for annotation in delta.annotations]
        for image in delta.images or ():
            # [{"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]: OpenRouter
            self._add_opaque("image_url", bytes(image).decode(), out)
        for name, value in (delta.audio or {}).items():
            # {"id":"audio_…","data":"…","transcript":"…"}: OpenAI, data and transcript in fragments
            before = self._audio.get(name)
            joined = name != "id" and isinstance(before, str) and isinstance(value, str)
            self._audio[name] = f"{before}{value}" if joined else value

    # ------------------------------------------------------------ blocks

    def _add_text(self, text: str, out: list[Piece]) -> None:
        block = self._text
        if block is None:
            self._leave(out)
            block = self._text = self.builder.text(out)
        if self.halved:
            block.add_any(text, out)
        else:
            block.add(text, out)

    def _add_parts(self, parts: list[Raw], out: list[Piece]) -> None:
        """Take a content that is a list; every part is read before any is told."""
        values: list[Any] = [json.decode(part) for part in parts]
        for value in values:
            if not isinstance(value, dict) or not cast("dict[str, Any]", value).get("type"):
                raise ValidationError("Expected a kind of part - at `$.choices[0].content[...]`")
        for part, value in zip(parts, values, strict=True):
            match value:
                case {"type": "text", "text": str() as text}:
                    self._add_text(text, out)
                case {"type": "thinking", "thinking": str() | list()}:
                    self._add_thinking(words_of_part(value["thinking"]), "content", out)
                case _:
                    # {"type":"reference","reference_ids":[1]}: Mistral
                    self._add_opaque(str(value["type"]), bytes(part).decode(), out)

    def _add_thinking(self, text: str, member: str, out: list[Piece]) -> None:
        block = self._thinking or self._open_thinking(out)
        self._member = self._member or member
        if self.halved:
            block.add_any(text, out)
        else:
            block.add(text, out)

    def _open_thinking(self, out: list[Piece]) -> OpenThinking:
        if self._thinking is None:
            self._leave(out)
            self._thinking = self.builder.thinking(out)
        return self._thinking

    def _add_opaque(self, kind: str, json_text: str, out: list[Piece]) -> None:
        self._leave(out)
        self.builder.close(self.builder.opaque(out, DIALECT, kind, json_text), out)

    def _leave(self, out: list[Piece]) -> None:
        """End text and reasoning: something else begins."""
        if self._text is not None:
            self.builder.close(self._text, out)
            self._text = None
        if self._thinking is not None:
            kept: dict[str, Any] = {"member": self._member} if self._member else {}
            if self._details:
                kept["reasoning_details"] = self._details
            self._thinking.provider_data = provider_data(DIALECT, kept)
            self.builder.close(self._thinking, out)
            self._thinking, self._member, self._details = None, "", []

    # ------------------------------------------------------------ endings

    def answered(self, out: list[Piece]) -> None:
        """The provider said its terminal word."""
        word = self._word or ""
        if word in _FAILURES:
            message = f'The provider ended its answer with "{word}".'
            self.failed(out, failure(_FAILURES[word], message, provider_type=word))
            return
        self._leave(out)
        self.calls.close(out)
        if self._audio.get("id"):
            self._add_opaque("audio", encode_text(self._audio), out)
        reason = self._reason(word)
        self._complete()
        self.builder.answered(
            out,
            reason,
            raw_stop_reason=word if word not in {reason, _USUAL.get(reason)} else None,
            stop_sequence=self._stop_sequence if reason == "stop_sequence" else None,
            usage=self._meter.usage(),
        )

    def _reason(self, word: str) -> StopReason:
        if self._refused:
            return "refusal"
        if word == "stop" and self._stop_sequence is not None:
            return "stop_sequence"
        if not word and self._vendor.blank_finish:
            return "end_turn"  # calls run on it as well
        return _STOP_REASONS.get(word, "unknown")

    def failed(self, out: list[Piece], error: ErrorInfo) -> None:
        """The attempt failed."""
        self._complete()
        self.builder.failed(out, error, self._meter.usage())

    def failed_as(self, out: list[Piece], code: ErrorCode, message: str) -> None:
        """The attempt failed for a reason that we found."""
        self.failed(out, failure(code, message))

    def aborted(self, out: list[Piece]) -> None:
        """The run was aborted."""
        self._complete()
        self.builder.aborted(out, self._meter.usage())

    def _complete(self) -> None:
        self.builder.provider_data = provider_data(DIALECT, self._kept)
