"""Consumer lag over time from a log's acknowledgements and visible times."""

import numpy as np
import pytest
from small_logs import TOPIC, log_of, lows

from seawall.audit.lag import STEP_NS, lag_events, lag_over_time
from seawall.audit.ledger import NEVER

LOW = lows(*((1, sequence) for sequence in range(1, 5)))


def test_lag_is_what_was_acknowledged_and_not_yet_visible() -> None:
    """Two partitions, four records, read at the start and after each tenth of a second."""
    log = log_of(LOW, partition=[0, 1, 0, 1], offset=[0, 0, 1, 1])
    acked = np.array([1, 10, 11, 20]) * STEP_NS // 10
    visible = np.array([15, 25, 16, 35]) * STEP_NS // 10
    found = lag_over_time(lag_events(log, LOW, acked, visible), start_ns=0, end_ns=4 * STEP_NS)
    assert found.partitions[f"{TOPIC}[0]"].tolist() == [0, 1, 0, 0, 0]
    assert found.partitions[f"{TOPIC}[1]"].tolist() == [0, 1, 2, 1, 0]
    assert found.total.tolist() == [0, 2, 2, 1, 0]
    assert found.maximum == 3
    assert found.slope_per_s is None


def test_a_row_that_is_there_before_the_answer_makes_no_negative_lag() -> None:
    """The sink can be faster than the way back to the client."""
    events = lag_events(log_of(LOW), LOW, np.full(4, 2 * STEP_NS), np.full(4, STEP_NS))
    assert lag_over_time(events, start_ns=0, end_ns=3 * STEP_NS).total.tolist() == [0, 0, 0, 0]


def test_records_that_never_become_visible_stay_in_the_lag() -> None:
    """Two of four are never stored; one that nobody acknowledged does not count."""
    events = lag_events(log_of(LOW), LOW[:3], np.zeros(3, dtype=np.int64), np.array([5, NEVER, NEVER, 5]))
    assert lag_over_time(events, start_ns=10, end_ns=10 + STEP_NS).total.tolist() == [2, 2]


def test_the_slope_says_by_how_many_records_a_second_a_queue_grows() -> None:
    """100 a second come, 60 a second are stored, so 40 a second are left."""
    come = np.arange(2_000) * 10_000_000
    stored = np.arange(2_000) * (1_000_000_000 // 60)
    low = lows(*((1, sequence) for sequence in range(2_000)))
    found = lag_over_time(lag_events(log_of(low), low, come, stored), start_ns=0, end_ns=19_900_000_000)
    assert found.slope_per_s is not None
    assert found.slope_per_s.estimate == pytest.approx(40, rel=0.01)
    assert found.slope_per_s.excludes(0)


def test_without_records_there_is_no_lag() -> None:
    """An empty log keeps nobody waiting."""
    nothing = np.array([], dtype=np.int64)
    found = lag_over_time(lag_events(log_of(lows()), lows(), nothing, nothing), start_ns=0, end_ns=STEP_NS)
    assert (found.total.tolist(), found.maximum) == ([0, 0], 0)
