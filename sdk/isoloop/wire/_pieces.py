"""What a decoder says: pieces while an answer streams, one ending when it is over.

Pieces are ephemeral and cheap (one per delta); a driver turns each into the event of the same name.
The ending carries facts: the whole message, or why there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from isoloop.contract import (
        AssistantMessage,
        Dialect,
        ErrorInfo,
        JsonObject,
        ModelRef,
        Usage,
    )

ArgumentsState: TypeAlias = Literal["complete", "incomplete", "invalid"]


class AnswerStarted(Struct, frozen=True):
    """The answer has its first content, or ended well without any."""

    model: ModelRef


class TextStarted(Struct, frozen=True):
    """A text block begins."""

    index: int


class TextDelta(Struct, frozen=True, gc=False):
    """Text was added."""

    index: int
    delta: str


class TextEnded(Struct, frozen=True):
    """A text block is complete, or will not become so."""

    index: int
    text: str


class ThinkingStarted(Struct, frozen=True):
    """A thinking block begins."""

    index: int


class ThinkingDelta(Struct, frozen=True, gc=False):
    """Reasoning was added."""

    index: int
    delta: str


class ThinkingEnded(Struct, frozen=True):
    """A thinking block is complete, or will not become so."""

    index: int
    text: str
    signature: str | None


class ToolCallStarted(Struct, frozen=True):
    """The model begins to ask for a tool."""

    index: int
    call_id: str
    name: str


class ToolCallDelta(Struct, frozen=True, gc=False):
    """Raw text of the arguments was added."""

    index: int
    delta: str


class ToolCallEnded(Struct, frozen=True):
    """A call is complete, or will not become so. `arguments` is there exactly when complete."""

    index: int
    call_id: str
    name: str
    arguments_text: str
    arguments_state: ArgumentsState
    arguments: JsonObject | None


class OpaqueStarted(Struct, frozen=True):
    """A block that the contract does not model begins."""

    index: int
    dialect: Dialect
    kind: str


class OpaqueEnded(Struct, frozen=True):
    """A block that the contract does not model is over."""

    index: int
    dialect: Dialect
    kind: str
    json_text: str
    incomplete: bool


Piece: TypeAlias = (
    AnswerStarted
    | TextStarted
    | TextDelta
    | TextEnded
    | ThinkingStarted
    | ThinkingDelta
    | ThinkingEnded
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallEnded
    | OpaqueStarted
    | OpaqueEnded
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider finished its answer, for whatever stop reason."""

    message: AssistantMessage


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed. There is a message exactly when there was content."""

    error: ErrorInfo
    message: AssistantMessage | None
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Aborted:
    """The attempt was aborted. There is a message exactly when there was content."""

    message: AssistantMessage | None
    usage: Usage | None


Ending: TypeAlias = Answered | Failed | Aborted
