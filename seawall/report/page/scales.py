"""Where a value stands on an axis, and which values are written there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

Tick = tuple[float, str]
_STEPS: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.5, (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)), (1.1, (1, 1.5, 2, 3, 5, 7)), (2.2, (1, 2, 5)), (3.2, (1, 3)),
    (math.inf, (1,)),
)  # fmt: skip
"""How a decade is divided where so many of them are shown."""


class Scale(Protocol):
    """Maps values to places from 0 (the axis's start) to 1."""

    def place(self, value: float) -> float:
        """Return where *value* stands; outside of 0 to 1 where it is off the axis."""
        ...

    def ticks(self) -> list[Tick]:
        """Return the values that are written at the axis, with their texts."""
        ...


@dataclass(frozen=True)
class Linear:
    """Equal steps; starts at 0 unless *low* says otherwise."""

    high: float
    low: float = 0.0
    wanted: int = 5

    def place(self, value: float) -> float:
        """Return where *value* stands."""
        return (value - self.low) / ((self.high - self.low) or 1.0)

    def ticks(self) -> list[Tick]:
        """Return round values."""
        step = round_step((self.high - self.low) / self.wanted or 1.0)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(number * step, short(number * step)) for number in range(first, last + 1)]


@dataclass(frozen=True)
class Log:
    """Equal ratios; *low* is above 0."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where *value* stands; what is not above 0 lies at the start."""
        span = math.log(self.high / self.low) or 1.0
        return math.log(max(value, self.low * 1e-3) / self.low) / span

    def ticks(self) -> list[Tick]:
        """Return powers of ten, and between them as many as there is room for."""
        decades = math.log10(self.high / self.low)
        digits = next(digits for most, digits in _STEPS if decades <= most)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [digit * 10.0**power for power in powers for digit in digits]
        return [(value, short(value)) for value in found if self.low * 0.999 <= value <= self.high * 1.001]


@dataclass(frozen=True)
class Named:
    """Things beside one another, by their number from 0, each with as much room as the others."""

    names: tuple[str, ...]

    def place(self, value: float) -> float:
        """Return where the middle of number *value* stands."""
        return (value + 0.5) / max(1, len(self.names))

    def ticks(self) -> list[Tick]:
        """Return all names."""
        return [(float(number), name) for number, name in enumerate(self.names)]


@dataclass(frozen=True)
class Percentile:
    """Shares of requests, with the slow end drawn out, as in HdrHistogram's plots: each nine takes as much room."""

    most: float = 0.9999

    def place(self, value: float) -> float:
        """Return where the share *value* stands."""
        return math.log10(1 - min(value, self.most)) / math.log10(1 - self.most)

    def ticks(self) -> list[Tick]:
        """Return the shares that people name."""
        named = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)
        return [(share, f"{share * 100:.6g}") for share in named if share <= self.most]


def linear(values: list[float]) -> Linear:
    """Return a scale from 0 that holds *values*."""
    high = max(values, default=1.0) or 1.0
    step = round_step(high / 5)
    return Linear(math.ceil(high / step * 1.0001) * step)


def logarithmic(values: list[float]) -> Log:
    """Return a scale of ratios with a little room around *values*."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    room = max(1.1, (high / low) ** 0.06)
    return Log(low / room, high * room)


def round_step(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least *step*."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= step * 0.999)


def short(value: float) -> str:
    """Return *value* in few characters: 0.05, 20, 4,000, 1.5 M."""
    if abs(value) >= 1e6:  # noqa: PLR2004
        return f"{value / 1e6:.4g} M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"  # noqa: PLR2004
