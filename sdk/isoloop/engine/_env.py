"""What a driver hands in with each command and each outcome: values, not functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Env:
    """The time and the chance of one step."""

    now_ms: int
    """Epoch milliseconds."""
    random: float = 0.0
    """At least 0, below 1. Jitters a retry."""
