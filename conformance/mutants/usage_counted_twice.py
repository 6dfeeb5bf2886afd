"""Each answer's usage is added twice to that of the run."""

from __future__ import annotations

from typing import Any

from isoloop.engine._usage import add
from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(answer: Any) -> Any:
        def adding(state: Any, run: Any, message: Any) -> Any:
            after = answer(state, run, message)
            return after.but(run=after.run.but(usage=add(after.run.usage, message.usage)))

        return adding

    swap("isoloop.engine._state", "_answer", make)
