"""Slopes of series over time."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray
from seawall.stats.trends import length_that_tells, slope_over_time, theil_sen_slope


def test_a_straight_line_has_its_slope() -> None:
    """Three a second, in steps of a tenth of a second."""
    found = theil_sen_slope(np.linspace(7.0, 36.7, 100), 0.1)
    assert (found.estimate, found.low, found.high) == pytest.approx((3, 3, 3))


def test_the_interval_of_noise_holds_its_true_slope_in_nineteen_of_twenty_runs() -> None:
    """Noise that remembers half of its last value, around a queue that neither grows nor shrinks."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        noise = rng.normal(size=300)
        for place in range(1, len(noise)):
            noise[place] += 0.5 * noise[place - 1]
        held += not theil_sen_slope(noise, 1.0).excludes(0.0)
    assert 0.91 <= held / 400 <= 0.99


def test_a_short_or_endless_series_has_none() -> None:
    """Too few points, or one that is no number, are errors that say what to do."""
    with pytest.raises(TooFewSamples, match="measure 30"):
        theil_sen_slope(np.arange(29.0), 1.0)
    with pytest.raises(BadFigures):
        theil_sen_slope(np.append(np.arange(40.0), np.inf), 1.0)


def remembering(rng: np.random.Generator, length: int, memory: float) -> FloatArray:
    """Return settled AR(1) noise, with so much of each reading kept in the next."""
    noise: FloatArray = lfilter([1.0], [1.0, -memory], rng.normal(size=length + 500))
    return noise[500:]


def test_a_line_with_a_gap_has_its_slope() -> None:
    """Readings need not be evenly spaced: between two stretches of load nobody reads."""
    times = np.concatenate([np.arange(50.0), np.arange(80.0, 130.0)])
    found = slope_over_time(times, 5.0 + 0.25 * times)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


@pytest.mark.parametrize(("length", "memory"), [(480, 0.0), (480, 0.9), (480, 0.97), (3_600, 0.99), (8, 0.0)])
def test_readings_that_remember_do_not_narrow_the_interval(length: int, memory: float) -> None:
    """At least nine of ten runs' intervals hold the slope of 0, however much of a reading is left in the next."""
    rng, held = np.random.default_rng(7), 0
    for _ in range(200):
        held += not slope_over_time(np.arange(float(length)), remembering(rng, length, memory)).excludes(0.0)
    assert held / 200 >= 0.91


@pytest.mark.parametrize(("length", "memory"), [(3_600, 0.999), (3_600, 0.9999), (480, 0.999)])
def test_readings_that_hardly_ever_move_are_bounded_by_their_range(
    monkeypatch: pytest.MonkeyPatch, length: int, memory: float
) -> None:
    """Blocks that depend on each other for the whole run leave no end open, and hardly an interval more is wrong."""

    def intervals() -> list[Interval]:
        rng = np.random.default_rng(9)
        times = np.arange(float(length))
        return [slope_over_time(times, remembering(rng, length, memory)) for _ in range(200)]

    bounded = intervals()
    monkeypatch.setattr("seawall.stats.trends.RANGES", math.inf)
    unbounded = intervals()
    assert sum(math.isinf(one.high) for one in unbounded) > 80
    assert all(math.isfinite(one.low) and math.isfinite(one.high) for one in bounded)
    assert sum(one.excludes(0.0) for one in bounded) <= sum(one.excludes(0.0) for one in unbounded) + 4


def test_a_small_step_bounds_the_slope() -> None:
    """Memory that stands still and rises once by a thousandth cannot rise by a hundredth an hour."""
    times = np.arange(5_400.0)
    found = slope_over_time(times / 3_600, np.where(times < 2_000, 100.0, 100.1))
    assert -0.3 < found.low <= found.high < 0.3


def test_a_slope_beyond_the_noise_is_found() -> None:
    """A rise of twice the noise over the whole run is told from none in nearly every run."""
    rng = np.random.default_rng(8)
    times = np.arange(600.0)
    found = [slope_over_time(times, remembering(rng, 600, 0.5) + times / 250) for _ in range(100)]
    assert sum(one.low > 0 for one in found) >= 95


def test_what_never_moves_has_a_slope_of_nought() -> None:
    """Equal readings leave nothing open."""
    still = slope_over_time(np.arange(100.0), np.full(100, 7.0))
    assert (still.low, still.high) == (0, 0)


def test_too_few_points_or_none_at_all_have_no_slope() -> None:
    """Both are errors that say what to do."""
    with pytest.raises(TooFewSamples, match="measure 6"):
        slope_over_time(np.arange(5.0), np.arange(5.0))
    with pytest.raises(BadFigures):
        slope_over_time(np.arange(6.0), np.array([1.0, 2.0, 3.0, 4.0, 5.0, math.nan]))


@pytest.mark.parametrize(
    ("found", "times"),
    [
        (Interval(0.0, -8.0, 8.0), 4.0),
        (Interval(0.5, 0.0, 1.1), 2.0),
        (Interval(0.0, -math.inf, math.inf), 2.0),
        (Interval(1.0, 0.5, 1.5), 100.0),
    ],
)
def test_the_length_that_tells_grows_with_what_is_open(found: Interval, times: float) -> None:
    """An interval eight times as wide as the way to the limit needs four times the length; on the limit, for ever."""
    assert length_that_tells(found, 1.0, 600.0) == pytest.approx(times * 600.0)
