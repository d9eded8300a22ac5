"""How many trials a comparison needs."""

from __future__ import annotations

import math

import numpy as np

from seawall.stats.distributions import student_quantile
from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.mann_whitney import EXACT_PAIRS, coverage, critical_pairs
from seawall.stats.quantiles import FloatArray
from seawall.stats.ratios import FEWEST_TRIALS, logarithms

MOST_TRIALS = 1_000
"""More trials an arm than anyone will run; the answer stops here."""

RANKS_AGAINST_MEANS = math.pi / 3
"""The variance of Hodges and Lehmann's estimate against that of a mean, where the noise is normal (Lehmann 1975)."""


def spread_between_trials(base: FloatArray, arm: FloatArray) -> float:
    """Return the standard deviation between trials of one arm, pooled over both, of the figures' logarithms.

    Raises `TooFewTrials` below two trials an arm, `BadFigures` where a figure is not positive.
    """
    if min(len(base), len(arm)) < 2:  # noqa: PLR2004 - one figure has no spread
        raise TooFewTrials("One trial shows no spread: run at least 2 an arm")
    squares = sum(float(np.square((logs := logarithms(figures)) - logs.mean()).sum()) for figures in (base, arm))
    return math.sqrt(squares / (len(base) + len(arm) - 2))


def trials_for_precision(spread: float, precision: float = 0.10, confidence: float = 0.95) -> int:
    """Return about how many trials an arm give a ratio whose interval reaches at most *precision* to either side.

    *spread* is that of `spread_between_trials`; *precision* 0.10 asks for an interval from the ratio divided by 1.10 to
    the ratio times 1.10. The half width is Student's for two arms of so many trials, at the confidence that the ordered
    differences of so few trials really have (97.1 % at four), widened for their being ranks (Lehmann 1975, chapter 2).
    A spread seen in four or five trials is itself uncertain by a third, so ask again once the trials are run.
    At most `MOST_TRIALS`.
    """
    if precision <= 0 or not spread >= 0:
        raise BadFigures(f"A spread of {spread} and a precision of {precision} cannot be: give 0 or more, and above 0")
    trials = FEWEST_TRIALS
    while trials < MOST_TRIALS and half_width(spread, trials, confidence) > math.log1p(precision):
        trials += 1
    return trials


def half_width(spread: float, trials: int, confidence: float = 0.95) -> float:
    """Return how far, on the logarithmic scale, the interval of a ratio reaches to either side with so many trials.

    Infinite where so few trials give no interval of that confidence.
    """
    pairs = critical_pairs(trials, trials, confidence)
    if not pairs:
        return math.inf
    attained = coverage(trials, trials, pairs) if trials * trials <= EXACT_PAIRS else confidence
    factor = student_quantile((1 + attained) / 2, 2 * trials - 2)
    return factor * spread * math.sqrt(RANKS_AGAINST_MEANS * 2 / trials)


def trials_for_ratio(base: FloatArray, arm: FloatArray, precision: float = 0.10, confidence: float = 0.95) -> int:
    """Return about how many trials an arm, with the spread seen in these, give a ratio of the asked precision."""
    return trials_for_precision(spread_between_trials(base, arm), precision, confidence)
