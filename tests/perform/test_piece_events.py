"""Each piece becomes the event of its name, numbered without gaps (LOOP-002)."""

from __future__ import annotations

import pytest

from isoloop.contract import (
    KnownEvent,
    MessageStartEvent,
    ModelRef,
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
from isoloop.perform.piece_events import events_of_pieces
from isoloop.wire import (
    AnswerStarted,
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

REF = ModelRef(dialect="anthropic-messages", model="m")
AT = {"seq": 7, "run_id": "r", "at": 5, "turn": 2}
BLOCK = {**AT, "content_index": 3}
CALL = {"call_id": "c", "tool_name": "t"}
OPAQUE = {"dialect": "anthropic-messages", "kind": "k"}


@pytest.mark.parametrize(
    ("piece", "event"),
    [
        (AnswerStarted(REF), MessageStartEvent(**AT, role="assistant", model=REF)),
        (TextStarted(3), TextStartEvent(**BLOCK)),
        (TextDelta(3, "d"), TextDeltaEvent(**BLOCK, delta="d")),
        (TextEnded(3, "d"), TextEndEvent(**BLOCK, text="d")),
        (ThinkingStarted(3), ThinkingStartEvent(**BLOCK)),
        (ThinkingDelta(3, "d"), ThinkingDeltaEvent(**BLOCK, delta="d")),
        (ThinkingEnded(3, "d", "s"), ThinkingEndEvent(**BLOCK, text="d", signature="s")),
        (ThinkingEnded(3, "d", None), ThinkingEndEvent(**BLOCK, text="d")),
        (ToolCallStarted(3, "c", "t"), ToolCallStartEvent(**BLOCK, **CALL)),
        (ToolCallDelta(3, "d"), ToolCallDeltaEvent(**BLOCK, delta="d")),
        (
            ToolCallEnded(3, "c", "t", "{}", "complete", {}),
            ToolCallEndEvent(
                **BLOCK, **CALL, arguments_text="{}", arguments_state="complete", arguments={}
            ),
        ),
        (
            ToolCallEnded(3, "c", "t", "{", "incomplete", None),
            ToolCallEndEvent(**BLOCK, **CALL, arguments_text="{", arguments_state="incomplete"),
        ),
        (OpaqueStarted(3, "anthropic-messages", "k"), OpaqueStartEvent(**BLOCK, **OPAQUE)),
        (
            OpaqueEnded(3, "anthropic-messages", "k", "{}", incomplete=True),
            OpaqueEndEvent(**BLOCK, **OPAQUE, json_text="{}", incomplete=True),
        ),
        (
            OpaqueEnded(3, "anthropic-messages", "k", "{}", incomplete=False),
            OpaqueEndEvent(**BLOCK, **OPAQUE, json_text="{}"),
        ),
    ],
)
def test_a_piece_becomes_its_event(piece: Piece, event: KnownEvent) -> None:
    """With everything that it says, and nothing that is absent."""
    (made,) = events_of_pieces([piece], seq=7, run_id="r", turn=2, at=5)
    assert event == made
    assert event.model_dump() == made.model_dump()


def test_a_batch_is_numbered_in_order() -> None:
    """From the number that is free."""
    pieces = [TextStarted(0), TextDelta(0, "a"), TextEnded(0, "a")]
    made = events_of_pieces(pieces, seq=4, run_id="r", turn=1, at=0)
    assert [4, 5, 6] == [event.seq for event in made]
