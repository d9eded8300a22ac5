"""Estimates with what is known about their error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate and the two ends of its confidence interval, which belong to it; an end may be infinite."""

    estimate: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Tell whether *value* lies outside."""
        return value < self.low or value > self.high

    def straddles(self, limit: float) -> bool:
        """Tell whether there is something of the interval on either side of *limit*."""
        return self.low < limit < self.high
