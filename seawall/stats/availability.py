"""In how much of the time the service did what was asked of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seawall.stats.distributions import normal_quantile
from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval

WELL_ENOUGH = 0.99
"""Of a second's offered requests so many must succeed for the service to count as available in it."""


@dataclass(frozen=True)
class Availability:
    """The share of the judged seconds in which the service was available."""

    share: Interval
    available: int
    windows: int


def availability(
    intended_s: npt.NDArray[np.float64], succeeded: npt.NDArray[np.bool_], start_s: float, end_s: float
) -> Availability:
    """Return in which share of one-second windows at least 99 % of the offered requests succeeded.

    Requests belong to the second in which they were *intended*; those that were never sent or answered are offered too,
    and have not *succeeded*. Windows run from *start_s* in whole seconds, a rest of a second is left out, and so are
    seconds in which nothing was offered. The interval is Wilson's (1927) at 95 %, of independent seconds: one outage
    of a minute tells less than sixty of a second, so see several trials. To prove 99.9 % takes 3,838 seconds without
    a single bad one.
    Raises `TooFewSamples` where no whole second was offered anything.
    """
    if len(intended_s) != len(succeeded):
        raise BadFigures(f"{len(intended_s)} times and {len(succeeded)} outcomes do not belong together")
    seconds = max(0, math.floor(end_s - start_s))
    index = np.floor(intended_s - start_s).astype(np.int64)
    judged = (index >= 0) & (index < seconds)
    offered = np.bincount(index[judged], minlength=seconds)
    good = np.bincount(index[judged & succeeded], minlength=seconds)
    windows = int((offered > 0).sum())
    if not windows:
        raise TooFewSamples("No whole second was offered a request: measure for a second or longer")
    available = int(((offered > 0) & (good >= WELL_ENOUGH * offered)).sum())
    return Availability(wilson_interval(available, windows), available, windows)


def wilson_interval(hits: int, draws: int, confidence: float = 0.95) -> Interval:
    """Estimate a share from independent draws, with Wilson's score interval (Wilson 1927; Brown, Cai & DasGupta 2001).

    Unlike the usual one it is honest near 0 and 1. Raises `TooFewSamples` where there are no draws.
    """
    if draws < 1:
        raise TooFewSamples("A share of nothing has no interval: there must be one draw at least")
    if not 0 <= hits <= draws:
        raise BadFigures(f"{hits} of {draws} cannot be")
    z = normal_quantile((1 + confidence) / 2)
    share = hits / draws
    centre = (share + z * z / (2 * draws)) / (1 + z * z / draws)
    reach = z / (1 + z * z / draws) * math.sqrt(share * (1 - share) / draws + z * z / (4 * draws * draws))
    # At the ends Wilson's bounds are 0 and 1, which rounding would miss.
    return Interval(share, max(0.0, centre - reach) if hits else 0.0, min(1.0, centre + reach) if hits < draws else 1.0)
