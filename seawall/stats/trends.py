"""Whether a figure rises or falls over time, and how fast."""

from __future__ import annotations

import numpy as np
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

MOST_MEANS = 30
FEWEST_MEANS = 6
"""Fewer have no slope whose 95 % interval could leave out 0."""
POINTS_A_MEAN = 5


def theil_sen_slope(series: FloatArray, step: float, confidence: float = 0.95) -> Interval:
    """Estimate by how much a series at equal steps rises in one unit of *step* (Theil 1950, Sen 1968).

    The slope is that of up to 30 means of five points or more, since the points of a queue's length depend on each
    other and would make the interval too narrow. Raises `TooFewSamples` below 30 points, `BadFigures` where one is not
    finite or *step* not positive.
    """
    if not np.isfinite(series).all() or step <= 0:
        raise BadFigures("A slope needs finite figures at steps longer than 0")
    batch = max(POINTS_A_MEAN, -(-len(series) // MOST_MEANS))
    count = len(series) // batch
    if count < FEWEST_MEANS:
        raise TooFewSamples(f"{len(series)} points have no slope: measure {FEWEST_MEANS * POINTS_A_MEAN} or more")
    means = series[len(series) - count * batch :].reshape(count, batch).mean(axis=1)
    found = stats.theilslopes(means, np.arange(count) * batch * step, alpha=confidence)
    return Interval(float(found.slope), float(found.low_slope), float(found.high_slope))
