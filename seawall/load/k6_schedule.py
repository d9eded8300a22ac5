"""When k6 meant to send each request: its constant-arrival-rate executor, followed step by step.

It has a tick every whole number of nanoseconds, counted from the scenario's start, and at each starts an iteration or,
where no user is free, drops one. Iterations are numbered as they start, so those after a drop are behind the ticks by
one. The executor tells its start in whole milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
_NS = 1_000_000_000
_REST_NS = 999_000
"""What may be missing to the start that k6 tells."""
_SOONER_NS = 500_000
"""A drop is noted by so much sooner behind its tick, at most, than the promptest request goes out behind its own."""


@dataclass(frozen=True)
class K6Schedule:
    """The ticks of a run."""

    start_ns: int
    """Wall clock of the first."""
    period_ns: int
    tick: Int64s
    """Of each iteration, shape ``(iterations,)``."""

    @property
    def intended_ns(self) -> Int64s:
        """When each iteration was due, wall clock."""
        found: Int64s = self.start_ns + self.tick * self.period_ns
        return found


def k6_schedule(began_ms: float, rate_per_s: int, number: Int64s, sent_ns: Int64s, dropped_ns: Int64s) -> K6Schedule:
    """Return the schedule of iterations by their *number*, which were *sent_ns*; *dropped_ns* are sorted.

    The first tick lies in the millisecond that k6 tells, as late in it as no request went out before it was due.
    """
    period_ns, told_ns = _NS // rate_per_s, round(began_ms) * 1_000_000
    certain = sent_ns < dropped_ns[0] if len(dropped_ns) else np.ones(len(number), dtype=np.bool_)
    start_ns = _start_ns(told_ns, sent_ns[certain] - number[certain] * period_ns)
    tick = number + _dropped_before(start_ns, period_ns, number, dropped_ns)
    return K6Schedule(_start_ns(told_ns, sent_ns - tick * period_ns), period_ns, tick)


def ticks_within(duration_ns: int, period_ns: int) -> int:
    """Return how many ticks lie in so long a time, the one at its begin included."""
    return -(-duration_ns // period_ns)


def _start_ns(told_ns: int, candidates_ns: Int64s) -> int:
    """Return the latest start that makes no request one that went out too early."""
    earliest_ns = int(candidates_ns.min()) if len(candidates_ns) else told_ns
    return min(max(told_ns, earliest_ns), told_ns + _REST_NS)


def _dropped_before(start_ns: int, period_ns: int, number: Int64s, dropped_ns: Int64s) -> Int64s:
    """Return how many ticks before that of each iteration were dropped."""
    ticks = (dropped_ns - start_ns + min(_SOONER_NS, period_ns // 2)) // period_ns
    # Each drop has a tick of its own, however late it was noted.
    started = np.maximum.accumulate(np.maximum(ticks - np.arange(len(ticks)), 0))
    found: Int64s = np.searchsorted(started, number, side="right").astype(np.int64)
    return found
