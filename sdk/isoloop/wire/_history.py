"""Makes a transcript fit to send; shared by all dialects (decision 17 of the loop).

The caller's messages are never changed. What is sent differs from them so:

* an answer with stop reason `error` is left out with its results; an aborted one loses its
  incomplete calls and its unsigned thinking;
* thinking and opaque blocks go only to the model that wrote them (dialect and requested name
  equal), thinking only if signed or, in dialects without signatures, if it was ended, opaque
  blocks only if complete;
* every call has exactly one result, directly after its answer and in call order: a missing one
  (the last answer's too) says `interrupted`, a second one or one without its call is dropped, and
  what a user said in between follows;
* call ids become what the dialect allows, unique, and the results follow;
* empty texts are dropped, signed thinking is kept even if empty.

`Repair` takes one message at a time and gives each wire turn once, so that a dialect encodes it
once. What is still open (calls without their results) is given by `tail`, provisionally, for one
request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from isoloop.contract import (
    AssistantMessage,
    AudioBlock,
    ImageBlock,
    OpaqueBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop.contract import (
        AnswerBlock,
        Message,
        ModelRef,
        ProviderData,
        ResultBlock,
        UserBlock,
    )

# The contract's text of a result with the code `interrupted`.
INTERRUPTED = "The call was interrupted; its outcome is unknown."


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a user says, and what only one dialect knows of the message."""

    content: list[UserBlock]
    provider_data: ProviderData | None


@dataclass(frozen=True, slots=True)
class AnswerTurn:
    """What a model answered, calls under their wire ids; of another model only text and calls."""

    message: AssistantMessage
    content: list[AnswerBlock]
    same_model: bool


@dataclass(frozen=True, slots=True)
class SentResult:
    """A result, for the call with this wire id."""

    wire_id: str
    tool_name: str
    content: list[ResultBlock]
    is_error: bool


@dataclass(frozen=True, slots=True)
class ResultsTurn:
    """The results of one answer, one per call, in call order."""

    results: list[SentResult]


WireTurn: TypeAlias = UserTurn | AnswerTurn | ResultsTurn


@dataclass(slots=True)
class _Pending:
    """A call that was sent and may still get its result."""

    call: ToolCallBlock
    wire_id: str
    result: SentResult | None = None


def signed(block: ThinkingBlock) -> bool:
    """Whether thinking bears a signature."""
    return bool(block.signature)


class Repair:
    """Turns messages into wire turns, one by one."""

    def __init__(
        self,
        model: ModelRef,
        allowed_id: Callable[[str, str], str],
        sendable: Callable[[ThinkingBlock], bool] = signed,
    ) -> None:
        self._model = model
        self._allowed_id = allowed_id
        self._sendable = sendable
        self._used: set[str] = set()
        self._pending: list[_Pending] = []
        self._waiting: list[UserTurn] = []  # said before all results were there
        self.call_ids: set[str] = set()

    def append(self, message: Message) -> list[WireTurn]:
        """Take the next message; give the turns that are now settled."""
        match message:
            case UserMessage():
                turn = UserTurn(message.content, message.provider_data)
                if self._pending:
                    self._waiting.append(turn)
                    return []
                return [turn]
            case ToolResultMessage():
                return self._result(message)
            case AssistantMessage():
                return self._answer(message)

    def tail(self) -> list[WireTurn]:
        """Give what a request needs beyond the settled turns, provisionally."""
        if not self._pending:
            return []
        return [self._results(), *self._waiting]

    def _settled(self) -> list[WireTurn]:
        turns = self.tail()
        self._pending, self._waiting = [], []
        return turns

    def _results(self) -> ResultsTurn:
        return ResultsTurn([call.result or _interrupted(call) for call in self._pending])

    def _result(self, message: ToolResultMessage) -> list[WireTurn]:
        for pending in self._pending:
            if pending.call.id == message.call_id and pending.result is None:
                pending.result = SentResult(
                    pending.wire_id,
                    message.tool_name,
                    message.content,
                    is_error=message.is_error,
                )
                break
        if self._pending and all(pending.result for pending in self._pending):
            return self._settled()
        return []

    def _answer(self, message: AssistantMessage) -> list[WireTurn]:
        self.call_ids.update(b.id for b in message.content if isinstance(b, ToolCallBlock))
        if message.stop_reason == "error":
            # Its results find no pending call and are dropped with it.
            return self._settled()
        turns = self._settled()
        same = (
            message.model.dialect == self._model.dialect
            and message.model.model == self._model.model
        )
        content = [sent for b in message.content if (sent := self._block(b, same=same))]
        if content:
            turns.append(AnswerTurn(message, content, same))
        return turns

    def _block(self, block: AnswerBlock, *, same: bool) -> AnswerBlock | None:
        match block:
            case TextBlock():
                return block if block.text else None
            case ThinkingBlock():
                return block if same and self._sendable(block) else None
            case OpaqueBlock():
                return block if same and not block.incomplete else None
            case ToolCallBlock():
                if block.incomplete:
                    return None
                wire_id = self._wire_id(block.id)
                self._pending.append(_Pending(block, wire_id))
                return ToolCallBlock.trusted(
                    id=wire_id,
                    name=block.name,
                    arguments_text=block.arguments_text,
                    provider_data=block.provider_data if same else None,
                )
            case ImageBlock() | AudioBlock():
                return block
            case _:
                # Of a newer contract: kept in the transcript, unknown to every dialect.
                return None

    def _wire_id(self, call_id: str) -> str:
        found, number = self._allowed_id(call_id, ""), 1
        while found in self._used:
            number += 1
            found = self._allowed_id(call_id, f"_{number}")
        self._used.add(found)
        return found


def _interrupted(pending: _Pending) -> SentResult:
    content: list[ResultBlock] = [TextBlock.trusted(text=INTERRUPTED)]
    return SentResult(pending.wire_id, pending.call.name, content, is_error=True)
