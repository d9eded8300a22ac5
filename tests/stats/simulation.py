"""Repeats an estimate on drawn samples and counts how often its interval holds the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

Draw = Callable[[np.random.Generator, int], FloatArray]


def lognormal(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies with a long tail."""
    return rng.lognormal(3.0, 0.8, size)


def exponential(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies of a queue with one server."""
    return rng.exponential(20.0, size)


def bimodal(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw latencies of which one in ten misses a cache: 5 ms or 50 ms, 15 % about."""
    return np.where(rng.random(size) < 0.1, 50.0, 5.0) * rng.lognormal(0.0, 0.15, size)


def bimodal_quantile(share: float) -> float:
    """Return the true quantile of `bimodal`."""
    grid = np.linspace(2.0, 120.0, 1_000_001)
    below = 0.9 * stats.norm.cdf(np.log(grid / 5) / 0.15) + 0.1 * stats.norm.cdf(np.log(grid / 50) / 0.15)
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
    level = np.empty_like(noise)
    level[:, 0] = noise[:, 0]
    for index in range(1, size):
        level[:, index] = memory * level[:, index - 1] + np.sqrt(1 - memory**2) * noise[:, index]
    latencies: npt.NDArray[np.float64] = np.exp(3.0 + 0.8 * level)
    return latencies
