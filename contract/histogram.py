"""Histograms in plain integers: counting is part of hot paths, making metrics of it is not."""

from __future__ import annotations

from bisect import bisect_left

_NS = 1_000_000_000


def _steps(first: int, last: int) -> tuple[int, ...]:
    """Return 1, 2, 5, 10, 20, 50, ... from *first* to *last*."""
    powers = (10**power for power in range(len(str(last))))
    return tuple(bound for power in powers for bound in (power, 2 * power, 5 * power) if first <= bound <= last)


LOOKUP_BOUNDS_NS = _steps(5_000, _NS)
"""5 us to a second, for what is mostly found in memory."""
TIME_BOUNDS_NS = _steps(100_000, 20 * _NS)
"""100 us to 20 seconds, for requests and their stages."""
SIZE_BOUNDS = _steps(1, 50_000)
"""1 to 50,000, for records of a batch."""


class Histogram:
    """How many values were up to each of its bounds, and how many were larger."""

    __slots__ = ("bounds", "buckets", "sum")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        """*bounds* ascend."""
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.sum = 0

    def observe(self, value: int) -> None:
        """Count one value."""
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.buckets)

    def cumulated(self, per: int = 1) -> list[tuple[str, float]]:
        """Return for each upper bound, divided by *per*, how many values were up to it; the last is ``+Inf``."""
        total = 0
        found: list[tuple[str, float]] = []
        for bound, count in zip([*(f"{bound / per:g}" for bound in self.bounds), "+Inf"], self.buckets, strict=True):
            total += count
            found.append((bound, total))
        return found


class Durations(Histogram):
    """A histogram of nanoseconds, shown in seconds."""

    __slots__ = ()

    def __init__(self, bounds: tuple[int, ...] = TIME_BOUNDS_NS) -> None:
        super().__init__(bounds)

    @property
    def sum_s(self) -> float:
        """The sum, in seconds."""
        return self.sum / _NS

    def cumulated_s(self) -> list[tuple[str, float]]:
        """Return for each upper bound in seconds how many were up to it."""
        return self.cumulated(_NS)
