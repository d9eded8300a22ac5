"""The universal scalability law: what is put in comes out, and intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.quantiles import FloatArray
from seawall.stats.scaling import fit_scaling_law, gain_of_each

WORKERS = np.array([1, 2, 3, 4, 5, 6] * 2, np.float64)


def law(workers: FloatArray, single: float, contention: float, coherency: float) -> FloatArray:
    """Return the law's own throughput."""
    others = workers - 1
    found: FloatArray = single * workers / (1 + contention * others + coherency * workers * others)
    return found


def test_points_on_the_law_give_it_back() -> None:
    """The known example of a peak: the root of 0.95/0.02 is 6.9 workers."""
    found = fit_scaling_law(WORKERS, law(WORKERS, 1_000, 0.05, 0.02))
    assert found.single.estimate == pytest.approx(1_000, rel=1e-4)
    assert found.contention.estimate == pytest.approx(0.05, rel=1e-3)
    assert found.coherency.estimate == pytest.approx(0.02, rel=1e-3)
    assert found.peak is not None
    assert found.peak.estimate == pytest.approx(6.892, rel=1e-3)
    assert found.throughput(8).estimate == pytest.approx(float(law(np.array([8.0]), 1_000, 0.05, 0.02)[0]), rel=1e-3)


def test_what_grows_in_a_line_shows_no_peak() -> None:
    """Neither contention nor a price of pairs can be negative, and none is found in 2 % of noise."""
    rng = np.random.default_rng(1)
    found = fit_scaling_law(WORKERS, law(WORKERS, 1_000, 0, 0) * np.exp(rng.normal(0, 0.02, len(WORKERS))))
    assert found.contention.low == 0
    assert found.coherency.low == 0
    assert found.peak is None
    inside = found.throughput(12)
    assert inside.low < 12_000 < inside.high * 1.02


def test_nothing_is_said_far_beyond_what_was_measured() -> None:
    """Six workers say something of twelve, and nothing of thirteen."""
    found = fit_scaling_law(WORKERS, law(WORKERS, 1_000, 0.1, 0))
    found.throughput(12)
    with pytest.raises(BadFigures, match="ask for 1 to 12"):
        found.throughput(13)


@pytest.mark.long
def test_the_intervals_hold_the_truth_in_nineteen_of_twenty_runs() -> None:
    """Twelve points with 3 % of noise; the truth of contention, of the pairs' price and of the throughput at eight."""
    rng, runs = np.random.default_rng(7), 60
    truth = {"contention": 0.1, "coherency": 0.01, "eight": float(law(np.array([8.0]), 1_000, 0.1, 0.01)[0])}
    held = dict.fromkeys(truth, 0)
    for _ in range(runs):
        noisy = law(WORKERS, 1_000, 0.1, 0.01) * np.exp(rng.normal(0, 0.03, len(WORKERS)))
        found = fit_scaling_law(WORKERS, noisy)
        seen = {"contention": found.contention, "coherency": found.coherency, "eight": found.throughput(8)}
        for name, value in truth.items():
            held[name] += not seen[name].excludes(value)
    for name, count in held.items():
        assert count / runs >= 0.88, name


def test_too_few_points_make_no_law() -> None:
    """The error says how many are needed."""
    with pytest.raises(TooFewSamples, match="measure 6"):
        fit_scaling_law(np.arange(1.0, 6.0), np.arange(1.0, 6.0))
    with pytest.raises(TooFewSamples):
        fit_scaling_law(np.array([1.0, 1, 1, 2, 2, 2]), np.ones(6))


@pytest.mark.parametrize(
    ("workers", "throughput"),
    [([0, 1, 2, 3, 4, 5], [1] * 6), ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 0]), ([1, 2], [1]), ([1] * 6, [np.inf] * 6)],
)
def test_figures_that_no_measurement_gives_are_refused(workers: list[float], throughput: list[float]) -> None:
    """Nobody has no workers, and none do nothing."""
    with pytest.raises(BadFigures):
        fit_scaling_law(np.array(workers, np.float64), np.array(throughput, np.float64))


def test_gain_of_each_tells_company_that_helps_from_independence() -> None:
    """A power that is put in comes out; the interval of independent workers holds 0 in 95 of 100 cases."""
    assert gain_of_each(WORKERS, WORKERS**1.3).estimate == pytest.approx(0.3)
    random = np.random.default_rng(5)
    held = 0
    for _ in range(1_000):
        found = gain_of_each(WORKERS, WORKERS * np.exp(random.normal(0, 0.05, len(WORKERS))))
        held += not found.excludes(0)
    assert 930 <= held <= 970
    with pytest.raises(TooFewSamples):
        gain_of_each(WORKERS[:2], WORKERS[:2])
    with pytest.raises(BadFigures):
        gain_of_each(np.ones(6), np.ones(6))
