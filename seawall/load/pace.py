"""When a user sends: the one point where open and closed loop differ.

A pace hands out *intended* times, nanoseconds of the monotonic clock, and None when the user is done.
"""

from __future__ import annotations

import random
from typing import Protocol


class Pace(Protocol):
    """Decides when each request of one user is meant to be sent."""

    def next_ns(self, now_ns: int) -> int | None:
        """Return the next intended time, which may lie in the past, or None at the end."""
        ...


class Scheduled:
    """Open loop: an absolute schedule, so a late answer never delays the next request's intended time."""

    def __init__(self, rate_per_s: float, start_ns: int, end_ns: int | None, phase: float) -> None:
        """*phase*, from 0 up to 1, spreads users over the first interval."""
        if rate_per_s <= 0:
            raise ValueError("the rate per user must be above 0")
        self._interval_ns = round(1e9 / rate_per_s)
        self._next_ns = start_ns + int(phase * self._interval_ns)
        self._end_ns = end_ns

    def next_ns(self, now_ns: int) -> int | None:  # noqa: ARG002 - the schedule does not ask how late it is
        """Return the schedule's next time, one interval after the one before, whatever happened."""
        intended_ns = self._next_ns
        if self._end_ns is not None and intended_ns >= self._end_ns:
            return None
        self._next_ns += self._interval_ns
        return intended_ns

    def remaining(self) -> int:
        """Return how many requests the schedule still holds; only for one that ends."""
        if self._end_ns is None:
            raise ValueError("this schedule has no end")
        return max(0, -((self._next_ns - self._end_ns) // self._interval_ns))


class Tickets:
    """A number of requests that users share."""

    def __init__(self, count: int) -> None:
        self.left = count


class AsFastAsAnswered:
    """Closed loop: the next request follows the answer, until the shared tickets are used up."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def next_ns(self, now_ns: int) -> int | None:
        """Return *now_ns* while a ticket is left."""
        if self._tickets.left <= 0:
            return None
        self._tickets.left -= 1
        return now_ns


def phase_of(seed: int, user: int) -> float:
    """Return the part of an interval by which *user* starts late: seeded, spread evenly over users."""
    return random.Random(seed * 1_000_003 + user).random()
