"""When k6 meant to send: the executor simulated tick by tick, and read back."""

from __future__ import annotations

import random

import numpy as np
import pytest

from seawall.load.k6_schedule import k6_schedule, ticks_within

TOLD_MS = 1_790_000_000_000.0
START_NS = 1_790_000_000_000_400_000


def simulated(rate_per_s: int, ticks: int, *, blocked: set[int], seed: int) -> tuple[list[int], list[int], list[int]]:
    """Return which tick each iteration had, when it was sent and when others were dropped, nanoseconds.

    Each is late by up to 300 us, as a process on a busy machine is; in the ticks that are *blocked* no user was free.
    """
    rng = random.Random(seed)
    had, sent_ns, dropped_ns = [], [], []
    for tick in range(ticks):
        at_ns = START_NS + tick * (10**9 // rate_per_s)
        if tick in blocked:
            dropped_ns.append(at_ns + rng.randrange(5_000, 300_000))
        else:
            had.append(tick)
            sent_ns.append(at_ns + rng.randrange(20_000, 300_000))
    return had, sent_ns, dropped_ns


@pytest.mark.parametrize(
    "blocked", [set(), {5, 6, 7}, set(range(100, 160)), {0, 1}, {3, 50, 51, 90}, set(range(180, 200))], ids=len
)
def test_iterations_behind_drops_are_due_later_than_their_number_says(blocked: set[int]) -> None:
    """k6 does not count what it drops, so a request's number alone would make it due too early."""
    had, sent_ns, dropped_ns = simulated(100, 200, blocked=blocked, seed=1)
    found = k6_schedule(TOLD_MS, 100, np.arange(len(had)), np.array(sent_ns), np.array(dropped_ns, dtype=np.int64))
    assert found.tick.tolist() == had
    late_ns = np.array(sent_ns) - found.intended_ns
    assert late_ns.min() >= 0
    assert late_ns.max() < 300_000


def test_the_start_is_found_within_the_millisecond_that_k6_tells() -> None:
    """Never before that, never behind it, and never behind the first request."""
    had, sent_ns, _ = simulated(1_000, 500, blocked=set(), seed=2)
    nothing = np.zeros(0, dtype=np.int64)
    found = k6_schedule(TOLD_MS, 1_000, np.array(had), np.array(sent_ns), nothing)
    assert START_NS <= found.start_ns < START_NS + 100_000
    late = np.array(sent_ns) + 50_000_000
    found = k6_schedule(TOLD_MS, 1_000, np.array(had), late, nothing)
    assert found.start_ns == 1_790_000_000_000_999_000


def test_more_drops_than_ticks_fit_still_give_each_a_tick() -> None:
    """Late words on drops move no iteration by more than they are late."""
    dropped_ns = START_NS + (np.array([5, 5.2, 5.4, 9]) * 1e6).astype(np.int64) + 400_000
    sent_ns = START_NS + np.array([0, 1, 2, 3, 4, 8, 10]) * 1_000_000 + 50_000
    found = k6_schedule(TOLD_MS, 1_000, np.arange(7), sent_ns, dropped_ns)
    assert found.tick.tolist() == [0, 1, 2, 3, 4, 8, 10]


@pytest.mark.parametrize(("duration_s", "rate", "ticks"), [(1.0, 10, 10), (1.05, 10, 11), (2.0, 3, 7), (0.0, 5, 0)])
def test_ticks_of_a_time(duration_s: float, rate: int, ticks: int) -> None:
    """The one at its begin is in it; a third of a second is cut to whole nanoseconds, so one more fits."""
    assert ticks_within(int(duration_s * 10**9), 1_000_000_000 // rate) == ticks
