"""Figures of trials from ledgers made up for the purpose."""

from __future__ import annotations

import numpy as np

from seawall.experiments.figures import Window, course_of

SECOND = 10**9
WINDOW = Window(2 * SECOND, 12 * SECOND)
AT_NS = np.arange(0, 12 * SECOND, SECOND // 200)
RNG = np.random.default_rng(7)


def latencies(shape: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return latencies of about 50 ms times *shape*, with noise, ns."""
    return (shape * RNG.lognormal(0, 0.2, len(AT_NS)) * 50e6).astype(np.int64)


def test_a_settled_run_is_steady() -> None:
    """A slow start within the warm-up does not count."""
    shape = np.where(AT_NS < SECOND, 8.0, 1.0)
    assert course_of(WINDOW, 2.0, AT_NS, latencies(shape)).steady is True


def test_a_queue_that_grows_is_seen_with_its_direction() -> None:
    """From 50 to 150 ms within the judged time."""
    course = course_of(WINDOW, 2.0, AT_NS, latencies(1 + np.maximum(0, AT_NS - 2 * SECOND) / (5 * SECOND)))
    assert course.steady is False
    assert course.drift > 0.5
    assert 60 < course.drift_ms < 140


def test_a_run_with_silent_windows_leaves_it_open() -> None:
    """Where a window has no accepted record nothing can be said of its median."""
    silent = (AT_NS < 5 * SECOND) | (AT_NS >= 7 * SECOND)
    assert course_of(WINDOW, 2.0, AT_NS[silent], latencies(np.ones(len(AT_NS)))[silent]).steady is None
