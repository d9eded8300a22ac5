"""Order in the log, and on the way to the table."""

import numpy as np
from small_logs import RUN, identity, log_of, lows

from seawall.audit.ledger import NEVER
from seawall.audit.order import order_in_log, order_of_visibility


def test_users_that_take_turns_are_in_order() -> None:
    """Two users' records lie among each other, each user's in the order of its sequence."""
    low = lows((1, 1), (2, 1), (1, 2), (1, 3), (2, 2))
    found = order_in_log(RUN, low, log_of(low))
    assert found.counts.out_of_order == 0
    assert found.examples == {}


def test_a_record_behind_a_later_one_is_named() -> None:
    """The second record of user 1 lies behind its third and fourth."""
    low = lows((1, 1), (1, 3), (2, 1), (1, 4), (1, 2), (1, 5))
    found = order_in_log(RUN, low, log_of(low))
    assert found.examples["out_of_order"] == [identity(1, 2)]
    assert not found.counts.clean


def test_order_holds_within_a_partition_alone() -> None:
    """Records that never meet in a partition have no order."""
    low = lows((1, 2), (1, 1))
    assert order_in_log(RUN, low, log_of(low, partition=[0, 1], offset=[0, 0])).counts.clean


def test_nothing_is_claimed_of_a_record_without_an_answer() -> None:
    """A record that was given up may arrive late."""
    low = lows((1, 1), (1, 3), (1, 2), (1, 4))
    assert order_in_log(RUN, lows((1, 1), (1, 3), (1, 4)), log_of(low)).counts.clean


def test_of_a_record_sent_twice_the_first_counts() -> None:
    """A repeated message is a duplicate in the log, and no disorder."""
    low = lows((1, 1), (1, 2), (1, 1), (1, 3), (1, 3))
    assert order_in_log(RUN, low, log_of(low)).counts.clean


def test_rows_that_appear_along_the_offsets_are_in_order() -> None:
    """Times may be equal, in one batch, and partitions are independent."""
    low = lows((1, 1), (1, 2), (1, 3), (1, 4))
    log = log_of(low, partition=[0, 0, 1, 1], offset=[0, 1, 0, 1])
    assert order_of_visibility(RUN, low, log, np.array([50, 50, 10, 20])).counts.clean


def test_a_row_that_appears_before_one_of_a_lower_offset_is_named() -> None:
    """What was never visible or is not stored is left out."""
    low = lows((1, 1), (1, 2), (1, 3), (1, 4), (1, 5))
    log = log_of(low)
    found = order_of_visibility(RUN, low[[0, 2, 3, 4]], log, np.array([10, 99, 40, 30, NEVER]))
    assert found.examples["visible_out_of_order"] == [identity(1, 4)]
    assert found.counts.visible_out_of_order == 1


def test_an_empty_log_is_in_order() -> None:
    """Where nothing was written there is nothing to order."""
    empty = log_of(lows())
    assert order_in_log(RUN, lows((1, 1)), empty).counts.clean
    assert order_of_visibility(RUN, lows(), empty, np.array([], dtype=np.int64)).counts.clean
