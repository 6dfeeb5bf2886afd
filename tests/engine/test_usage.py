"""Sums of usage, and what they cost (LOOP-034 to LOOP-038)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoloop.contract.usage import Cost, ModelUsage, Price, Usage
from isoloop.engine._usage import NOTHING, add, cost_of, is_metered, total_tokens

PRICE = Price(input=3.0, output=15.0)
FULL = Price(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75, cache_write_long=6.0)
MILLION = 1_000_000


def test_absent_and_a_count_give_the_count() -> None:
    """Absent and absent stay absent, and 0 is 0 (LOOP-035)."""
    left = Usage(input=1, cache_read=0, cache_write=2, cache_write_long=1)
    right = Usage(input=4, output=5, reasoning=2)
    assert add(left, right) == Usage(
        input=5, cache_read=0, cache_write=2, cache_write_long=1, output=5, reasoning=2
    )


@pytest.mark.parametrize("reported", [Usage(), Usage(input=1, counters={"x": 1})])
def test_nothing_adds_nothing(reported: Usage) -> None:
    """Neither an attempt that reported nothing nor the empty sum (LOOP-035)."""
    assert reported == add(NOTHING, reported)
    assert reported == add(reported, None)
    assert reported == add(reported, NOTHING)
    assert reported == add(reported, Usage())


def test_counters_are_summed_by_name() -> None:
    """Under the provider's own names (LOOP-035)."""
    total = add(Usage(counters={"a": 1, "b": 2}), Usage(counters={"b": 3, "c": 4}))
    assert {"a": 1, "b": 5, "c": 4} == total.counters


def test_other_models_are_summed_by_model() -> None:
    """In the order of first appearance (LOOP-035)."""
    left = Usage(other_models=[ModelUsage(model="x", input=1), ModelUsage(model="y", output=2)])
    right = Usage(other_models=[ModelUsage(model="z"), ModelUsage(model="x", input=4, output=1)])
    assert [
        ModelUsage(model="x", input=5, output=1),
        ModelUsage(model="y", output=2),
        ModelUsage(model="z"),
    ] == add(left, right).other_models


@given(st.lists(st.builds(Usage, input=st.integers(0, 99), output=st.integers(0, 99))))
def test_a_sum_does_not_depend_on_the_grouping(usages: list[Usage]) -> None:
    """Turns may be summed first, or attempts."""
    left = NOTHING
    for one in usages:
        left = add(left, one)
    right = NOTHING
    for one in reversed(usages):
        right = add(one, right)
    assert left == right


def test_tokens_of_a_limit_are_those_of_this_model() -> None:
    """`input + cacheRead + cacheWrite + output` (LOOP-041)."""
    other = [ModelUsage(model="x", input=100)]
    counted = Usage(input=1, cache_read=2, cache_write=4, output=8, reasoning=5, other_models=other)
    assert (15, 0) == (total_tokens(counted), total_tokens(NOTHING))


@pytest.mark.parametrize(
    ("reported", "metered"),
    [
        (None, False),
        (Usage(input=1), False),
        (Usage(output=1), False),
        (Usage(input=0, output=0), True),
    ],
)
def test_an_answer_is_metered_by_its_input_and_output(
    reported: Usage | None, *, metered: bool
) -> None:
    """Without both its cost is not known (LOOP-038)."""
    assert metered == is_metered(reported)


@pytest.mark.parametrize(
    ("counted", "price", "cost"),
    [
        ({"input": MILLION, "output": MILLION}, PRICE, ("known", 18.0)),
        ({"input": 0, "output": 0}, PRICE, ("known", 0.0)),
        # A count above 0 without a rate; 0 costs nothing at any rate.
        ({"input": MILLION, "output": 0, "cache_read": 1}, PRICE, ("partial", 3.0)),
        ({"input": MILLION, "output": 0, "cache_read": 0}, PRICE, ("known", 3.0)),
        # The long writes are a part of the writes.
        (
            {"input": 0, "output": 0, "cache_write": 3 * MILLION, "cache_write_long": MILLION},
            FULL,
            ("known", 13.5),
        ),
        ({"input": 0, "output": 0, "cache_write": MILLION}, FULL, ("known", 3.75)),
        ({"input": 0, "output": 0, "cache_read": MILLION}, FULL, ("known", 0.3)),
        # Reasoning is a part of the output.
        ({"input": 0, "output": MILLION, "reasoning": MILLION}, PRICE, ("known", 15.0)),
        # What the price does not speak of.
        ({"input": MILLION, "output": 0, "counters": {"searches": 1}}, PRICE, ("partial", 3.0)),
        ({"input": MILLION, "output": 0, "counters": {"searches": 0}}, PRICE, ("known", 3.0)),
        (
            {"input": MILLION, "output": 0, "other_models": [ModelUsage(model="x")]},
            PRICE,
            ("partial", 3.0),
        ),
        # Nothing that could be priced.
        ({}, PRICE, ("unknown", None)),
        ({"cache_read": 5}, PRICE, ("unknown", None)),
    ],
)
def test_what_is_counted_is_priced(
    counted: dict[str, Any], price: Price, cost: tuple[Any, float | None]
) -> None:
    """Counter times rate, divided by a million; known, partial or unknown (LOOP-037, LOOP-038)."""
    state, usd = cost
    expected = Cost(state=state) if usd is None else Cost(state=state, usd=usd)
    assert expected == cost_of(Usage(**counted), price, metered=True)


def test_an_answer_that_was_not_metered_makes_a_lower_bound() -> None:
    """However complete the sum looks (LOOP-038)."""
    counted = Usage(input=MILLION, output=0)
    assert Cost(state="partial", usd=3.0) == cost_of(counted, PRICE, metered=False)
