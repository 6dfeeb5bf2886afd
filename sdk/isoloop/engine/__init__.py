"""The deterministic core: pure functions over plain data.

    admit(state, command, env)         -> entries       or Rejected
    apply(state, entry)                -> state         the only way state changes
    next_effects(state)                -> effects       what is to be done now
    settle(state, key, outcome, env)   -> entries       what came of it
    events_of(state, entry, seq)       -> events        what the consumer is told
    fail(state, error, env)            -> entries       the end of a run in which the loop broke

No I/O, no clock, no chance, no asyncio: what it needs is in `Env`. A driver is a loop around these
functions:

    state = fold(log)
    append and apply recover(state, env)
    while pending := next_effects(state):
        wait for an outcome of something pending, or for a command
        append and apply settle(...) or admit(...)
        tell the consumer events_of(...)

Begin with `_table.py`.
"""

from isoloop.engine import _texts as texts
from isoloop.engine._admit import admit
from isoloop.engine._calls import Call
from isoloop.engine._env import Env
from isoloop.engine._errors import NondeterminismError, Rejected
from isoloop.engine._events import events_of
from isoloop.engine._follow import fail, recover
from isoloop.engine._plan import next_effects
from isoloop.engine._settle import settle
from isoloop.engine._state import Run, State, Turn, apply, fold, open_state
from isoloop.engine._transcript import Transcript

__all__ = [
    "Call",
    "Env",
    "NondeterminismError",
    "Rejected",
    "Run",
    "State",
    "Transcript",
    "Turn",
    "admit",
    "apply",
    "events_of",
    "fail",
    "fold",
    "next_effects",
    "open_state",
    "recover",
    "settle",
    "texts",
]
