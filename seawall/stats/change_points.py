"""Where the level of a series changed, by energy statistics and a permutation test.

The method is E-divisive (Matteson & James 2014, "A nonparametric approach for multiple change point analysis of
multivariate data"), as performance tests of databases use it (Daly et al. 2020, "The use of change point detection to
identify software performance regressions in a continuous integration system"). It asks nothing of the distribution but
that figures could stand in any order where nothing changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.quantiles import FloatArray

SIGNIFICANCE = 0.01
"""The share of series without a change in which one is found all the same."""
FEWEST_A_SIDE = 3
"""A level is told from so many runs; one or two that stick out are no level."""
FEWEST_RUNS = 10
"""Five against five in perfect order come about by chance in 2 of 252 orders: fewer are never significant."""
MOST_RUNS = 400
"""Of longer series the latest ones count: the work grows with the square."""
_PERMUTATIONS = 999
_SEED = 20140101
_ROUNDING = 1e-9

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ChangePoint:
    """From the figure of this *index* on the level is another; *p* is the chance of so clear a change without one."""

    index: int
    p: float


def change_points(series: FloatArray, significance: float = SIGNIFICANCE) -> list[ChangePoint]:
    """Return where the level of *series* changed, in its order; the same series always gives the same answer.

    One figure a run, in time's order, shape ``(runs,)``; of ratios give the logarithms. Segment by segment the split
    with the largest energy distance is sought, and kept while fewer than *significance* of 999 shufflings within the
    segments hold as large a one. Raises `TooFewTrials` below 10 runs, `BadFigures` where a figure is not finite.
    """
    if len(series) < FEWEST_RUNS:
        raise TooFewTrials(f"{len(series)} runs tell no change from chance: {FEWEST_RUNS} are the fewest")
    if not np.isfinite(series).all():
        raise BadFigures("A change point needs finite figures: leave out runs without one")
    start = max(0, len(series) - MOST_RUNS)
    latest = series[start:]
    distances = np.abs(np.subtract.outer(latest, latest))
    generator = np.random.default_rng(_SEED)
    borders = [0, len(latest)]
    found: list[ChangePoint] = []
    while True:
        segments = list(pairwise(borders))
        best, at = max(_best_split(distances[low:high, low:high], low) for low, high in segments)
        chance = _chance(distances, segments, best, significance, generator)
        if chance is None:
            return sorted(found, key=lambda change: change.index)
        found.append(ChangePoint(start + at, chance))
        borders = sorted([*borders, at])


def _chance(
    distances: FloatArray,
    segments: list[tuple[int, int]],
    best: float,
    significance: float,
    generator: np.random.Generator,
) -> float | None:
    """Return the share of shufflings with a split as good as *best*; None as soon as it is beyond *significance*."""
    as_good, limit = 0, significance * (_PERMUTATIONS + 1) + _ROUNDING
    for _ in range(_PERMUTATIONS):
        found = 0.0
        for low, high in segments:
            order = low + generator.permutation(high - low)
            found = max(found, _best_split(distances[np.ix_(order, order)], low)[0])
        as_good += found >= best * (1 - _ROUNDING)
        if as_good + 1 > limit:
            return None
    return (as_good + 1) / (_PERMUTATIONS + 1)


def _best_split(distances: FloatArray, offset: int) -> tuple[float, int]:
    """Return the largest scaled energy distance of a segment's beginning from what follows it, and where that begins.

    What follows ends wherever the distance is largest, so that a level that comes and goes is found as well. 0 where
    the segment is too short to be split.
    """
    count = len(distances)
    if count < 2 * FEWEST_A_SIDE:
        return 0.0, offset
    splits, ends = _splits(count)
    sums = np.zeros((count + 1, count + 1))
    np.cumsum(np.cumsum(distances, axis=0), axis=1, out=sums[1:, 1:])
    before, after = splits.astype(np.float64), (ends - splits).astype(np.float64)
    left, whole, strip = sums[splits, splits], sums[ends, ends], sums[splits, ends]
    energy = (
        2 * (strip - left) / (before * after)
        - left / (before * (before - 1))
        - (whole - 2 * strip + left) / (after * (after - 1))
    )
    scaled = before * after / (before + after) * energy
    place = int(np.argmax(scaled))
    return max(0.0, float(scaled[place])), offset + int(splits[place])


@lru_cache(maxsize=64)
def _splits(count: int) -> tuple[Indices, Indices]:
    """Return every place at which *count* figures can be split, with every end of what follows."""
    splits, ends = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    long_enough = (splits >= FEWEST_A_SIDE) & (ends - splits >= FEWEST_A_SIDE)
    return splits[long_enough], ends[long_enough]
