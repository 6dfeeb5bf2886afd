"""Every scenario, whole, with each effect failing, and with a crash after each entry."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from isoloop.engine import fold, next_effects, recover
from tests.engine.kit import started
from tests.engine.scenarios import SCENARIOS, check_over, go_on, play, retell

if TYPE_CHECKING:
    from tests.engine.scenarios import Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_scenario_ends_as_it_should(scenario: Scenario) -> None:
    """The invariants hold, and the outcome is the scenario's."""
    session = play(scenario)
    check_over(session)
    assert scenario.outcome == session.end.outcome


@pytest.mark.parametrize("kind", ["final", "retryable", "partial"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_invariants_hold_whatever_effect_fails(scenario: Scenario, kind: str) -> None:
    """Fail effect 1, then 2, then 3 ... (style, point 41)."""
    fault = 1
    while True:
        session = play(scenario, fault=fault, kind=kind)
        check_over(session)
        fault += 1
        if fault > len(session.log):
            return


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_log_cut_anywhere_can_be_continued(scenario: Scenario) -> None:
    """Cut after each entry, fold, recover, go on to the end (style, point 41)."""
    whole = play(scenario)
    for length in range(2, len(whole.log)):
        session = retell(whole.log[:length])
        session.now_ms = whole.now_ms
        go_on(session, scenario)
        check_over(session)
        assert whole.log[:length] == session.log[:length]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_replayed_log_tells_the_same_events(scenario: Scenario) -> None:
    """What the consumer is told is a function of the log, streamed parts aside."""
    session = play(scenario)
    assert session.events == retell(session.log).events


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_same_state_asks_for_the_same_effects(scenario: Scenario) -> None:
    """Keys are stable over a crash, and differ from one another (DESIGN 5)."""
    log = play(scenario).log
    live = fold([])
    seen: dict[str, str] = {}
    for length, entry in enumerate(log, 1):
        live = fold(log[:length])
        effects = next_effects(live)
        assert effects == next_effects(fold(log[:length]))
        keys = [effect.key for effect in effects]
        assert len(set(keys)) == len(keys)
        for effect in effects:
            assert effect.type == seen.setdefault(effect.key, effect.type)
        assert entry.seq == length


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_nothing_is_begun_in_the_middle_of_a_batch(scenario: Scenario) -> None:
    """A driver that looks after each entry never begins what the batch itself makes moot."""
    session = play(scenario)
    for start, end in pairwise([*session.batches, len(session.log)]):
        keys = [{e.key for e in next_effects(fold(session.log[:n]))} for n in range(start, end + 1)]
        for between in keys[1:-1]:
            assert between <= keys[0] | keys[-1]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_whole_log_needs_no_recovery(scenario: Scenario) -> None:
    """`recover` adds nothing to a session whose run is over."""
    session = play(scenario)
    assert [] == recover(session.state, session.env)


def test_the_cost_of_a_turn_does_not_depend_on_the_history() -> None:
    """No loop over the transcript: the 400th turn touches no more of it than the 25th."""
    touched = [_messages_touched(turns) for turns in (25, 400)]
    assert touched[0] == touched[1]


def _messages_touched(turns: int) -> int:
    """Count how often the engine reads items of the transcript's list in one turn."""
    session = started()
    for _ in range(turns):
        session.answer("So", stop="pause_turn")
    counting = _Counting(session.state.messages._items)
    session.state.messages._items = counting
    session.answer("So", stop="pause_turn")
    return counting.reads


class _Counting(list[Any]):
    reads = 0

    def __getitem__(self, index: Any) -> Any:
        got = super().__getitem__(index)
        self.reads += len(got) if isinstance(index, slice) else 1
        return got

    def __iter__(self) -> Any:
        self.reads += len(self)
        return super().__iter__()
