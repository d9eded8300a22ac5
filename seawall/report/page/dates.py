"""An axis of time, in UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seawall.report.page.scales import Tick

_DAY_S = 86_400.0
_DAYS = (1, 2, 3, 7, 14, 28)
_HOURS = (1, 2, 3, 6, 12)
_MONTHS = (1, 2, 3, 6, 12)
_MOST_TICKS = 5
_ROOM = 0.04
"""So much of the axis is free at either end, so that no mark stands on its edge."""


@dataclass(frozen=True)
class Dates:
    """Equal times; values are seconds since the epoch."""

    first: float
    last: float

    def place(self, value: float) -> float:
        """Return where *value* stands; in the middle where there is one moment only."""
        span = self.last - self.first
        return _ROOM + (1 - 2 * _ROOM) * (value - self.first) / span if span > 0 else 0.5

    def ticks(self) -> list[Tick]:
        """Return hours, days or months, at most five of them."""
        days = (self.last - self.first) / _DAY_S
        if days < 1 / 24:
            middle = (self.first + self.last) / 2
            return [(middle, _day(datetime.fromtimestamp(middle, UTC)))]
        if days <= 2:  # noqa: PLR2004
            step = _wide_enough(_HOURS, days * 24) * 3600.0
            return [(at, f"{datetime.fromtimestamp(at, UTC):%H:%M}") for at in self._multiples(step)]
        if days <= _DAYS[-1] * _MOST_TICKS:
            step = _wide_enough(_DAYS, days) * _DAY_S
            return [(at, _day(datetime.fromtimestamp(at, UTC))) for at in self._multiples(step)]
        return self._months(_wide_enough(_MONTHS, days / 30.4))

    def _multiples(self, step: float) -> list[float]:
        first, last = math.ceil(self.first / step), math.floor(self.last / step)
        return [number * step for number in range(first, last + 1)]

    def _months(self, step: int) -> list[Tick]:
        at = datetime.fromtimestamp(self.first, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        found = []
        while at.timestamp() <= self.last:
            if at.timestamp() >= self.first and (at.year * 12 + at.month - 1) % step == 0:
                found.append((at.timestamp(), f"{at:%Y-%m}"))
            at = (at + timedelta(days=32)).replace(day=1)
        return found


def _wide_enough(steps: tuple[int, ...], span: float) -> int:
    """Return the smallest of *steps* of which no more fit into *span* than there is room for."""
    return next((step for step in steps if span / step < _MOST_TICKS), math.ceil(span / _MOST_TICKS))


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"
