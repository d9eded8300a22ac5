"""How many times larger one arm is than another."""

from __future__ import annotations

from typing import Literal

import numpy as np

from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.intervals import Interval
from seawall.stats.mann_whitney import critical_pairs
from seawall.stats.quantiles import FloatArray

FEWEST_TRIALS = 4
"""Four against four is the smallest even number of trials of which a 95 % interval can be had (97.1 % in fact)."""

Comparison = Literal["larger", "smaller", "equivalent", "no difference shown"]


def hodges_lehmann_ratio(base: FloatArray, arm: FloatArray, confidence: float = 0.95) -> Interval:
    """Estimate how many times larger *arm* is than *base*, with an interval of at least *confidence*.

    Both hold one positive figure a trial, shape ``(trials,)``, same unit. The median of all pairwise log-differences
    (Hodges & Lehmann 1963) is exponentiated; the interval inverts the Mann-Whitney test: it is the shortest between two
    of the ordered differences, as far from either end, that covers enough (Lehmann 1975, chapter 2). Few trials leave
    no choice: four against four cover 97.1 %, five against five 96.8 %. Tied figures make it cover more, never less.
    Raises `TooFewTrials` below four trials an arm, where no 95 % interval exists, and where *confidence* asks for more
    trials than that; `BadFigures` where a figure is not positive.
    """
    pairs = critical_pairs(len(base), len(arm), confidence)
    if min(len(base), len(arm)) < FEWEST_TRIALS or not pairs:
        raise TooFewTrials(
            f"{len(base)} against {len(arm)} trials give no {confidence:.0%} interval of a ratio: "
            f"run at least {_enough(confidence)} trials an arm"
        )
    differences = np.sort(np.subtract.outer(logarithms(arm), logarithms(base)).ravel())
    return Interval(
        estimate=float(np.exp(np.median(differences))),
        low=float(np.exp(differences[pairs - 1])),
        high=float(np.exp(differences[-pairs])),
    )


def logarithms(figures: FloatArray) -> FloatArray:
    """Return the figures on the scale where ratios are differences; `BadFigures` where one is not positive."""
    if not (np.isfinite(figures).all() and (figures > 0).all()):
        raise BadFigures("A ratio needs positive figures: leave out trials without one, and say so")
    logs: FloatArray = np.log(figures)
    return logs


def is_significant(ratio: Interval) -> bool:
    """Tell whether the arms differ by more than chance explains: whether the interval leaves out 1."""
    return ratio.excludes(1.0)


def compare_with_band(ratio: Interval, band: float = 0.05) -> Comparison:
    """Name what a ratio says, where differences within *band* do not matter in practice.

    "equivalent": the whole interval lies from 1 / (1 + band) to 1 + band, as two one-sided tests would have it
    (Schuirmann 1987), even where it leaves out 1. "larger" and "smaller": it leaves out 1 and reaches out of the band.
    "no difference shown": it holds 1 and reaches out of the band, so more trials could show either.
    """
    if ratio.low >= 1 / (1 + band) and ratio.high <= 1 + band:
        return "equivalent"
    if not is_significant(ratio):
        return "no difference shown"
    return "larger" if ratio.low > 1 else "smaller"


def _enough(confidence: float) -> int:
    trials = FEWEST_TRIALS
    while not critical_pairs(trials, trials, confidence):
        trials += 1
    return trials
