"""Whether and when a failed model call is tried again (CTRL-023 to CTRL-030).

Only an attempt without any content comes here: what a consumer has seen is never taken back.
The server's word wins over the computed delay, up to a bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isoloop.contract.run import Retry

if TYPE_CHECKING:
    from isoloop.contract.error import ErrorInfo

_MAX_RETRIES = 3
_BASE_DELAY_MS = 500
_MAX_DELAY_MS = 30_000
_JITTER = 0.25
_MAX_SERVER_DELAY_MS = 60_000


def retry_delay_ms(
    retry: Retry | None, error: ErrorInfo, *, attempt: int, random: float
) -> int | None:
    """Say how long to wait before the next attempt, or that there is none.

    Args:
        retry: The run's own rule; an absent member means the default.
        error: Why the attempt failed.
        attempt: The attempt that failed, from 1.
        random: Chance, at least 0 and below 1.
    """
    rule = retry or Retry.trusted()
    if not error.retryable or attempt > _or(rule.max_retries, _MAX_RETRIES):
        return None
    asked_ms = error.retry_after_ms
    if asked_ms is not None:
        # To wait less than the server asks is no retry but a nuisance: the run fails at once.
        return asked_ms if asked_ms <= _or(rule.max_server_delay_ms, _MAX_SERVER_DELAY_MS) else None
    # The shift is bounded because maxRetries is not.
    doubled_ms = _or(rule.base_delay_ms, _BASE_DELAY_MS) << min(attempt - 1, 64)
    delay_ms = min(_or(rule.max_delay_ms, _MAX_DELAY_MS), doubled_ms)
    jitter = _JITTER if rule.jitter is None else rule.jitter
    return math.floor(delay_ms * (1 - jitter * random))


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
