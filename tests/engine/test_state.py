"""`apply`: entries that do not follow are refused, and old states stay what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from isoloop.contract.entry import (
    AbortRequestedEntry,
    AnswerFailedEntry,
    AnswerReceivedEntry,
    CallPreparedEntry,
    CallStartedEntry,
    LogEntry,
    MessagesDeliveredEntry,
    RetryDueEntry,
    RetryScheduledEntry,
    TurnEndedEntry,
    TurnStartedEntry,
)
from isoloop.engine import NondeterminismError, Transcript, apply, fold, next_effects, open_state
from tests.engine.kit import (
    STARTED,
    Session,
    answer,
    call,
    calling,
    error,
    failed,
    started,
    user,
)

if TYPE_CHECKING:
    from isoloop.contract.entry import EntryPayload


@pytest.mark.parametrize(
    "payload",
    [
        TurnStartedEntry(turn=1),
        TurnEndedEntry(),
        RetryDueEntry(attempt=2),
        RetryScheduledEntry(attempt=2, error=error(), delay_ms=1, due_at=1),
        MessagesDeliveredEntry(queue="steering", count=1),
        AnswerReceivedEntry(message=answer("Hi", stop="aborted")),
        AnswerReceivedEntry(message=answer("Hi", stop="error")),
        AnswerReceivedEntry(message=answer("Hi", error=error())),
        AnswerFailedEntry(),
        CallPreparedEntry(call_id="a", needs_approval=False),
    ],
    ids=lambda payload: payload.type,
)
def test_an_entry_that_does_not_follow_is_refused(payload: EntryPayload) -> None:
    """A model call is in flight, so none of these can have happened."""
    _refused(started(), payload)


@pytest.mark.parametrize(
    "payload",
    [
        CallStartedEntry(call_id="a"),
        CallPreparedEntry(call_id="b", needs_approval=False),
        TurnEndedEntry(),
        MessagesDeliveredEntry(queue="follow_up", count=1),
    ],
    ids=lambda payload: payload.type,
)
def test_an_entry_that_skips_a_step_of_a_call_is_refused(payload: EntryPayload) -> None:
    """The call's gates have not run, another does not exist, the turn is not over."""
    _refused(calling(call("a")), payload)


def test_without_a_run_there_is_nothing_to_change() -> None:
    """The session is idle."""
    _refused(Session().open(), AbortRequestedEntry())
    _refused(Session(), TurnEndedEntry())


@pytest.mark.parametrize(
    ("queued", "count"), [("steer", 2), ("follow_up", 2), ("steer", 1), ("follow_up", 1)]
)
def test_no_more_messages_leave_a_queue_than_are_in_it(queued: str, count: int) -> None:
    """One message is queued, the other queue is empty."""
    session = started()
    getattr(session, queued)()
    session.answer("Hi")
    before = session.log[:-2]
    queue = "steering" if (queued == "steer") == (count == 2) else "follow_up"
    payload = MessagesDeliveredEntry(queue=queue, count=count)
    entry = LogEntry(seq=len(before) + 1, at=1, payload=payload)
    with pytest.raises(NondeterminismError):
        apply(fold(before), entry)


def test_the_log_has_no_gaps() -> None:
    """Nor is an entry applied twice."""
    session = started()
    for position in (len(session.log), len(session.log) + 2):
        entry = LogEntry(seq=position, at=1, payload=AbortRequestedEntry())
        with pytest.raises(NondeterminismError) as raised:
            apply(session.state, entry)
        for part in (raised.value.happened, raised.value.expected, raised.value.advice):
            assert part in str(raised.value)


def test_turns_are_counted_without_gaps() -> None:
    """The table allows a turn; its number must be the next."""
    session = started()
    session.answer("So", stop="pause_turn")
    before = session.log[:-1]
    entry = LogEntry(seq=len(before) + 1, at=1, payload=TurnStartedEntry(turn=3))
    with pytest.raises(NondeterminismError, match="The turn is 3 where 2 follows"):
        apply(fold(before), entry)


def test_old_states_stay_what_they_were() -> None:
    """Two branches of one state do not see each other."""
    session = started()
    at_first = session.state
    messages = list(at_first.messages)
    one, other = Session(), Session()
    for branch, text in [(one, "One"), (other, "Other")]:
        branch.state, branch.log = at_first, list(session.log)
        branch.answer(text)
    assert messages == list(at_first.messages)
    assert answer("One") == one.state.messages[-1]
    assert answer("Other") == other.state.messages[-1]
    assert fold(one.log) == one.state
    assert fold(other.log) == other.state


def test_a_decided_entry_may_be_applied_more_than_once() -> None:
    """What `settle` found out is only a short cut."""
    session = started()
    before = session.state
    session.answer("Hi")
    again = before
    for entry in session.log[-3:]:
        again = apply(again, entry)
    assert session.state == again


def test_an_old_state_does_not_keep_later_ones_alive() -> None:
    """The short cut is taken once."""
    session = started()
    before = session.state
    session.answer("Hi")
    assert before.ahead is None


def test_equal_logs_give_equal_states() -> None:
    """And different ones different states."""
    one, other = started(), started()
    assert one.state == other.state
    other.settle("generate", failed())
    assert one.state != other.state
    assert next_effects(open_state()) == []


def test_a_state_says_where_its_run_is() -> None:
    """What a driver reads off it."""
    session = calling(call("a"))
    session.prepare("a")
    session.settle("execute_call a", STARTED)
    run = session.state.run
    assert ("run", 1, 1, False) == (run.run_id, run.turn, run.attempt, run.aborting)
    assert answer(call("a")) == run.answer
    assert [("a", "executing")] == [(one.id, one.phase) for one in run.calls]


# ------------------------------------------------------------------ the transcript


def test_a_transcript_is_a_sequence() -> None:
    """Length, indexes, slices, iteration."""
    messages: list[Any] = [user("one"), user("two"), user("three")]
    transcript = Transcript(messages[:1]).plus(messages[1:2]).plus(messages[2:])
    assert (3, messages[0], messages[2]) == (len(transcript), transcript[0], transcript[-1])
    assert messages[1:] == transcript[1:]
    assert messages == list(transcript)
    assert messages[1:] == transcript.since(1)
    assert "Transcript(3 messages)" == repr(transcript)
    with pytest.raises(IndexError):
        transcript[3]


def test_a_transcript_shows_nothing_that_came_later() -> None:
    """The list is shared, the cursor is not."""
    short = Transcript([user("one")])
    long = short.plus([user("two")])
    assert (1, 2) == (len(short), len(long))
    assert [user("one")] == list(short)
    with pytest.raises(IndexError):
        short[1]


def test_transcripts_are_equal_by_content() -> None:
    """And have equal hashes then."""
    one, same = Transcript([user("one")]), Transcript([user("one")])
    assert one == same
    assert hash(one) == hash(same)
    assert one != Transcript([user("two")])
    assert one != [user("one")]


def _refused(session: Session, payload: EntryPayload) -> None:
    before, log = session.state, list(session.log)
    entry = LogEntry(seq=before.seq + 1, at=1, payload=payload)
    with pytest.raises(NondeterminismError):
        apply(before, entry)
    assert fold(log) == before
