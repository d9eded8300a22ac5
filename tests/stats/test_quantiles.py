"""Quantiles."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from benchmarks.simulation import TRUTH, Draw, bimodal, exponential, lognormal, share_that_holds
from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.quantiles import FloatArray, quantile, quantile_interval, smallest_sample

LATENCIES = st.lists(st.floats(0.01, 1e6), min_size=72, max_size=120).map(np.array)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("size", [300, 1_000, 12_345])
def test_agrees_with_numpys_linear_quantile(share: float, size: int) -> None:
    """The figure is the one that numpy and k6 would print for the same values."""
    values = np.random.default_rng(size).lognormal(size=size)
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-12)


def test_says_nothing_about_a_sample_that_is_too_small() -> None:
    """Fifty-eight values bound no 95th percentile."""
    assert quantile(np.arange(58.0), 0.95) is None
    assert quantile(np.arange(59.0), 0.95) is not None


def test_censored_values_count_as_larger_than_all_others() -> None:
    """With two of a hundred unanswered the p95 moves up and the p99 is unknown."""
    values = np.arange(98.0)
    assert quantile(values, 0.95, censored=2) == pytest.approx(0.95 * 99)
    assert quantile(np.arange(980.0), 0.99, censored=20) is None


@pytest.mark.parametrize(("share", "enough"), [(0.5, 6), (0.95, 72), (0.99, 368)])
@pytest.mark.parametrize("beyond", [0, 1, 10, 900])
def test_interval_is_that_of_scipys_quantile_test(share: float, enough: int, beyond: int) -> None:
    """The two order statistics are the ones that scipy's two-sided quantile test would not reject."""
    values = np.random.default_rng(enough + beyond).lognormal(size=enough + beyond)
    theirs = stats.quantile_test(values, q=1, p=share).confidence_interval()
    ours = quantile_interval(values, share)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_refuses_an_interval_where_scipy_finds_none(share: float) -> None:
    """One sample fewer than the smallest is too few, and the message says how many would do."""
    enough = smallest_sample(share)
    values = np.arange(float(enough - 1))
    assert math.isnan(stats.quantile_test(values, q=1, p=share).confidence_interval().high)
    with pytest.raises(TooFewSamples, match=f"at least {enough}"):
        quantile_interval(values, share)
    quantile_interval(np.arange(float(enough)), share)


def test_no_sample_at_all_is_too_few() -> None:
    """An empty run is refused like a short one."""
    with pytest.raises(TooFewSamples):
        quantile_interval(np.array([]), 0.5)


def test_refuses_what_is_not_a_number() -> None:
    """A NaN would sort as the largest and pass for a slow request."""
    with pytest.raises(BadFigures, match="censored"):
        quantile_interval(np.append(np.arange(99.0), np.nan), 0.5)


@pytest.mark.parametrize(("share", "confidence"), [(0.0, 0.95), (1.0, 0.95), (95.0, 0.95), (0.5, 1.0), (0.5, 95.0)])
def test_refuses_percentages_for_shares(share: float, confidence: float) -> None:
    """95 instead of 0.95 is named, and so are 0 and 1, which no interval can be had for."""
    with pytest.raises(BadFigures, match="between 0 and 1"):
        quantile_interval(np.arange(99.0), share, confidence)


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("draw", [lognormal, exponential, bimodal])
def test_interval_covers_the_truth_as_often_as_it_says(draw: Draw, share: float) -> None:
    """Of 1,000 samples each of 400 requests, 93 to 98 % hold the true quantile.

    The interval covers at least 95 %; ranks being whole numbers, it covers 95.2 % (p50) and 96.4 % (p95) exactly at
    this size, and 1,000 repetitions add a standard error of 0.7 points.
    """
    rng = np.random.default_rng(4)
    intervals = [quantile_interval(draw(rng, 400), share) for _ in range(1_000)]
    assert 0.93 <= share_that_holds(TRUTH[draw](share), intervals) <= 0.98


def test_censored_values_open_the_interval_upwards() -> None:
    """With 40 of 1,000 never answered the p95 is known and its upper end is not; with 80, only a lower end is."""
    partly = quantile_interval(np.arange(960.0), 0.95, censored=40)
    assert partly.estimate == pytest.approx(0.95 * 999)
    assert partly.high == math.inf
    mostly = quantile_interval(np.arange(920.0), 0.95, censored=80)
    assert (mostly.estimate, mostly.high) == (math.inf, math.inf)
    assert mostly.low == math.inf
    assert quantile_interval(np.arange(999.0), 0.95, censored=1).high < math.inf


def test_all_censored_leaves_nothing_finite() -> None:
    """A run in which nothing was answered has an infinite p50, not an error."""
    nothing = quantile_interval(np.array([]), 0.5, censored=100)
    assert nothing.low == nothing.estimate == nothing.high == math.inf


@given(LATENCIES, st.sampled_from([0.5, 0.95]))
def test_order_of_the_samples_does_not_matter(values: FloatArray, share: float) -> None:
    """Shuffled samples give the same interval, which holds its own estimate."""
    interval = quantile_interval(values, share)
    assert interval.low <= interval.estimate <= interval.high
    assert quantile_interval(np.random.default_rng(1).permutation(values), share) == interval


@given(LATENCIES, st.floats(1e-3, 1e3))
def test_another_unit_scales_the_interval(values: FloatArray, factor: float) -> None:
    """Seconds instead of milliseconds change the figures by a thousand and nothing else."""
    before, after = quantile_interval(values, 0.95), quantile_interval(values * factor, 0.95)
    for old, new in ((before.estimate, after.estimate), (before.low, after.low), (before.high, after.high)):
        assert new == pytest.approx(old * factor, rel=1e-9)


@given(LATENCIES, st.integers(0, 71), st.floats(0, 1e6))
def test_a_slower_request_never_lowers_the_interval(values: FloatArray, index: int, more: float) -> None:
    """Making one sample larger moves no end down."""
    slower = values.copy()
    slower[index] += more
    before, after = quantile_interval(values, 0.95), quantile_interval(slower, 0.95)
    assert after.low >= before.low
    assert after.high >= before.high
    assert after.estimate >= before.estimate - 1e-9 * before.estimate
