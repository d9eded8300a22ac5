"""One run of k6: what it was asked for, and what was seen of it from outside while it went on."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from contract.topics import PARTITIONS

_TIGHT_NS = 50_000
_ATTEMPTS = 20


class ClockPair(NamedTuple):
    """The same moment on both clocks of this host, ns."""

    monotonic_ns: int
    wall_ns: int


class K6Load(msgspec.Struct, frozen=True, kw_only=True):
    """What k6 was asked for."""

    run: tuple[int, int]
    """Milliseconds and nonce of the run whose ids were minted."""
    seed: int
    entity: str
    path: str
    scenario: str
    """``writes``, ``lookups`` or ``mix``."""
    users: int
    rate_per_s: int
    """Of all users together."""
    duration_s: float
    """Of the schedule, its warm-up included."""
    partitions: int = PARTITIONS


class K6Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over."""

    load: K6Load
    host: str
    """The service's address."""
    started_at: str
    csv: str
    """What k6 wrote by ``--out csv``."""
    clock: list[ClockPair]
    """From before its start until after its end."""
    cpu: list[tuple[int, float]]
    """Monotonic ns, and the processor seconds that k6 had used by then."""
    cores: int
    """So many it could have kept busy."""
    interrupted_ns: int | None = None
    """Monotonic: when it was told to stop before its time."""


def clock_pair() -> ClockPair:
    """Return both clocks' word on now, to some 50 µs where the machine lets us read both in that time."""
    best_ns, best = None, ClockPair(0, 0)
    for _ in range(_ATTEMPTS):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        if best_ns is None or after_ns - before_ns < best_ns:
            best_ns, best = after_ns - before_ns, ClockPair((before_ns + after_ns) // 2, wall_ns)
        if best_ns < _TIGHT_NS:
            break
    return best
