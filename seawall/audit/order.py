"""Whether records kept their order: those of a user in the log, and those of a partition on their way to the table.

A record's key is its own id, so a user's records are spread over all partitions and only those that meet in one
partition have an order. It can be claimed there because a user waits for each answer before it sends again, and the
answer comes after the brokers' ack from a producer that is idempotent. A record without a definite answer may have
arrived at any time, so nothing is claimed of it.
"""

from __future__ import annotations

import numpy as np

from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS, Run
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.log import LogRecords
from seawall.audit.membership import Bools, among
from seawall.audit.reconcile import Reconciliation, named
from seawall.result import AuditCounts

_USERS = np.uint64((1 << USER_BITS) - 1)
_SEQUENCES = np.uint64((1 << SEQUENCE_BITS) - 1)


def order_in_log(run: Run, acknowledged: UInt64s, log: LogRecords) -> Reconciliation:
    """Name the acknowledged records that lie in their partition behind a later one of the same user.

    Of a record that lies in a partition several times, the first counts.
    """
    chosen = np.flatnonzero(among(log.low, np.sort(acknowledged)) & _first_of_each(log))
    low = log.low[chosen]
    sequence = (low >> np.uint64(USER_BITS + ENTITY_BITS)) & _SEQUENCES
    user = (low >> np.uint64(ENTITY_BITS)) & _USERS
    lane = (log.partition[chosen].astype(np.uint64) << np.uint64(USER_BITS)) | user
    # Stable, so that the offsets keep their order within a lane.
    order = np.argsort(lane, kind="stable")
    late = low[order][_behind(lane[order], sequence[order])]
    return Reconciliation(AuditCounts(out_of_order=len(late)), named(run, out_of_order=late))


def order_of_visibility(run: Run, stored: UInt64s, log: LogRecords, visible_ns: Int64s) -> Reconciliation:
    """Name the stored records that became visible before one from a lower offset of their partition.

    *visible_ns* belongs to *log*; what no journal covers is left out.
    """
    chosen = np.flatnonzero((visible_ns != NEVER) & among(log.low, np.sort(stored)))
    early = []
    for partition in np.unique(log.partition):
        here = chosen[log.partition[chosen] == partition]
        early.append(log.low[here[_early(visible_ns[here])]])
    found = np.unique(np.concatenate(early)) if early else log.low[:0]
    return Reconciliation(AuditCounts(visible_out_of_order=len(found)), named(run, visible_out_of_order=found))


def _first_of_each(log: LogRecords) -> Bools:
    """Tell which records are the first of their id in their partition."""
    ordered = np.sort(log.low)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    first = np.ones(len(log.low), dtype=np.bool_)
    suspects = np.flatnonzero(among(log.low, repeated))
    order = suspects[np.lexsort((log.offset[suspects], log.partition[suspects], log.low[suspects]))]
    again = (log.low[order][1:] == log.low[order][:-1]) & (log.partition[order][1:] == log.partition[order][:-1])
    first[order[1:][again]] = False
    return first


def _behind(lane: UInt64s, sequence: UInt64s) -> Bools:
    """Tell which sequences are smaller than one before them in their lane; lanes are sorted."""
    if not len(lane):
        return np.zeros(0, dtype=np.bool_)
    # Numbered through, a later lane has the greater keys, so one running maximum serves all lanes.
    number = np.zeros(len(lane), dtype=np.uint64)
    np.cumsum(lane[1:] != lane[:-1], out=number[1:], dtype=np.uint64)
    key = (number << np.uint64(SEQUENCE_BITS)) | sequence
    behind: Bools = key < np.maximum.accumulate(key)
    return behind


def _early(times_ns: Int64s) -> Bools:
    """Tell which times are smaller than one before them."""
    early: Bools = times_ns < np.maximum.accumulate(times_ns)
    return early
