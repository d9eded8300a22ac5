"""Ends waits for answers that take too long, without a timer for each request."""

from __future__ import annotations

import time
from typing import Protocol
from weakref import WeakKeyDictionary

from gevent.hub import Hub, get_hub

_PARTS = 20
_SHORTEST_S, _LONGEST_S = 0.01, 1.0


class Waiting(Protocol):
    """What may wait for an answer."""

    sent_ns: int
    answer_s: float

    def expire(self) -> None:
        """End the wait, if there is one; called from the loop."""
        ...


class Patience:
    """Looks now and then through all connections; a wait ends a twentieth late at most, never more than a second."""

    def __init__(self) -> None:
        self._groups: dict[float, set[Waiting]] = {}

    def group(self, longest_s: float) -> set[Waiting]:
        """Return the set for those who wait for at most *longest_s*; they are in it as long as they may wait."""
        waiting = self._groups.get(longest_s)
        if waiting is None:
            waiting = self._groups[longest_s] = set()
            every_s = min(max(longest_s / _PARTS, _SHORTEST_S), _LONGEST_S)
            timer = get_hub().loop.timer(every_s, every_s, ref=False)
            timer.start(self._look, waiting, timer)
        return waiting

    def _look(self, waiting: set[Waiting], _: object) -> None:
        now_ns = time.monotonic_ns()
        for who in [who for who in waiting if now_ns - who.sent_ns > who.answer_s * 1e9]:
            who.expire()


_of_hubs: WeakKeyDictionary[Hub, Patience] = WeakKeyDictionary()


def patience() -> Patience:
    """Return the one of the running hub; a process that forks has one of its own in each part."""
    hub = get_hub()
    found = _of_hubs.get(hub)
    if found is None:
        found = _of_hubs[hub] = Patience()
    return found
