"""Two servers by turns, a fraction of a second each: the load of comparisons that ask after a few per cent.

``python -m benchmarks.api_turns`` reads a `Turns` from its input and prints a `TurnsSeen`. A machine's speed changes by
more than that within seconds, but hits two turns that follow one another alike. In its turn a server answers a closed
loop over all connections, and what is under way at its end is waited for. Its processor time is that of all turns, the
other's included: threads in its background may work then.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import time

import msgspec
import uvloop

from benchmarks.api_load import ApiLoad, Connection, Round, connected

_LOOK_S = 0.001
_ANSWERED_WITHIN_S = 15.0
_SCHEDULED = 2
"""Which clock of a process: what the scheduler gave to all its threads."""
_SETTLES_S = 0.5


class Turns(msgspec.Struct, kw_only=True, frozen=True):
    """What to send to whom."""

    sides: tuple[ApiLoad, ApiLoad]
    """Of each its server, path, key and connections; its seconds and rate mean nothing here."""
    turns: int
    """Of each side, in the order A B B A."""
    turn_s: float
    warmup_s: float
    core: int
    """The processor that the load is bound to."""


class TurnsSeen(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it, a figure a side."""

    requests: tuple[int, int]
    failed: tuple[int, int]
    """Answered without success, or not at all."""
    cpu_s: tuple[float, float]
    """Of the server, user and system, all its threads, those that have ended as well."""
    seconds: tuple[float, float]
    """Of its turns, each from the first request to the last answer."""
    busy_s: tuple[float, float]
    """Of `cpu_s`, what was used in its own turns."""


class _Side:
    """One server and the connections to it."""

    def __init__(self, load: ApiLoad, shared: Round, connections: list[Connection]) -> None:
        self._shared, self._connections = shared, connections
        self._clock = (~load.pid << 3) | _SCHEDULED  # of another process: MAKE_PROCESS_CPUCLOCK of Linux
        self.seconds = self.busy_s = 0.0

    @property
    def cpu_s(self) -> float:
        """What the server has used so far."""
        return time.clock_gettime(self._clock)

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self._shared.times_s)

    @property
    def failed(self) -> int:
        """How many of them without success, and how many were not."""
        return self._shared.failed + self._shared.waiting

    def begin(self) -> None:
        """Count from now on."""
        self._shared.times_s.clear()
        self._shared.counting, self.seconds, self.busy_s = True, 0.0, 0.0

    async def turn(self, seconds: float) -> None:
        """Keep it busy for so many *seconds*."""
        begun_s, begun_cpu_s = time.monotonic(), self.cpu_s
        self._shared.ending = False
        for connection in self._connections:
            connection.send(begun_s)
        await asyncio.sleep(seconds)
        self._shared.ending = True
        give_up_s = time.monotonic() + _ANSWERED_WITHIN_S
        while self._shared.waiting and time.monotonic() < give_up_s:  # noqa: ASYNC110 - answers come or not
            await asyncio.sleep(_LOOK_S)
        self.seconds += time.monotonic() - begun_s
        self.busy_s += self.cpu_s - begun_cpu_s


async def _run(load: Turns) -> TurnsSeen:
    sides = []
    for one in load.sides:
        shared = Round(one, closed_loop=True)
        sides.append(_Side(one, shared, await connected(one, shared)))
    gc.collect()
    gc.freeze()
    gc.disable()
    for side in sides:
        await side.turn(load.warmup_s)
    first, second = sides
    await asyncio.sleep(_SETTLES_S)  # what is done behind an answer belongs to the turn before
    for side in sides:
        side.begin()
    begun_s = first.cpu_s, second.cpu_s
    for number in range(load.turns):
        for side in sides if number % 2 == 0 else reversed(sides):
            await side.turn(load.turn_s)
        if first.failed or second.failed:
            break  # nothing can be said any more
    await asyncio.sleep(_SETTLES_S)
    return TurnsSeen(
        requests=(first.requests, second.requests),
        failed=(first.failed, second.failed),
        cpu_s=(first.cpu_s - begun_s[0], second.cpu_s - begun_s[1]),
        busy_s=(first.busy_s, second.busy_s),
        seconds=(first.seconds, second.seconds),
    )


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Turns)
    os.sched_setaffinity(0, {wanted.core})
    print(msgspec.json.encode(uvloop.run(_run(wanted))).decode())
