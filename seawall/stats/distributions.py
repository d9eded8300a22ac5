"""Quantiles of the distributions that intervals are made of.

From ``scipy.special`` and not ``scipy.stats``, whose import takes half a second.
"""

from __future__ import annotations

import math

import scipy  # type: ignore[import-untyped]  # scipy ships no types, and loads its parts when they are used


def binomial_quantile(probability: float, draws: int, share: float) -> int:
    """Return the smallest count that a binomial variable stays at or below with at least *probability*."""
    count = math.ceil(binomial_root(probability, draws, share))
    below = max(count - 1, 0)
    # The root is found numerically: where it lies on a whole number, rounding up may have gone one too far.
    return below if float(scipy.special.bdtr(below, draws, share)) >= probability else count


def binomial_root(probability: float, draws: float, share: float) -> float:
    """Return where the continuous extension of the binomial distribution function reaches *probability*."""
    return float(scipy.special.bdtrik(probability, draws, share))


def chi_square_tail(value: float, freedom: float) -> float:
    """Return the probability that a chi-square variable exceeds *value*."""
    return float(scipy.special.chdtrc(freedom, value))


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return float(scipy.special.ndtri(probability))


def student_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution."""
    return float(scipy.special.stdtrit(freedom, probability))
