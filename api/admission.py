"""Who is let in: nobody has to wait for long where refusing at once does better.

A queue that is long for a moment is what queues are for. One that stays long serves nobody in time, however much is
refused later: so once what stands first has waited too long for a while, newcomers are refused until it has not, and
the queue stays as short as that (the idea of CoDel, RFC 8289, at the front of the queue).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from api.settings import Settings
from contract.histogram import Durations

_STAYS_S = 1.0
"""A queue that has been too long is watched strictly for so long after it last was. Where too much comes it is too long
again within that; watched for longer, a service that is well again would refuse many at its next stall."""
_TICK_S = 0.01


class Crowd:
    """Tells whether newcomers are refused, by how long what stands first has waited."""

    def __init__(self, longest_s: float, patience_s: float) -> None:
        """Beyond *longest_s* a wait is too long, and newcomers are refused once that has lasted for *patience_s*."""
        self._longest_s, self._patience_s = longest_s, patience_s
        self._since_s: float | None = None
        self._looked_s = self._strict_until_s = 0.0
        self.refused = 0
        """How many were."""

    def refuses(self, waited_s: float, now_s: float, expected_s: float = 0.0) -> bool:
        """Tell whether one who comes now is refused, where what stands first has *waited_s*.

        *expected_s* is how long the one who comes will have to wait, where that is known. It counts only while the
        limit is kept strictly: those who come in the moment in which the first is served would else all be let in.
        """
        if expected_s > self._longest_s and now_s < self._strict_until_s:
            return self._refuse(now_s)
        if waited_s <= self._longest_s:
            self._since_s = None
            return False
        if now_s < self._strict_until_s:
            return self._refuse(now_s)
        # what waits longer than it is long ago that anybody looked was not there then: a new wait
        if self._since_s is None or now_s - self._looked_s > waited_s:
            self._since_s = now_s
        self._looked_s = now_s
        if now_s - self._since_s > self._patience_s:
            return self._refuse(now_s)
        return False

    def _refuse(self, now_s: float) -> bool:
        self._strict_until_s = now_s + _STAYS_S
        self.refused += 1
        return True


class Rate:
    """How many are served a second, of late."""

    _MEMORY_S = 0.5

    def __init__(self) -> None:
        self._per_s = self._since_s = 0.0

    def add(self, count: int, now_s: float) -> None:
        """Note that *count* were served."""
        self._per_s = self.per_s(now_s) + count / self._MEMORY_S
        self._since_s = now_s

    def per_s(self, now_s: float) -> float:
        """Return the rate; what is long ago counts little."""
        return self._per_s * math.exp((self._since_s - now_s) / self._MEMORY_S)


class Queue:
    """Those who wait for something, in the order in which they came."""

    def __init__(
        self, settings: Settings, *, longest_s: float | None = None, waits: Durations | None = None, one_in: int = 1
    ) -> None:
        """*longest_s* replaces the setting; *waits* takes how long *one_in* so many stood there."""
        longest_s = settings.queue_longest_ms / 1000 if longest_s is None else longest_s
        self._crowd = Crowd(longest_s, settings.queue_patience_ms / 1000)
        self._waits, self._one_in = waits, one_in
        self._came_s: dict[int, float] = {}
        self._next = 0

    def refuses(self) -> bool:
        """Tell whether newcomers are refused, since who stands first has waited too long."""
        if not self._came_s:
            return False
        now_s = time.monotonic()
        return self._crowd.refuses(now_s - next(iter(self._came_s.values())), now_s)

    def join(self) -> int:
        """Return a ticket to leave with."""
        ticket = self._next = self._next + 1
        self._came_s[ticket] = time.monotonic()
        return ticket

    def leave(self, ticket: int) -> None:
        """Have one out; may be called again."""
        came_s = self._came_s.pop(ticket, None)
        if self._waits is not None and not ticket % self._one_in and came_s is not None:
            self._waits.observe(int((time.monotonic() - came_s) * 1e9))

    def __len__(self) -> int:
        return len(self._came_s)

    @property
    def refused(self) -> int:
        """How many newcomers were."""
        return self._crowd.refused


class LoopQueue:
    """Requests that have come and that the event loop has not got to, told by how late its own ticks are."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._crowd = Crowd(settings.loop_longest_ms / 1000, settings.queue_patience_ms / 1000)
        self._now = now
        self._due_s = float("inf")
        self._late_s = 0.0
        """By how much the last tick came late: so long a turn of the loop took."""
        self._tick: asyncio.Handle | None = None

    def start(self) -> None:
        """Begin to tick."""
        now_s = self._now()
        self._late_s = max(0.0, now_s - self._due_s)
        self._due_s = now_s + _TICK_S
        self._tick = asyncio.get_running_loop().call_later(_TICK_S, self.start)

    def stop(self) -> None:
        """Tick no more."""
        if self._tick is not None:
            self._tick.cancel()
        self._due_s, self._late_s = float("inf"), 0.0

    def refuses(self) -> bool:
        """Tell whether a request that is looked at now came so late that it is refused."""
        now_s = self._now()
        return self._crowd.refuses(max(self._late_s, now_s - self._due_s), now_s)

    @property
    def refused(self) -> int:
        """How many requests were."""
        return self._crowd.refused

    @property
    def late_s(self) -> float:
        """By how much the last tick came late."""
        return self._late_s
