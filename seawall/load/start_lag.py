"""How late requests left, counted so that it can be added up over processes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

_FINEST_MS = 0.1
_PER_E_FOLD = 100
"""Buckets are 1 % wide, and 1 µs near 0."""


class StartLag:
    """A histogram of *sent - intended*, in buckets of 1 %; two of them add up exactly."""

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts = Counter(counts or {})

    def add(self, lags_ns: npt.NDArray[np.int64]) -> None:
        """Count the lags of some requests."""
        lags_ms = np.maximum(lags_ns, 0) / 1e6
        numbers = np.rint(np.log1p(lags_ms / _FINEST_MS) * _PER_E_FOLD).astype(np.int64)
        found = np.bincount(numbers)
        for number in np.flatnonzero(found).tolist():
            self.counts[number] += int(found[number])

    def merge(self, other: StartLag) -> None:
        """Add what *other* counted."""
        self.counts.update(other.counts)

    def quantile_ms(self, share: float) -> float | None:
        """Return the lag that *share* of the requests did not exceed; None where there are none."""
        wanted, seen = share * self.counts.total(), 0
        for number in sorted(self.counts):
            seen += self.counts[number]
            if seen >= wanted:
                return float(np.expm1(number / _PER_E_FOLD) * _FINEST_MS)
        return None
