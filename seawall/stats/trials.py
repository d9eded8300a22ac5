"""The typical figure of an arm, from one figure a trial."""

from __future__ import annotations

import numpy as np

from seawall.stats.distributions import student_quantile
from seawall.stats.errors import TooFewTrials
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray
from seawall.stats.ratios import logarithms

FEWEST_TRIALS = 2
"""With two, Student's t has one degree of freedom: narrow only where both agree, and a far limit is decided by it."""


def geometric_mean(figures: FloatArray, confidence: float = 0.95) -> Interval:
    """Estimate the geometric mean over trials, with Student's interval on the logarithms.

    *figures* holds one positive figure a trial, shape ``(trials,)``. The run is the unit: requests within one depend on
    one another, trials on fresh state do not (Kalibera & Jones 2013). Raises `TooFewTrials` below two, `BadFigures`
    where a figure is not positive and finite.
    """
    if len(figures) < FEWEST_TRIALS:
        raise TooFewTrials(f"{len(figures)} trials give no interval: run at least {FEWEST_TRIALS}")
    logs = logarithms(figures)
    mean = float(logs.mean())
    error = float(logs.std(ddof=1)) / np.sqrt(len(figures))
    reach = student_quantile(0.5 + confidence / 2, len(figures) - 1) * error
    return Interval(float(np.exp(mean)), float(np.exp(mean - reach)), float(np.exp(mean + reach)))
