"""When a user sends: the one point where open and closed loop differ.

A pace hands out *intended* times, nanoseconds of the monotonic clock, and None when the user is done.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Literal, Protocol

Arrival = Literal["uniform", "poisson", "closed"]
"""How a user's requests follow each other: evenly, at random with the same mean, or each after the last answer."""


class Pace(Protocol):
    """Decides when each request of one user is meant to be sent."""

    def next_ns(self, now_ns: int) -> int | None:
        """Return the next intended time, which may lie in the past, or None at the end."""
        ...

    def due(self, now_ns: int) -> int:
        """Return how many requests should have been sent by now and were not asked for."""
        ...


class Scheduled:
    """Open loop: an absolute schedule, so a late answer never delays the next request's intended time."""

    def __init__(self, rate_per_s: float, start_ns: int, end_ns: int | None, phase: float) -> None:
        """*phase*, from 0 up to 1, spreads users over the first interval."""
        if not rate_per_s > 0:
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
        return self._left_before(self._end_ns)

    def due(self, now_ns: int) -> int:
        """Return how many of the schedule's times have come and were not handed out."""
        return self._left_before(now_ns + 1 if self._end_ns is None else min(now_ns + 1, self._end_ns))

    def _left_before(self, limit_ns: int) -> int:
        return max(0, -((self._next_ns - limit_ns) // self._interval_ns))


class Poisson(Scheduled):
    """Open loop with random gaps: an absolute schedule as well, drawn from the seed, at the same rate on the whole.

    Many independent visitors arrive like this, in clusters and with pauses (a Poisson process).
    """

    def __init__(self, rate_per_s: float, start_ns: int, end_ns: int | None, seed: str) -> None:
        super().__init__(rate_per_s, start_ns, end_ns, 0.0)
        self._gaps = random.Random(seed)
        self._next_ns += self._gap_ns()

    def next_ns(self, now_ns: int) -> int | None:  # noqa: ARG002 - the schedule does not ask how late it is
        """Return the schedule's next time, a random gap after the one before, whatever happened."""
        intended_ns = self._next_ns
        if self._end_ns is not None and intended_ns >= self._end_ns:
            return None
        self._next_ns += self._gap_ns()
        return intended_ns

    def _gap_ns(self) -> int:
        return int(self._gaps.expovariate(1.0) * self._interval_ns)

    def _left_before(self, limit_ns: int) -> int:
        """Count by drawing the gaps, which are then drawn again."""
        state, next_ns, count = self._gaps.getstate(), self._next_ns, 0
        while next_ns < limit_ns:
            next_ns += self._gap_ns()
            count += 1
        self._gaps.setstate(state)
        return count


class Tickets:
    """A number of requests that users share."""

    def __init__(self, count: float) -> None:
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

    def due(self, now_ns: int) -> int:  # noqa: ARG002 - nothing is late where nothing is scheduled
        """Return 0."""
        return 0


class NotStarted:
    """The pace of a user whose `on_start` has not been called."""

    def next_ns(self, now_ns: int) -> int | None:  # noqa: ARG002 - see `Pace`
        """Raise `RuntimeError`: the user has no schedule."""
        raise RuntimeError("this user has no schedule: an `on_start` of its own must end with `super().on_start()`")

    def due(self, now_ns: int) -> int:  # noqa: ARG002 - see `Pace`
        """Return 0."""
        return 0


def schedule_of(
    arrival: Arrival,
    rate_per_s: float,
    start_ns: int,
    end_ns: int | None,
    *,
    seed: int,
    user: int,
    users: int | None = None,
) -> Scheduled:
    """Return the schedule of one user of an open loop; equal arguments give the same times again.

    Where it is known how many *users* there are, the same moments fall to them in the order of their numbers. Who is
    next then lies beside who was last in the generator's memory, which saves a tenth of its time with ten thousand.
    """
    if arrival == "poisson":
        return Poisson(rate_per_s, start_ns, end_ns, f"{seed}/{user}/arrivals")
    phase = phase_of(seed, user) if users is None else _phases_in_order(seed, users)[user]
    return Scheduled(rate_per_s, start_ns, end_ns, phase)


@lru_cache(maxsize=4)
def _phases_in_order(seed: int, users: int) -> list[float]:
    return sorted(phase_of(seed, user) for user in range(users))


def phase_of(seed: int, user: int) -> float:
    """Return the part of an interval by which *user* starts late: seeded, spread evenly over users."""
    return random.Random(seed * 1_000_003 + user).random()
