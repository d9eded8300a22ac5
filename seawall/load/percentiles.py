"""Makes Locust's percentiles as exact as its integer-keyed histogram allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def bucket(response_time: float) -> int:
    """Round milliseconds to 1 ms up to a second and to three digits above, some 2,800 buckets up to 100 s.

    Locust's own function rounds 100 to 999 ms to tens, so a p95 of 195.1 ms reads as 200 and misses a 200 ms limit.
    """
    rounded = round(response_time)
    step = 1
    while rounded >= 1_000 * step:
        step *= 10
    return round(response_time / step) * step


def buckets(response_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the `bucket` of each of *response_ms*."""
    rounded = np.rint(response_ms)
    steps = np.ones_like(rounded)
    while (above := rounded >= 1_000 * steps).any():
        steps[above] *= 10
    return (np.rint(response_ms / steps) * steps).astype(np.int64)
