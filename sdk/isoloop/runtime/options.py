"""Options of an agent, grouped. Times are in seconds; the contract's are in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoloop.errors import UsageError

if TYPE_CHECKING:
    from isoloop.contract import Limits as ContractLimits
    from isoloop.contract import Retry as ContractRetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on a run. `None` sets no bound.

    Contract: limits are checked before a turn, and the last turn's calls run. A limit that is
    reached is an outcome of the run, not an exception.

    Attributes:
        max_turns: The most turns.
        deadline_s: How long after its start a run may begin another turn.
        max_tokens: The most tokens, input and output of all attempts together.
        max_cost_usd: The most US dollars; the model needs a price.
        approval_timeout_s: How long an approval may wait before it expires.
        max_concurrency: The most tool bodies that run at once.
        result_limit_bytes: A tool result with more text than this is cut, with a marker.

    Raises:
        UsageError: A bound is negative.
    """

    max_turns: int | None = 50
    deadline_s: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    approval_timeout_s: float | None = None
    max_concurrency: int = 8
    result_limit_bytes: int | None = None

    def __post_init__(self) -> None:
        _at_least("Limits", "max_turns", self.max_turns, 0)
        _at_least("Limits", "deadline_s", self.deadline_s, 0)
        _at_least("Limits", "max_tokens", self.max_tokens, 0)
        _at_least("Limits", "max_cost_usd", self.max_cost_usd, 0)
        _at_least("Limits", "approval_timeout_s", self.approval_timeout_s, 0)
        _at_least("Limits", "max_concurrency", self.max_concurrency, 1)
        _at_least("Limits", "result_limit_bytes", self.result_limit_bytes, 1)

    def in_contract(self) -> ContractLimits:
        """Give the bounds that the engine watches."""
        from isoloop.contract import Limits as Record

        return Record.trusted(
            max_turns=self.max_turns,
            deadline_ms=_milliseconds(self.deadline_s),
            max_tokens=self.max_tokens,
            max_cost_usd=self.max_cost_usd,
            approval_timeout_ms=_milliseconds(self.approval_timeout_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When and how a failed model call is tried again.

    Contract: only before any content of the answer arrived, and only for failures that may pass.
    The server's word (`retry-after`, `x-should-retry`) wins.

    Attributes:
        max_retries: Retries after the first attempt; 0 for none.
        base_delay_s: Delay before the first retry; it doubles each time.
        max_delay_s: Cap of a computed delay.
        jitter: The part of a computed delay that chance may take away, 0 to 1.
        max_server_delay_s: The longest delay accepted from a server; beyond it the run fails at
            once.

    Raises:
        UsageError: A value is out of its range.
    """

    max_retries: int = 3
    base_delay_s: float = 0.5
    max_delay_s: float = 30
    jitter: float = 0.25
    max_server_delay_s: float = 60

    def __post_init__(self) -> None:
        _at_least("Retry", "max_retries", self.max_retries, 0)
        _at_least("Retry", "base_delay_s", self.base_delay_s, 0)
        _at_least("Retry", "max_delay_s", self.max_delay_s, 0)
        _at_least("Retry", "jitter", self.jitter, 0)
        _at_least("Retry", "max_server_delay_s", self.max_server_delay_s, 0)
        if self.jitter > 1:
            raise UsageError(f"Retry: jitter is {self.jitter}; it must be between 0 and 1.")

    def in_contract(self) -> ContractRetry:
        """Give the same in the contract's terms."""
        from isoloop.contract import Retry as Record

        return Record.trusted(
            max_retries=self.max_retries,
            base_delay_ms=round(self.base_delay_s * 1000),
            max_delay_ms=round(self.max_delay_s * 1000),
            jitter=self.jitter,
            max_server_delay_ms=round(self.max_server_delay_s * 1000),
        )


def _at_least(record: str, name: str, value: float | None, least: int) -> None:
    if value is not None and not value >= least:
        raise UsageError(f"{record}: {name} is {value}; it must be at least {least}.")


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


DEFAULT_LIMITS = Limits()
DEFAULT_RETRY = Retry()
