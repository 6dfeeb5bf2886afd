"""The engine reads no clock, no chance, no environment: replay gives the same anywhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.scenarios import SCENARIOS, check_over, go_on, play, retell

if TYPE_CHECKING:
    from tests.engine.scenarios import Scenario


class _Forbidden:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the engine asked for os.environ.{name}")


def _forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("the engine asked for the time, for chance, for an id or for a file")

    for module, names in {
        "time": "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns sleep",
        "random": "random randint randrange choice uniform getrandbits",
        "uuid": "uuid1 uuid4",
        "os": "getenv urandom",
        "builtins": "open input print",
        "socket": "socket create_connection",
    }.items():
        for name in names.split():
            monkeypatch.setattr(f"{module}.{name}", refuse)
    monkeypatch.setattr(os, "environ", _Forbidden())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_run_and_its_replay_need_nothing_but_their_arguments(scenario: Scenario) -> None:
    """While everything else raises (style, point 2; CTRL-046, CTRL-047)."""
    first = play(scenario)  # pydantic reads the environment when it first builds a model
    with pytest.MonkeyPatch.context() as monkeypatch:
        _forbid(monkeypatch)
        again = play(scenario)
        torn = retell(first.log[: len(first.log) // 2])
        go_on(torn, scenario)
    check_over(torn)
    assert first.log == again.log
    assert first.state == retell(first.log).state
    assert first.events == again.events


def test_the_guard_itself_raises() -> None:
    """A test that cannot fail proves nothing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _forbid(monkeypatch)
        with pytest.raises(AssertionError):
            os.urandom(1)
        with pytest.raises(AssertionError):
            os.environ.get("HOME")
