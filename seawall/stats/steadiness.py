"""Whether a run had settled when it was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # type: ignore[import-untyped]  # scipy ships no types, and loads its parts when they are used

from seawall.stats.distributions import student_quantile
from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

BATCH = 5
FEWEST_BATCHES = 4
"""Fewer batches leave neither a slope nor a scatter with a meaning."""

FEWEST_FOR_A_SLOPE = 6
"""Five means rise one after the other by chance once in 120 times, which no 99 % interval can leave out."""

BY_CHANCE = 0.995
"""One-sided, and stricter than usual: MSER-5 has chosen the stretch because it looks different."""


@dataclass(frozen=True)
class Steadiness:
    """What the judged part of a series looks like."""

    steady: bool
    reasons: tuple[str, ...]
    """Why it is not steady; empty where it is."""
    settled_after: int | None
    """MSER-5's truncation of the whole series, in its points; None where it never settles."""
    drift: Interval
    """By how much the judged part changes from its first to its last point, as a share of its median (99 %)."""


def mser5(series: FloatArray) -> int | None:
    """Return how many points to cut off the start so that the rest estimates its mean best; None if more than half.

    MSER-5 (White 1997): over means of five points, the cut that leaves the smallest squared standard error. A minimum
    in the second half means that the series never settles (Hoad, Robinson & Davies 2010). The last four means, where so
    few can agree by chance, are no candidates.
    Raises `TooFewSamples` below 20 points, `BadFigures` where one is not finite.
    """
    _check(series)
    cut = _best_cut(series)
    return None if cut > len(series) / 2 else cut


def is_steady(series: FloatArray, warmup: int, tolerance: float = 0.10) -> Steadiness:
    """Tell whether a series of figures at equal steps, usually seconds, had settled after its first *warmup* points.

    The warm-up is fixed beforehand and judged, never chosen by the series: cutting every run where it looks best biases
    comparisons (as pyperf's documentation argues). The run is not steady

    * where MSER-5 of the whole series cuts later than the warm-up, and what it cuts there differs from the rest by more
      than *tolerance* and by more than chance: alone, MSER-5 cuts more than a tenth of a series without any transient
      once in three times;
    * or where the Theil-Sen slope (Sen 1968) of the judged part has a 99 % interval without 0 and comes to more than
      *tolerance* of the median. It is that of means of three to five points, which depend less on each other.

    Raises `TooFewSamples` below 20 judged points, `BadFigures` where one is not finite or their median not positive.
    """
    if warmup < 0:
        raise BadFigures(f"A warm-up of {warmup} points cannot be: give 0 or more")
    judged = series[warmup:]
    _check(series)
    _check(judged)
    drift = _drift(judged)
    settled_after = mser5(series)
    cut = _best_cut(series)
    reasons = []
    if cut > warmup and not _alike(series[warmup:cut], series[cut:], tolerance):
        reasons.append(f"it settles only after {cut} of {len(series)} points, the warm-up being {warmup} (MSER-5)")
    if drift.excludes(0.0) and abs(drift.estimate) > tolerance:
        reasons.append(f"it drifts by {drift.estimate:+.0%} while measured ({drift.low:+.0%} to {drift.high:+.0%})")
    return Steadiness(not reasons, tuple(reasons), settled_after, drift)


def _drift(series: FloatArray) -> Interval:
    batch = min(BATCH, len(series) // FEWEST_FOR_A_SLOPE)
    means = _batch_means(series, batch)
    median = float(np.median(means))
    if median <= 0:
        raise BadFigures("A drift is a share of the median, which must be positive: judge rates or latencies")
    slope = scipy.stats.theilslopes(means, np.arange(len(means)) * batch, alpha=0.99)
    length = len(series) - 1
    return Interval(*(float(figure) * length / median for figure in (slope.slope, slope.low_slope, slope.high_slope)))


def _best_cut(series: FloatArray) -> int:
    means = _batch_means(series)
    left = np.arange(len(means), 0, -1).astype(np.float64)
    # From the end backwards, so that one pass gives sum and squares of every rest; centred against cancellation.
    centred = means - means.mean()
    sums, squares = np.cumsum(centred[::-1])[::-1], np.cumsum(centred[::-1] ** 2)[::-1]
    errors = (squares - sums**2 / left) / left**2
    cut = int(np.argmin(errors[: len(means) - FEWEST_BATCHES + 1]))
    return cut * BATCH + len(series) % BATCH if cut else 0


def _alike(first: FloatArray, rest: FloatArray, tolerance: float) -> bool:
    """Tell whether two stretches differ by no more than *tolerance*, or by no more than chance.

    Their means have to differ, and their medians, too: a bad moment lifts the mean of the few points around it as a
    transient does, but most of a transient's points are off.
    """
    if abs(float(np.median(first)) - float(np.median(rest))) <= tolerance * abs(float(np.median(rest))):
        return True
    difference = abs(float(first.mean()) - float(rest.mean()))
    scatters = [means - means.mean() for part in (first, rest) if len(means := _batch_means(part)) > 1]
    freedom = sum(len(scatter) - 1 for scatter in scatters)
    variance = sum(float(scatter @ scatter) for scatter in scatters) / freedom
    error = math.sqrt(variance * (BATCH / len(first) + BATCH / len(rest)))
    return difference <= max(tolerance * abs(float(rest.mean())), student_quantile(BY_CHANCE, freedom) * error)


def _batch_means(series: FloatArray, batch: int = BATCH) -> FloatArray:
    # What does not fill a batch is left out at the start, where it matters least.
    means: FloatArray = series[len(series) % batch :].reshape(-1, batch).mean(axis=1)
    return means


def _check(series: FloatArray) -> None:
    if not np.isfinite(series).all():
        raise BadFigures("A figure of the series is not finite: leave out seconds without one")
    if len(series) < FEWEST_BATCHES * BATCH:
        raise TooFewSamples(
            f"{len(series)} points do not show whether a run is steady: measure {FEWEST_BATCHES * BATCH} or more"
        )
