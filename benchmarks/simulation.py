"""Drawn latencies whose true quantiles are known, for `coverage` and for the tests of the statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal, stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

MISSES = 0.1
"""Of `bimodal`."""

Draw = Callable[[np.random.Generator, int], FloatArray]


def lognormal(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies with a long tail."""
    return rng.lognormal(3.0, 0.8, size)


def exponential(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies of a queue with one server."""
    return rng.exponential(20.0, size)


def bimodal(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies of which one in ten misses a cache: 5 ms or 50 ms, 15 % about."""
    misses = rng.random(size) < MISSES
    return np.where(misses, 50.0, 5.0) * rng.lognormal(0.0, 0.15, size)


def bimodal_quantile(share: float) -> float:
    """Return the true quantile of `bimodal`."""
    grid = np.linspace(2.0, 120.0, 1_000_001)
    below = (1 - MISSES) * stats.norm.cdf(np.log(grid / 5) / 0.15) + MISSES * stats.norm.cdf(np.log(grid / 50) / 0.15)
    return float(np.interp(share, below, grid))


TRUTH: dict[Draw, Callable[[float], float]] = {
    lognormal: lambda share: float(stats.lognorm.ppf(share, 0.8, scale=np.exp(3.0))),
    exponential: lambda share: float(stats.expon.ppf(share, scale=20.0)),
    bimodal: bimodal_quantile,
}


def share_that_holds(truth: float, intervals: list[Interval]) -> float:
    """Return the share of *intervals* that hold the truth."""
    return sum(not interval.excludes(truth) for interval in intervals) / len(intervals)


def autoregressive(rng: np.random.Generator, runs: int, size: int, memory: float) -> npt.NDArray[np.float64]:
    """Draw runs of lognormal latencies whose logarithm is AR(1) with *memory* between neighbours; one row a run."""
    noise = rng.standard_normal((runs, size))
    noise[:, 1:] *= np.sqrt(1 - memory**2)  # the first value has the spread of all others already
    latencies: npt.NDArray[np.float64] = np.exp(3.0 + 0.8 * signal.lfilter([1.0], [1.0, -memory], noise, axis=1))
    return latencies
