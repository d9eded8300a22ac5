"""The distribution of Mann and Whitney's U where both arms are alike."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from seawall.stats.distributions import normal_quantile

EXACT_PAIRS = 2_500
"""Up to so many pairs (50 by 50 trials) the distribution is counted out; above it is normal to four digits."""

ROUNDING = 1e-12
"""So much may be missing to a confidence, which as a decimal fraction is seldom exact: 1 - 0.8 is less than 0.2."""


def critical_pairs(base: int, arm: int, confidence: float) -> int:
    """Return how many of the ordered pairwise differences to step in from either end for an interval of *confidence*.

    0 where even the whole range of the differences covers less. The distribution is exact up to `EXACT_PAIRS`, normal
    with continuity correction above (Mann & Whitney 1947).
    """
    tail = (1 - confidence) / 2
    if base * arm > EXACT_PAIRS:
        deviation = math.sqrt(base * arm * (base + arm + 1) / 12)
        return max(0, math.floor(base * arm / 2 + 0.5 + normal_quantile(tail) * deviation))
    return int(np.searchsorted(u_distribution(base, arm), tail + ROUNDING, side="right"))


def coverage(base: int, arm: int, pairs: int) -> float:
    """Return the confidence of the interval between the *pairs*-th difference from either end."""
    return 1 - 2 * float(u_distribution(base, arm)[pairs - 1]) if pairs else 0.0


@lru_cache(maxsize=64)
def u_distribution(base: int, arm: int) -> npt.NDArray[np.float64]:
    """Return the probabilities of U being at most 0, 1, 2, ... base * arm, where both arms are alike and nothing ties.

    The counts are the coefficients of the Gaussian binomial; multiplying by 1 - q^(base + i) and dividing by 1 - q^i
    for each i builds them in whole numbers, without rounding.
    """
    fewer, more = sorted((base, arm))  # it is the same either way round
    counts = [1] + [0] * (fewer * more)
    for step in range(1, fewer + 1):
        for power in range(len(counts) - 1, more + step - 1, -1):
            counts[power] -= counts[power - more - step]
        for power in range(step, len(counts)):
            counts[power] += counts[power - step]
    total = math.comb(base + arm, arm)
    running, shares = 0, []
    for count in counts:
        running += count
        shares.append(running / total)
    distribution = np.array(shares)
    distribution.setflags(write=False)
    return distribution
