"""What isoloop raises, and who has to act.

    IsoloopError
    ├── UsageError       the caller: the code that calls isoloop is wrong; raised early
    │   └── Refused      a command that the loop refuses, for example because it comes too late
    └── RunFailed        the provider, or what lies between: the run ended as `failed`
        └── InternalError    us: a defect of isoloop; please report it

A limit, an incomplete answer and an abort are outcomes of a run, not exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isoloop.contract import ErrorInfo, RejectionCode
    from isoloop.runtime.result import RunResult


class IsoloopError(Exception):
    """The root of everything that isoloop raises on purpose."""


class UsageError(IsoloopError):
    """The caller's code is wrong. The message says what to change."""


class Refused(UsageError):
    """A command was refused; nothing changed. `code` is the contract's word for why."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.code: RejectionCode = code


class RunFailed(IsoloopError):
    """A run ended as `failed`.

    `error` says why; `result` is all that there is of the run, its partial answer included.
    """

    def __init__(self, error: ErrorInfo, result: RunResult[Any]) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error
        self.result = result


class InternalError(RunFailed):
    """Isoloop broke one of its own promises. Please report it, with the traceback.

    The run was closed and ended as `failed` with the code `internal`: `result` is as good as that
    of any failed run. `__cause__` is what broke.
    """
