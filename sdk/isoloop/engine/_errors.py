"""The two exceptions that may leave the engine.

    Exception
    ├── Rejected               a command came too late, too early or makes no sense
    └── NondeterminismError    an entry or an outcome does not fit the state

The first is the caller's fault, the second that of a driver or of a log. Everything else that goes
wrong in a run is data: entries, outcomes, results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isoloop.contract.command import RejectionCode


class Rejected(Exception):
    """A command was refused, and nothing changed."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.code: RejectionCode = code
        self.message = message


class NondeterminismError(Exception):
    """Something that this engine did not lead to was fed back to it.

    Either the log was written by something else, or a driver settled an effect with an outcome of
    another kind. It is never caused by a model, a tool or a user.
    """

    def __init__(self, *, happened: str, expected: str, advice: str) -> None:
        super().__init__(f"{happened} {expected} {advice}")
        self.happened = happened
        self.expected = expected
        self.advice = advice
