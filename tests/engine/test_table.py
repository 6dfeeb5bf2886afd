"""The tables are complete, and every phase can be left."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from isoloop.contract.command import Command
from isoloop.contract.effect import Effect, EffectOutcome
from isoloop.contract.entry import EntryPayload
from isoloop.contract.message import StopReason
from isoloop.engine._table import ANSWERS, CALL, COMMANDS, OUTCOMES, RUN, CallPhase, Phase


def test_every_stop_reason_means_something_with_and_without_calls() -> None:
    """A new one needs two rows (LOOP-019 to LOOP-024)."""
    expected = {(reason, calls) for reason in _words(StopReason) for calls in (True, False)}
    assert expected == {(row.stop_reason, row.calls) for row in ANSWERS}


def test_every_command_is_decided_in_every_phase() -> None:
    """No command falls through."""
    expected = {(phase, command) for phase in get_args(Phase) for command in _types(Command)}
    assert expected == {(row.phase, row.command) for row in COMMANDS}


def test_every_entry_moves_something() -> None:
    """Each type of entry is the trigger of a row."""
    triggers = {row.trigger for row in (*RUN, *CALL)}
    assert set(_types(EntryPayload)) == {trigger.partition("/")[0] for trigger in triggers}


def test_every_effect_has_an_outcome() -> None:
    """But for the approval, whose answer is a command."""
    assert {row.effect for row in OUTCOMES} == {*_types(Effect)} - {"request_approval"}
    assert {row.outcome for row in OUTCOMES} == {*_types(EffectOutcome)}


def test_no_row_is_written_twice() -> None:
    """A table says each thing once."""
    keys = [
        *[("answer", row.stop_reason, row.calls) for row in ANSWERS],
        *[("run", row.phase, row.trigger) for row in RUN],
        *[("call", row.phase, row.trigger, row.during) for row in CALL],
        *[("command", row.phase, row.command) for row in COMMANDS],
        *[("outcome", row.effect, row.outcome) for row in OUTCOMES],
    ]
    assert [] == [key for key, count in Counter(keys).items() if count > 1]


def test_every_run_can_reach_its_end() -> None:
    """From each phase there is a way to `idle`, and from each phase of a call to `settled`."""
    run = {(row.phase, row.then) for row in RUN}
    assert set(get_args(Phase)) == _leading_to("idle", run)
    call = {(row.phase, row.then) for row in CALL}
    assert set(get_args(CallPhase)) == _leading_to("settled", call)


def test_every_open_call_can_be_closed_by_an_abort() -> None:
    """Its approval first, if it is open (CTRL-005, CTRL-006)."""
    closing = {(row.phase, row.then) for row in CALL if row.during == "closing"}
    assert set(get_args(CallPhase)) == _leading_to("settled", closing)


def _leading_to(goal: str, steps: set[tuple[str, str]]) -> set[str]:
    reached = {goal}
    while more := {start for start, then in steps if then in reached} - reached:
        reached |= more
    return reached


def _words(alias: object) -> tuple[str, ...]:
    return get_args(getattr(alias, "__value__", alias))


def _types(alias: object) -> list[str]:
    union = get_args(getattr(alias, "__value__", alias))[0]
    return [model.model_fields["type"].default for model in get_args(union)]
