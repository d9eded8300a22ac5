"""A rate that changes over time, and the moments at which its requests are due."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import sqrt

import msgspec

ATTAIN_PER_S = (1_000.0, 5_000.0, 10_000.0, 12_000.0)
"""The upper ends of the stages of `attain`."""
HEADROOM = 1.01
"""So much of a stage's upper end is offered there: of exactly that, a record too few would be visible in time."""


class Stage(msgspec.Struct, kw_only=True, frozen=True):
    """A time in which the rate stays as it is, or moves in a line from one to another."""

    name: str
    duration_s: float
    from_per_s: float
    to_per_s: float

    @property
    def judged(self) -> bool:
        """Whether it is a plateau: what happens while the rate moves is shown, and not judged."""
        return self.from_per_s == self.to_per_s

    @property
    def count(self) -> float:
        """The integral of its rate: so many requests are due in it, on the whole."""
        return (self.from_per_s + self.to_per_s) / 2 * self.duration_s


class Profile(msgspec.Struct, kw_only=True, frozen=True):
    """Stages that follow one another."""

    name: str
    stages: tuple[Stage, ...]

    @property
    def ends_ns(self) -> list[int]:
        """When each stage ends, in nanoseconds from the start."""
        return [round(end_s * 1e9) for end_s in accumulate(stage.duration_s for stage in self.stages)]

    @property
    def length_ns(self) -> int:
        """How long all of it takes."""
        return self.ends_ns[-1]

    @property
    def count(self) -> float:
        """The integral of the rate over all stages."""
        return sum(stage.count for stage in self.stages)

    @property
    def peak_per_s(self) -> float:
        """The highest rate."""
        return max(max(stage.from_per_s, stage.to_per_s) for stage in self.stages)

    def bounds_ns(self) -> list[tuple[int, int]]:
        """Return begin and end of each stage, in nanoseconds from the start; the end belongs to the next."""
        ends = self.ends_ns
        return list(zip([0, *ends], ends, strict=False))


class Curve:
    """The inverse of a profile's integrated rate: when the integral reaches a count, a request is due."""

    def __init__(self, profile: Profile) -> None:
        self._stages = profile.stages
        self._begins_s = [0.0, *accumulate(stage.duration_s for stage in profile.stages)]
        self._counts = [0.0, *accumulate(stage.count for stage in profile.stages)]
        self._length_ns = profile.length_ns

    def at_ns(self, count: float) -> int | None:
        """Return when the integral is *count*, in nanoseconds from the start; None beyond the profile's end."""
        if count >= self._counts[-1]:
            return None
        number = bisect_right(self._counts, count) - 1
        stage, missing = self._stages[number], count - self._counts[number]
        rise = (stage.to_per_s - stage.from_per_s) / stage.duration_s
        # The root of rise/2 t² + from t = missing that keeps its digits where the rise is small, or none.
        root = sqrt(max(0.0, stage.from_per_s * stage.from_per_s + 2 * rise * missing))
        into_s = 2 * missing / (stage.from_per_s + root) if missing else 0.0
        at_ns = int((self._begins_s[number] + into_s) * 1e9)
        return at_ns if at_ns < self._length_ns else None
