"""Intervals."""

import pytest

from seawall.stats.intervals import Interval

INTERVAL = Interval(estimate=1.2, low=1.0, high=1.3)


@pytest.mark.parametrize("value", [0.9, 1.4, 0.0, float("inf")])
def test_excludes_what_lies_outside(value: float) -> None:
    """A value beyond an end is excluded, and not straddled."""
    assert INTERVAL.excludes(value)
    assert not INTERVAL.straddles(value)


def test_straddles_what_lies_inside() -> None:
    """A limit between the ends could be met or missed."""
    assert INTERVAL.straddles(1.1)
    assert not INTERVAL.excludes(1.1)


@pytest.mark.parametrize("end", [1.0, 1.3])
def test_ends_belong_to_the_interval(end: float) -> None:
    """A limit at an end is not excluded, nor straddled, since nothing lies beyond it."""
    assert not INTERVAL.excludes(end)
    assert not INTERVAL.straddles(end)
