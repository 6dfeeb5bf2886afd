"""From the pieces of an answer to the events of the same names.

The hot path: there is one piece for each delta. Nothing is validated or copied, and nothing is
awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from isoloop.contract import (
    MessageStartEvent,
    OpaqueEndEvent,
    OpaqueStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextStartEvent,
    ThinkingDeltaEvent,
    ThinkingEndEvent,
    ThinkingStartEvent,
    ToolCallDeltaEvent,
    ToolCallEndEvent,
    ToolCallStartEvent,
)
from isoloop.wire import (
    AnswerStarted,
    OpaqueEnded,
    OpaqueStarted,
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract import KnownEvent
    from isoloop.wire import Piece


def events_of_pieces(
    pieces: Sequence[Piece], *, seq: int, run_id: str, turn: int, at: int
) -> list[KnownEvent]:
    """Make one event for each piece, numbered from `seq`."""
    events: list[KnownEvent] = []
    append = events.append
    delta_event = TextDeltaEvent.adopting
    for number, piece in enumerate(pieces, seq):
        if type(piece) is TextDelta:  # nearly all of them
            append(
                delta_event(
                    {
                        "type": "text_delta",
                        "seq": number,
                        "run_id": run_id,
                        "at": at,
                        "turn": turn,
                        "content_index": piece.index,
                        "delta": piece.delta,
                    }
                )
            )
        else:
            append(_event(piece, number, run_id, turn, at))
    return events


def _event(piece: Piece, seq: int, run_id: str, turn: int, at: int) -> KnownEvent:
    match piece:
        case TextDelta(index, delta):
            return TextDeltaEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index, delta=delta
            )
        case ThinkingDelta(index, delta):
            return ThinkingDeltaEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index, delta=delta
            )
        case ToolCallDelta(index, delta):
            return ToolCallDeltaEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index, delta=delta
            )
        case AnswerStarted(model):
            return MessageStartEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, role="assistant", model=model
            )
        case TextStarted(index):
            return TextStartEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index
            )
        case TextEnded(index, text):
            return TextEndEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index, text=text
            )
        case ThinkingStarted(index):
            return ThinkingStartEvent.trusted(
                seq=seq, run_id=run_id, at=at, turn=turn, content_index=index
            )
        case ThinkingEnded(index, text, signature):
            return ThinkingEndEvent.trusted(
                seq=seq,
                run_id=run_id,
                at=at,
                turn=turn,
                content_index=index,
                text=text,
                signature=signature,
            )
        case _:
            return _longer_event(piece, seq, run_id, turn, at)


def _longer_event(
    piece: ToolCallStarted | ToolCallEnded | OpaqueStarted | OpaqueEnded,
    seq: int,
    run_id: str,
    turn: int,
    at: int,
) -> KnownEvent:
    match piece:
        case ToolCallStarted(index, call_id, name):
            return ToolCallStartEvent.trusted(
                seq=seq,
                run_id=run_id,
                at=at,
                turn=turn,
                content_index=index,
                call_id=call_id,
                tool_name=name,
            )
        case ToolCallEnded():
            return ToolCallEndEvent.trusted(
                seq=seq,
                run_id=run_id,
                at=at,
                turn=turn,
                content_index=piece.index,
                call_id=piece.call_id,
                tool_name=piece.name,
                arguments_text=piece.arguments_text,
                arguments_state=piece.arguments_state,
                arguments=piece.arguments,
            )
        case OpaqueStarted(index, dialect, kind):
            return OpaqueStartEvent.trusted(
                seq=seq,
                run_id=run_id,
                at=at,
                turn=turn,
                content_index=index,
                dialect=dialect,
                kind=kind,
            )
        case OpaqueEnded():
            return OpaqueEndEvent.trusted(
                seq=seq,
                run_id=run_id,
                at=at,
                turn=turn,
                content_index=piece.index,
                dialect=piece.dialect,
                kind=piece.kind,
                json_text=piece.json_text,
                incomplete=True if piece.incomplete else None,
            )
        case _:
            assert_never(piece)
