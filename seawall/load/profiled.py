"""Users who together follow a profile: which of its moments are whose, however many processes they are in.

Each user has a *place* from 0 up to the number of all. Who takes which place does not matter: the places' moments,
taken together, are always the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, tee

from seawall.load.pace import Arrival
from seawall.load.profile import Curve


def times_of(curve: Curve, arrival: Arrival, *, seed: int, place: int, places: int) -> Iterator[int]:
    """Yield when the user at *place* sends, in nanoseconds from the start; equal arguments give the same times again.

    ``uniform`` deals the moments at which the integrated rate is 1/2, 3/2, ... out in turn. ``poisson`` gives each
    place a Poisson process of its own with its share of the rate; taken together they are one with all of it.
    """
    for reached in _poisson(seed, place, places) if arrival == "poisson" else _in_turn(place, places):
        at_ns = curve.at_ns(reached)
        if at_ns is None:
            return
        yield at_ns


def _in_turn(place: int, places: int) -> Iterator[float]:
    for turn in count():
        yield place + turn * places + 0.5


def _poisson(seed: int, place: int, places: int) -> Iterator[float]:
    gaps = random.Random(f"{seed}/{place}/arrivals")
    reached = 0.0
    while True:
        reached += places * gaps.expovariate(1.0)
        yield reached


class AlongProfile:
    """Open loop: the absolute schedule of one place, from the instant at which all begin."""

    def __init__(self, times_ns: Iterator[int], start_ns: int) -> None:
        self._times_ns = times_ns
        self._start_ns = start_ns

    def next_ns(self, now_ns: int) -> int | None:  # noqa: ARG002 - the schedule does not ask how late it is
        """Return the schedule's next time, whatever happened; None at the profile's end."""
        after_ns = next(self._times_ns, None)
        return None if after_ns is None else self._start_ns + after_ns

    def due(self, now_ns: int) -> int:
        """Return how many of the schedule's times have come and were not handed out."""
        self._times_ns, ahead = tee(self._times_ns)
        owed = 0
        for after_ns in ahead:
            if self._start_ns + after_ns > now_ns:
                break
            owed += 1
        return owed
