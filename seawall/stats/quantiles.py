"""Quantiles of latencies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SMALLEST_SAMPLE = {0.5: 2, 0.95: 59, 0.99: 299}
"""Below so many independent samples no 95 % upper bound of the quantile exists (0.95**59 < 0.05)."""


def quantile(values: FloatArray, share: float, censored: int = 0) -> float | None:
    """Return the linear-interpolated quantile, as numpy and k6 define it; None where the sample cannot tell.

    It cannot below `SMALLEST_SAMPLE`, nor where the rank falls among the *censored*: further values, known only to be
    larger than all others (requests that were never answered or never sent).
    """
    total = len(values) + censored
    if total < SMALLEST_SAMPLE[share]:
        return None
    rank = share * (total - 1)
    if int(np.ceil(rank)) >= len(values):
        return None
    ordered = np.partition(values, [int(rank), int(np.ceil(rank))])
    low, high = ordered[int(rank)], ordered[int(np.ceil(rank))]
    return float(low + (high - low) * (rank - int(rank)))
