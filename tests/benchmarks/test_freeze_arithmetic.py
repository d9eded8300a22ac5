"""What a freeze must do to the p99, reckoned in two ways."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.freeze import p99_by_arithmetic, replayed_ms
from benchmarks.known_server import ServerTimes, Service

MS = 1_000_000


@pytest.mark.parametrize("every_s", [2.5, 5.0, 10.0])
def test_arithmetic_and_replay_agree(every_s: float) -> None:
    """Requests that are due every 0.1 ms of whole rounds have the p99 of the formula."""
    service = Service(median_ms=5.0, freeze_ms=500.0, freeze_every_s=every_s)
    round_ns = int(every_s * 1_000) * MS
    intended_ns = np.arange(0, 2 * round_ns, MS // 10)
    thaws = np.array([1, 2, 3]) * round_ns
    times_ms = replayed_ms(intended_ns, np.stack([thaws - 500 * MS, thaws], axis=1), 5 * MS)
    assert np.quantile(times_ms, 0.99) == pytest.approx(p99_by_arithmetic(service), abs=0.2)
    assert times_ms.max() == pytest.approx(505, abs=0.2)


def test_freezes_are_found_in_the_log_and_continued() -> None:
    """Of three freezes one lies before the first answer: the other two tell when it was."""
    service = Service(median_ms=5.0, freeze_ms=500.0, freeze_every_s=5.0)
    read_ns = np.arange(4_700, 14_900, 10) * MS  # thaws are at 5,000, 10,000 and 15,000 ms
    due_ns = replayed_ms(read_ns, np.array([[4_500, 5_000], [9_500, 10_000], [14_500, 15_000]]) * MS, 5 * MS)
    answered_ns = np.sort(read_ns + (due_ns * MS).astype(np.int64))
    found = ServerTimes(read_ns, answered_ns).freezes_ns(service) // MS
    assert found[:, 1].tolist() == pytest.approx([5_000, 10_000, 15_000], abs=6)
    assert (found[:, 1] - found[:, 0]).tolist() == [500, 500, 500]


def test_a_log_without_silence_has_no_freezes() -> None:
    """Nothing is made up."""
    times_ns = np.arange(0, 1_000, 10) * MS
    assert ServerTimes(times_ns, times_ns + 5 * MS).freezes_ns(Service(5.0, freeze_ms=500.0)).shape == (0, 2)
