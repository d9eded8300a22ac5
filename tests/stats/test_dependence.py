"""Quantiles of one run's dependent samples."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from benchmarks.simulation import autoregressive, share_that_holds
from seawall.stats.dependence import RunInterval, lag_one_autocorrelation, quantile_interval_of_run
from seawall.stats.errors import TooFewSamples
from seawall.stats.quantiles import FloatArray, quantile_interval

TRUTH = {share: float(stats.lognorm.ppf(share, 0.8, scale=np.exp(3.0))) for share in (0.5, 0.95, 0.99)}


def of_run(values: FloatArray, share: float) -> RunInterval:
    """Return the interval of samples that came at even steps."""
    return quantile_interval_of_run(np.arange(len(values)), values, share)


@pytest.mark.parametrize(
    ("size", "memory", "share"),
    [
        (2_000, 0.3, 0.5),
        (2_000, 0.3, 0.95),
        (2_000, 0.9, 0.5),
        (5_000, 0.9, 0.95),
        (10_000, 0.9, 0.99),
        (10_000, 0.98, 0.5),
        (20_000, 0.98, 0.95),
    ],
)
def test_interval_covers_the_truth_in_spite_of_dependence(size: int, memory: float, share: float) -> None:
    """Of 600 runs whose latencies depend on those before, 93 to 97 % hold the true quantile.

    600 repetitions have a standard error of 0.9 points, which both limits are widened by.
    """
    runs = autoregressive(np.random.default_rng(size), 600, size, memory)
    found = [of_run(run, share) for run in runs]
    assert 0.93 - 0.009 <= share_that_holds(TRUTH[share], [run.interval for run in found]) <= 0.97 + 0.009


def test_formula_of_independent_samples_would_not() -> None:
    """With 0.9 between neighbours it holds the truth in fewer than 60 of 100 runs: the test above can fail."""
    runs = autoregressive(np.random.default_rng(5), 300, 5_000, 0.9)
    assert share_that_holds(TRUTH[0.95], [quantile_interval(run, 0.95) for run in runs]) < 0.6


@pytest.mark.parametrize(
    ("size", "memory", "share", "open_ends"),
    [
        (2_000, 0.98, 0.95, (0.05, 0.3)),
        (10_000, 0.995, 0.95, (0.0, 0.2)),
        (2_000, 0.98, 0.99, (0.9, 1.0)),
        (10_000, 0.999, 0.95, (0.6, 1.0)),
    ],
)
def test_upper_end_moves_out_where_the_run_tells_little(
    size: int, memory: float, share: float, open_ends: tuple[float, float]
) -> None:
    """With a handful of excursions it stays above the truth, and is open where all samples hang together."""
    runs = autoregressive(np.random.default_rng(size), 400, size, memory)
    found = []
    for run in runs:
        with contextlib.suppress(TooFewSamples):
            found.append(of_run(run, share).interval)
    assert len(found) > 20
    assert sum(interval.high < TRUTH[share] for interval in found) <= 0.04 * len(runs)
    least, most = open_ends
    assert least <= sum(math.isinf(interval.high) for interval in found) / len(found) <= most


def test_a_slow_start_leaves_an_upper_end() -> None:
    """Half a second in which most answers are slow, of thirty: the p95 is known to be below the slowest of them."""
    rng = np.random.default_rng(17)
    found = 0
    for _ in range(100):
        values = rng.lognormal(1.5, 0.4, 30_000)
        values[:500] += rng.uniform(0, 60, 500)
        for start in rng.integers(500, 29_000, 10):
            values[start : start + 100] += rng.uniform(5, 30, 100)
        interval = of_run(values, 0.95).interval
        assert interval.high > interval.estimate
        found += interval.high < 80
    assert found >= 95


def test_four_samples_beyond_the_quantile_do_not_pass_for_independent() -> None:
    """Of 400 dependent samples four lie beyond the p99, too few to see it there: the rest of the samples shows it."""
    closed = 0
    for run in autoregressive(np.random.default_rng(16), 300, 400, 0.9):
        try:
            closed += not math.isinf(of_run(run, 0.99).interval.high)
        except TooFewSamples:
            continue
    assert closed <= 3


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_independent_samples_keep_their_own_formula(share: float) -> None:
    """Of 500 runs without dependence more than two thirds are found to be so, and coverage is not harmed."""
    runs = autoregressive(np.random.default_rng(6), 500, 3_000, 0.0)
    found = [of_run(run, share) for run in runs]
    plain = [
        run.interval == quantile_interval(values, share)
        for run, values in zip(found, runs, strict=True)
        if run.method == "independent samples"
    ]
    assert len(plain) > 2 / 3 * 500
    assert all(plain)
    assert 0.93 <= share_that_holds(TRUTH[share], [run.interval for run in found]) <= 0.985


def test_counts_what_the_samples_are_worth() -> None:
    """Each latency told ten times over is worth it once, give or take the error of sixty batches."""
    once = np.random.default_rng(7).lognormal(size=6_000)
    worth = [of_run(np.repeat(part, 10), 0.5).effective_samples for part in np.split(once, 3)]
    assert 1_200 < float(np.median(worth)) < 3_300


def test_a_single_freeze_says_too_little_about_the_p99() -> None:
    """Sixty samples in a row are slow out of 6,000: that happened once, whatever their number."""
    values = np.random.default_rng(8).lognormal(size=6_000)
    values[2_000:2_060] += 500
    with pytest.raises(TooFewSamples, match="1 times independently"):
        of_run(values, 0.99)
    assert of_run(values, 0.5).interval.high < 2


def test_puts_samples_in_order_by_their_times() -> None:
    """Samples that several processes handed in one after the other are judged in the order of their times."""
    run = autoregressive(np.random.default_rng(9), 1, 4_000, 0.9)[0]
    order = np.random.default_rng(10).permutation(4_000)
    assert quantile_interval_of_run(order, run[order], 0.95) == of_run(run, 0.95)
    assert of_run(run, 0.95).method == "batches"


def test_rounded_and_equal_latencies_are_no_obstacle() -> None:
    """Whole milliseconds give about the interval of the exact ones, and a constant a point."""
    values = np.random.default_rng(11).lognormal(3.0, 0.8, 3_000)
    assert of_run(np.round(values), 0.95).interval.low == pytest.approx(of_run(values, 0.95).interval.low, abs=3)
    constant = of_run(np.full(1_000, 3.0), 0.95)
    assert constant.interval == quantile_interval(np.full(1_000, 3.0), 0.95)


def test_unanswered_requests_are_infinite() -> None:
    """With 4.8 % never answered the p95's upper end is not known, and with 10 % nothing is."""
    values = np.random.default_rng(12).lognormal(size=5_000)
    values[np.random.default_rng(13).permutation(5_000)[:240]] = math.inf
    partly = of_run(values, 0.95).interval
    assert partly.low < math.inf
    assert partly.high == math.inf
    values[:500] = math.inf
    assert of_run(values, 0.95).interval.estimate == math.inf


def test_too_few_samples_are_refused_as_they_are_elsewhere() -> None:
    """Below 72 samples there is no interval of a p95."""
    with pytest.raises(TooFewSamples, match="at least 72"):
        of_run(np.arange(71.0), 0.95)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_another_unit_scales_the_interval(seed: int, factor: float) -> None:
    """Seconds instead of milliseconds change the figures by a thousand and nothing else."""
    values = np.random.default_rng(seed).lognormal(size=500)
    before, after = of_run(values, 0.5), of_run(values * factor, 0.5)
    assert after.method == before.method
    assert after.interval.low == pytest.approx(before.interval.low * factor, rel=1e-9)
    assert after.interval.high == pytest.approx(before.interval.high * factor, rel=1e-9)
    assert before.interval.low <= before.interval.estimate <= before.interval.high


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_lag_one_autocorrelation_is_that_of_neighbours(memory: float) -> None:
    """It is found in the logarithms that were drawn with it, and is 0 for a constant."""
    run = autoregressive(np.random.default_rng(14), 1, 20_000, memory)[0]
    assert lag_one_autocorrelation(np.log(run)) == pytest.approx(memory, abs=0.03)
    assert lag_one_autocorrelation(np.full(10, 2.0)) == 0.0
