"""Quantiles of latencies."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from seawall.stats.distributions import binomial_quantile
from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval

FloatArray = npt.NDArray[np.float64]

SMALLEST_SAMPLE = {0.5: 2, 0.95: 59, 0.99: 299}
"""Below so many independent samples no 95 % upper bound of the quantile exists (0.95**59 < 0.05)."""


def quantile(values: FloatArray, share: float, censored: int = 0) -> float | None:
    """Return the linear-interpolated quantile, as numpy and k6 define it; None where the sample cannot tell.

    It cannot below `SMALLEST_SAMPLE`, nor where the rank falls among the *censored*: further values, known only to be
    larger than all others (requests that were never answered or never sent).
    """
    total = len(values) + censored
    if total < SMALLEST_SAMPLE[share]:
        return None
    rank = share * (total - 1)
    if math.ceil(rank) >= len(values):
        return None
    ordered = np.partition(values, [int(rank), math.ceil(rank)])
    return _interpolated(ordered, rank)


def quantile_interval(values: FloatArray, share: float, confidence: float = 0.95, censored: int = 0) -> Interval:
    """Estimate a quantile of independent samples, with an interval that holds whatever their distribution.

    The ends are order statistics; how many samples fall below the true quantile is binomial, so the interval covers it
    with at least *confidence*, and each end misses it with at most half of the rest (Conover 1999, section 3.2; David &
    Nagaraja 2003, section 7.1). The estimate is the linear-interpolated quantile. What falls among the *censored*,
    further values that are only known to be larger than all others, is infinite.
    Raises `TooFewSamples` where no such order statistic exists: below 72 samples for the 95 % interval of a p95, two
    bounds at once needing more than the one of `SMALLEST_SAMPLE`. Samples of one run are seldom independent:
    see `seawall.stats.dependence`.
    """
    low, high = quantile_ranks(len(values) + censored, share, confidence)
    return interval_of_ranks(values, share, low, high, censored)


def quantile_ranks(total: int, share: float, confidence: float) -> tuple[int, int]:
    """Return the ranks, counted from 0, of the two order statistics that enclose the quantile.

    Raises `TooFewSamples` where one of them would lie outside the sample, `BadFigures` where *share* or *confidence* is
    not between 0 and 1.
    """
    if not (0 < share < 1 and 0 < confidence < 1):
        raise BadFigures(f"A share of {share} and a confidence of {confidence} cannot be: both lie between 0 and 1")
    tail = (1 - confidence) / 2
    low = binomial_quantile(tail, total, share) - 1 if total else -1
    high = total - binomial_quantile(tail, total, 1 - share) if total else 0
    if low < 0 or high >= total:
        enough = smallest_sample(share, confidence)
        raise TooFewSamples(
            f"{total} samples give no {confidence:.0%} interval of the {share:.1%} quantile: measure at least {enough}"
        )
    return low, high


def smallest_sample(share: float, confidence: float = 0.95) -> int:
    """Return from how many independent samples on a two-sided interval of the quantile exists."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(share, 1 - share)))


def interval_of_ranks(values: FloatArray, share: float, low: int, high: int, censored: int = 0) -> Interval:
    """Return the quantile between the order statistics of the two ranks, counted from 0.

    Raises `BadFigures` where a value is not a number.
    """
    if np.isnan(values).any():
        raise BadFigures("A sample is not a number: count what was never answered as censored instead")
    rank = share * (len(values) + censored - 1)
    needed = np.unique([low, high, int(rank), math.ceil(rank)])
    ordered = np.partition(values, needed[needed < len(values)])

    def at(index: int) -> float:
        return float(ordered[index]) if index < len(values) else math.inf

    estimate = _interpolated(ordered, rank) if math.ceil(rank) < len(values) else math.inf
    return Interval(estimate, at(low), at(high))


def _interpolated(ordered: FloatArray, rank: float) -> float:
    below, above = ordered[int(rank)], ordered[math.ceil(rank)]
    if below == above:  # two infinite ones have no difference
        return float(below)
    return float(below + (above - below) * (rank - int(rank)))
