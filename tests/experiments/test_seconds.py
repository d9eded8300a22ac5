"""A trial cut into seconds."""

from __future__ import annotations

import numpy as np

from seawall.experiments.seconds import MOST_MOMENTS, reached, seconds_of

SECOND = 1_000_000_000


def test_each_second_has_the_figures_of_what_was_due_in_it() -> None:
    """In any order, without what was due before the start, and without seconds in which nothing was."""
    due_ns = np.array([3, 0, 0, 0, -1], dtype=np.int64) * SECOND + 7 * SECOND + 5
    took_ns = np.array([4, 1, 3, 2, 9], dtype=np.int64) * 1_000_000
    first, fourth = seconds_of(7 * SECOND, due_ns, took_ns)
    assert (first.at_s, first.samples, first.p50_ms, first.p95_ms) == (0.5, 3, 2.0, 2.9)
    assert (fourth.at_s, fourth.samples, fourth.p95_ms) == (3.5, 1, 4.0)
    assert seconds_of(0, due_ns[:0], took_ns[:0]) == []


def test_many_steps_become_few_and_the_last_stays() -> None:
    """From nothing at the first record's sending."""
    steps = [(SECOND * number, 10 * number) for number in range(1, 1_001)]
    found = reached(steps, SECOND)
    assert len(found) <= MOST_MOMENTS + 2
    assert (found[0].at_s, found[0].done) == (0.0, 0)
    assert (found[-1].at_s, found[-1].done) == (999.0, 10_000)
    assert [one.done for one in found] == sorted(one.done for one in found)
    assert reached([], 0) == []
    assert [one.done for one in reached(steps[:1], 0)] == [0, 10]
