"""Histories as they are handed from model to model: made in any dialect, whole, torn or odd.

What is said is marked (`u3;`, `r5;`, `sig7`), each mark once in a history, so that a test can
say of each where it went.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from isoloop.contract import (
    AssistantMessage,
    AudioBlock,
    Base64Source,
    DocumentBlock,
    ErrorInfo,
    ImageBlock,
    ModelRef,
    OpaqueBlock,
    PlainTextSource,
    ProviderData,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UnknownBlock,
    UrlSource,
    UserMessage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop.contract import Dialect, Message

DIALECTS: tuple[Dialect, ...] = ("anthropic-messages", "openai-chat", "openai-responses")
MODELS = [ModelRef(dialect=d, model=name) for d in DIALECTS for name in ("main", "other")]
# Around a mark: characters of all kinds, halves of surrogate pairs too.
TAILS = ["", "", "é🦀", "\ud83d", "\ude00", " \n", '"\\ud83d"', "\u2028"]
BLANK = ["", " \n"]
CALL_IDS = ["call_a", "toolu_01", "call a|fc", "ü", "x" * 70, "x" * 70 + "y", "a~2", "_", "_2"]
NAMES = ["search", "", "web search!", "n" * 200, "ü", "\ud83d"]
# Objects with unusual text, and what is none.
ARGUMENTS = [
    '{"mark":"%s"}',
    ' {"n": 1.50, "mark":"%s", "e":"\\u00e9 \\ud83e\\udd80"}\n',
    '{"half":"\\ud83d","mark":"%s"}',
    '{"type":"text","text":"","mark":"%s"}',
    '{"mark":"%s","mark":1}',
    '{"mark":"%s"',
    '["%s"]',
    '"\ud83d%s"',
]
STOPS = ["end_turn", "tool_use", "max_tokens", "aborted", "error", "refusal", "unknown"]


@dataclass
class History:
    """Messages, and a model that they are sent to."""

    model: ModelRef
    messages: list[Message] = field(default_factory=list)
    marks: count[int] = field(default_factory=lambda: count(1))

    def same(self, message: AssistantMessage) -> bool:
        """Whether the model wrote this answer."""
        return message.model == self.model


@st.composite
def histories(draw: st.DrawFn, dialect: Dialect) -> History:
    """Make a history that is sent to a model of this dialect."""
    history = History(ModelRef(dialect=dialect, model="main"))
    maker = _Maker(draw, history, refused=draw(st.integers(0, 9)) == 0)
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["user", "answer", "answer", "exchange", "result"]))
        match kind:
            case "user":
                history.messages.append(maker.user())
            case "answer":
                history.messages.append(maker.answer())
            case "exchange":
                maker.exchange()
            case _:
                history.messages.append(maker.result(draw(st.sampled_from(CALL_IDS))))
    return history


class _Maker:
    """Draws the messages of one history."""

    def __init__(self, draw: st.DrawFn, history: History, *, refused: bool) -> None:
        self._draw = draw
        self._history = history
        self._refused = refused

    def mark(self, letters: str) -> str:
        """Make a mark that is in the history once."""
        return f"{letters}{next(self._history.marks)};"

    def one(self, *values: Any) -> Any:
        """Draw one of these."""
        return self._draw(st.sampled_from(values))

    # ------------------------------------------------------------ messages

    def user(self) -> UserMessage:
        """Make a user message, empty ones and odd ones too."""
        blocks = [self._user_block() for _ in range(self.one(1, 1, 2, 3, 0))]
        return UserMessage.trusted(content=blocks)

    def result(self, call_id: str) -> ToolResultMessage:
        """Make a result, with or without a call."""
        makers = (self._text("r"), self._image, self._document, self._audio, self._opaque_of_any)
        blocks = [self.one(self._text("r"), *makers)() for _ in range(self.one(1, 1, 2, 0))]
        if self.one(False, False, True):
            blocks.append(UnknownBlock.model_validate({"type": "hologram"}))
        return ToolResultMessage.trusted(
            call_id=call_id, tool_name="search", content=blocks, is_error=self.one(False, True)
        )

    def answer(self) -> AssistantMessage:
        """Make an answer of some model."""
        model = self.one(self._history.model, *MODELS)
        blocks = [self._answer_block(model.dialect) for _ in range(self.one(0, 1, 2, 3, 4))]
        stop = self.one(*STOPS)
        error = ErrorInfo.trusted(code="protocol", message="cut", retryable=False)
        return AssistantMessage.trusted(
            content=blocks,
            model=model,
            stop_reason=stop,
            error=error if stop == "error" else None,
            raw_stop_reason="?" if stop == "unknown" else None,
        )

    def exchange(self) -> None:
        """Make an answer and the results of its calls, a few of them lost or out of order."""
        answer = self.answer()
        self._history.messages.append(answer)
        ids = [block.id for block in answer.content if isinstance(block, ToolCallBlock)]
        for call_id in self._draw(st.permutations(ids)):
            match self.one("result", "result", "result", "lost", "twice", "interrupted by a user"):
                case "lost":
                    continue
                case "twice":
                    self._history.messages.append(self.result(call_id))
                case "interrupted by a user":
                    self._history.messages.append(self.user())
                case _:
                    pass
            self._history.messages.append(self.result(call_id))

    # ------------------------------------------------------------ blocks

    def _user_block(self) -> Any:
        if self._refused and self.one(False, True):
            unknown = UnknownBlock.model_validate({"type": "hologram"})
            return self.one(lambda: unknown, self._audio, self._opaque_of_any, self._document)()
        makers = [self._image, lambda: self._opaque(self._history.model.dialect, "input_x")]
        makers.append(lambda: self._document(url=False))
        return self.one(self._text("u"), self._text("u"), *makers)()

    def _text(self, letters: str) -> Callable[[], TextBlock]:
        def make() -> TextBlock:
            text = self.one(*BLANK) if self.one(*range(6)) == 0 else self.mark(letters)
            return TextBlock.trusted(text=text + self.one(*TAILS) if text.strip() else text)

        return make

    def _image(self) -> ImageBlock:
        if self.one(False, True):
            return ImageBlock.trusted(source=UrlSource(url="https://example.org/a.png"))
        return ImageBlock.trusted(source=Base64Source(media_type="image/png", data="aGk="))

    def _document(self, *, url: bool = True) -> DocumentBlock:
        sources = [
            PlainTextSource(text=self.one("A page.", "")),
            Base64Source(media_type="application/pdf", data="aGk="),
            Base64Source(media_type="text/plain", data="aGk="),
        ]
        if url:
            sources.append(UrlSource(url="https://example.org/a.pdf"))
        return DocumentBlock.trusted(source=self.one(*sources), title=self.one(None, "", "T\ud83d"))

    def _audio(self) -> AudioBlock:
        if self.one(False, True):
            return AudioBlock.trusted(source=UrlSource(url="https://example.org/a.wav"))
        return AudioBlock.trusted(source=Base64Source(media_type="audio/wav", data="aGk="))

    def _opaque_of_any(self) -> OpaqueBlock:
        return self._opaque(self.one(*DIALECTS), "input_x")

    def _opaque(self, dialect: Dialect, kind: str, **members: Any) -> OpaqueBlock:
        marked = json.dumps({"type": kind, "mark": self.mark("op"), **members})
        text = marked[:-1] + self.one("}", ', "n": 1.50}', ', "e":"\\u00e9"}')
        return OpaqueBlock.trusted(dialect=dialect, kind=kind, json_text=text)

    def _answer_block(self, dialect: Dialect) -> Any:
        match self.one("text", "thinking", "call", "call", "opaque", "media"):
            case "text":
                block = self._text("t")()
                return TextBlock.trusted(text=block.text, provider_data=self._text_data(dialect))
            case "thinking":
                return self._thinking(dialect)
            case "call":
                return self._call(dialect)
            case "opaque":
                kind = "web_search_call" if dialect == "openai-responses" else "server_thing"
                block = self._opaque(dialect, kind, id=self.mark("ws_")[:-1])
                return block.model_copy(update={"incomplete": self.one(None, None, True)})
            case _:
                unknown = UnknownBlock.model_validate({"type": "hologram"})
                return self.one(self._image, self._audio, lambda: unknown)()

    def _call(self, dialect: Dialect) -> ToolCallBlock:
        text = self.one(*ARGUMENTS) if self.one(*range(6)) else self.one(*BLANK)
        item = {"item_id": self.mark("fc_")[:-1]} if dialect == "openai-responses" else {}
        return ToolCallBlock.trusted(
            id=self.one(*CALL_IDS),
            name=self.one("search", *NAMES),
            arguments_text=text.replace("%s", self.mark("arg")),
            incomplete=True if self.one(*range(6)) == 0 else None,
            provider_data=self.one(None, self._data(dialect, id="the provider's own", **item)),
        )

    def _thinking(self, dialect: Dialect) -> ThinkingBlock:
        signature = self.one(None, self.mark("sig"), self.mark("sig"))
        text = self.one("", self.mark("th") + self.one(*TAILS))
        data = None
        match dialect:
            case "openai-responses":
                summary = [{"type": "summary_text", "text": "Said otherwise."}]
                item_id = self.mark("rs_")[:-1]
                data = self._data(dialect, item_id=item_id, **self.one({}, {"summary": summary}))
            case "openai-chat":
                signature = None
                details = [{"type": "reasoning.text", "text": self.mark("th"), "index": 0}]
                kept = {"member": "reasoning", "reasoning_details": details}
                members = ({"member": "reasoning_content"}, {"member": "content"}, kept)
                data = self.one(None, *(self._data(dialect, **one) for one in members))
            case "anthropic-messages":
                pass
        return ThinkingBlock.trusted(text=text, signature=signature, provider_data=data)

    def _text_data(self, dialect: Dialect) -> ProviderData | None:
        match dialect:
            case "anthropic-messages":
                return self.one(None, self._data(dialect, citations=[{"mark": self.mark("own")}]))
            case "openai-responses":
                item_id = self.mark("msg_")[:-1]
                whole = {"item_id": item_id, "phase": "commentary"}
                refused = {"item_id": item_id, "refusal": True}
                cut = {"phase": "final_answer"}
                return self.one(None, *(self._data(dialect, **m) for m in (whole, refused, cut)))
            case "openai-chat":
                return None

    def _data(self, dialect: Dialect, **members: Any) -> ProviderData:
        return ProviderData.trusted(dialect=dialect, json_text=json.dumps(members))
