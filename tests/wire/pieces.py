"""Helps tests to look at pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract import ModelRef, RunConfig
from isoloop.wire import ModelCall, TextDelta, ThinkingDelta, ToolCallDelta

if TYPE_CHECKING:
    from isoloop.wire import Decoder, Piece

MODEL = ModelRef(dialect="anthropic-messages", model="claude-test-9")


def call(*, stream: bool = True, turn: int = 1) -> ModelCall:
    """Make a call of a made-up model."""
    return ModelCall(MODEL, RunConfig(model=MODEL), turn=turn, stream=stream)


def joined(pieces: list[Piece]) -> list[Piece]:
    """Join deltas of the same block that follow each other: their number is free."""
    out: list[Piece] = []
    for piece in pieces:
        last = out[-1] if out else None
        match piece, last:
            case (
                (TextDelta(), TextDelta())
                | (ThinkingDelta(), ThinkingDelta())
                | (ToolCallDelta(), ToolCallDelta())
            ) if piece.index == last.index:
                out[-1] = type(piece)(piece.index, last.delta + piece.delta)
            case _:
                out.append(piece)
    return out


def read(decoder: Decoder, *chunks: bytes) -> list[Piece]:
    """Feed chunks and end the body."""
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += decoder.feed(chunk)
    return joined(pieces + decoder.finish())
