"""Several groups of figures against one, with the chance of finding something among so many accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import factorial, prod

import numpy as np
import numpy.typing as npt

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.quantiles import FloatArray

FEWEST_GROUPS, FEWEST_IN_ONE = 2, 2
PERMUTATIONS = 4_999
_ROUNDING = 1e-9


def chances_against_first(groups: Sequence[FloatArray], seed: int = 1) -> FloatArray:
    """Return, for each group but the first, how likely chance alone sets any group as far apart from the first.

    Figures are taken as logarithms, so that a ratio counts, and the scatter within all groups together is the measure,
    as in Dunnett's test (1955); the distribution is that of the largest distance over permutations of the figures
    (Westfall & Young 1993), which asks for no normal ones. Of four levels and four metrics of a knob that does nothing,
    intervals alone name an effect in every third sweep.
    Raises `TooFewSamples` below two groups of two figures, `BadFigures` where one is not positive.
    """
    if len(groups) < FEWEST_GROUPS or min(map(len, groups)) < FEWEST_IN_ONE:
        raise TooFewSamples("Two groups of two figures at least are needed to tell whether they differ")
    figures = np.concatenate(groups)
    if not (figures > 0).all() or not np.isfinite(figures).all():
        raise BadFigures("Figures whose ratio counts must be positive")
    logs = np.log(figures)
    shuffled = np.random.default_rng(seed).permuted(np.tile(logs, (PERMUTATIONS, 1)), axis=1)
    sizes = np.array([len(group) for group in groups])
    found = _distances(logs[None, :], sizes)[0]
    largest = _distances(shuffled, sizes).max(axis=1)
    # by a share: the same two groups the other way round are as far apart, but for the last digits of their sums
    as_far = (largest[:, None] >= found[None, :] * (1 - _ROUNDING)).sum(axis=0)
    chances: FloatArray = (as_far + 1) / (PERMUTATIONS + 1)
    return chances


def least_chance(sizes: Sequence[int]) -> float:
    """Return how small a chance of `chances_against_first` can be for groups of so many figures.

    It is the share of permutations that only give groups other names: of two groups of four, two of 70, however far
    they lie apart. With more groups it is beyond what can be of interest. 1 where there are no two groups of two.
    """
    if len(sizes) < FEWEST_GROUPS or min(sizes) < FEWEST_IN_ONE:
        return 1.0
    ways = factorial(sum(sizes)) // prod(factorial(size) for size in sizes)
    alike = sizes if len(sizes) == FEWEST_GROUPS else sizes[1:]
    return prod(factorial(count) for count in Counter(alike).values()) / ways


def _distances(logs: FloatArray, sizes: npt.NDArray[np.int64]) -> FloatArray:
    """Return how many standard errors each group's mean lies from the first's; a row for each row of *logs*."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    means = np.add.reduceat(logs, starts, axis=1) / sizes
    squares = ((logs - np.repeat(means, sizes, axis=1)) ** 2).sum(axis=1)
    scatter = np.sqrt(np.maximum(squares, 1e-24) / (logs.shape[1] - len(sizes)))
    errors = scatter[:, None] * np.sqrt(1 / sizes[1:] + 1 / sizes[0])
    found: FloatArray = np.abs(means[:, 1:] - means[:, :1]) / errors
    return found
