"""Gaps: exact while they are few, within a percent when they are many, and never more memory than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.wire import gaps
from streamlab.wire.gaps import Gaps


def nearest_rank(values: list[int], percent: int) -> int:
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def counted(values: list[int]) -> Gaps:
    made = Gaps()
    for value in values:
        made.add(value)
    return made


def test_of_nothing_nothing_is_known():
    figures = Gaps().finish()
    assert (figures.percentile(50), figures.maximum, figures.at_least(0)) == (None, None, 0)


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from([1, 50, 95, 99, 100]))
def test_few_gaps_are_exact(values, percent):
    figures = counted(values).finish()
    assert figures.percentile(percent) == nearest_rank(values, percent)
    assert figures.maximum == max(values)
    assert figures.at_least(values[0]) == sum(value >= values[0] for value in values)


@pytest.mark.parametrize("limit", [1, 2, 16])
@given(values=st.lists(st.integers(0, 10**12), min_size=1), percent=st.sampled_from([1, 50, 95, 99, 100]))
def test_many_gaps_are_within_a_percent(limit, values, percent):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaps, "EXACT", limit)
        figures = counted(values).finish()
    exact = nearest_rank(values, percent)
    assert figures.maximum == max(values)
    assert exact * 0.99 <= (figures.percentile(percent) or 0) <= exact


def test_memory_does_not_grow_with_the_stream():
    made = Gaps()
    for value in range(300_000):
        made.add(value * 7919 % 60_000_000)
    assert len(made._exact) < gaps.EXACT
    assert len(made._classes) < 4_000
