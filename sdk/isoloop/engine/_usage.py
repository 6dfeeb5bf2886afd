"""Sums of usage, and what they cost (LOOP-034 to LOOP-038).

Unknown is absent, never 0: absent + 5 is 5, absent + absent stays absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop.contract.usage import Cost, ModelUsage, Usage

if TYPE_CHECKING:
    from isoloop.contract.usage import Price

NOTHING = Usage.trusted()
"""The usage of what has reported nothing."""


def add(left: Usage, right: Usage | None) -> Usage:
    """Add two usages."""
    if right is None or right is NOTHING:
        return left
    if left is NOTHING:
        return right
    return Usage.trusted(
        input=_sum(left.input, right.input),
        cache_read=_sum(left.cache_read, right.cache_read),
        cache_write=_sum(left.cache_write, right.cache_write),
        cache_write_long=_sum(left.cache_write_long, right.cache_write_long),
        output=_sum(left.output, right.output),
        reasoning=_sum(left.reasoning, right.reasoning),
        counters=_sum_counters(left.counters, right.counters),
        other_models=_sum_models(left.other_models, right.other_models),
    )


def total_tokens(usage: Usage) -> int:
    """Count all tokens, in and out, cached or not: a cache must not widen a limit."""
    return (
        (usage.input or 0)
        + (usage.cache_read or 0)
        + (usage.cache_write or 0)
        + (usage.output or 0)
    )


def is_metered(usage: Usage | None) -> bool:
    """Say whether an answer reported the counters without which its cost is not known."""
    return usage is not None and usage.input is not None and usage.output is not None


def cost_of(usage: Usage, price: Price, *, metered: bool) -> Cost:
    """Price a run's usage.

    The terms are added in the order input, output, cache reads, short and long cache writes, and
    divided once, so that implementations agree to the last bit.

    Args:
        usage: The sum over all attempts.
        price: The model's price; a rate that is absent is not known.
        metered: Whether each answer reported its input and its output.
    """
    long_writes = usage.cache_write_long
    short_writes = None if usage.cache_write is None else usage.cache_write - (long_writes or 0)
    terms = (
        (usage.input, price.input),
        (usage.output, price.output),
        (usage.cache_read, price.cache_read),
        (short_writes, price.cache_write),
        (long_writes, price.cache_write_long),
    )
    priced = [count * rate for count, rate in terms if count is not None and rate is not None]
    if not priced:
        return Cost.trusted(state="unknown")
    # What is counted but has no rate: a counter of the provider's own, another model.
    missed = any(count and rate is None for count, rate in terms)
    missed = missed or any((usage.counters or {}).values()) or bool(usage.other_models)
    state = "known" if metered and not missed else "partial"
    return Cost.trusted(state=state, usd=sum(priced) / 1_000_000)


def _sum(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left if right is None else left + right


def _sum_counters(
    left: dict[str, int] | None, right: dict[str, int] | None
) -> dict[str, int] | None:
    if not left or not right:
        return left or right
    return {**left, **{name: left.get(name, 0) + count for name, count in right.items()}}


def _sum_models(
    left: list[ModelUsage] | None, right: list[ModelUsage] | None
) -> list[ModelUsage] | None:
    if not left or not right:
        return left or right
    sums = {one.model: one for one in left}
    for one in right:
        before = sums.get(one.model)
        sums[one.model] = one if before is None else _sum_model(before, one)
    return list(sums.values())


def _sum_model(left: ModelUsage, right: ModelUsage) -> ModelUsage:
    return ModelUsage.trusted(
        model=left.model,
        input=_sum(left.input, right.input),
        cache_read=_sum(left.cache_read, right.cache_read),
        cache_write=_sum(left.cache_write, right.cache_write),
        output=_sum(left.output, right.output),
    )
