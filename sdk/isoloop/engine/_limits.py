"""Limits, which are checked before a turn (LOOP-039 to LOOP-045).

A limit is an outcome, not an error. The turn that reaches one runs to its end, its calls included;
the next one does not begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.engine._usage import cost_of, total_tokens

if TYPE_CHECKING:
    from isoloop.contract.run import Outcome
    from isoloop.engine._state import Run


def limit_reached(run: Run, *, now_ms: int) -> Outcome | None:
    """Say which limit forbids another turn, if any does; of several the first (LOOP-045)."""
    limits = run.config.limits
    if limits is None:
        return None
    if limits.max_turns is not None and run.turn >= limits.max_turns:
        return "max_turns"
    if limits.max_tokens is not None and total_tokens(run.usage) >= limits.max_tokens:
        return "budget_exceeded"
    if limits.max_cost_usd is not None and _spent_usd(run) >= limits.max_cost_usd:
        return "budget_exceeded"
    if limits.deadline_ms is not None and now_ms - run.frame.started_at >= limits.deadline_ms:
        return "deadline_exceeded"
    return None


def _spent_usd(run: Run) -> float:
    """Give what the run has cost so far, as far as that is known: a lower bound."""
    price = run.config.price
    assert price is not None  # a cost limit without a price is refused at the start (LOOP-049)
    return cost_of(run.usage, price, metered=run.metered).usd or 0.0
