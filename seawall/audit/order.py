"""Whether records kept their order: those of a user in the log, and those of a partition on their way to the table.

A record's key is its own id, so a user's records are spread over all partitions (unless these are chosen by user), and
only those that meet in one partition have an order. It can be claimed there because a user waits for each answer before
it sends again, and the answer comes after the brokers' ack from a producer that is idempotent. A record without a
definite answer may have arrived at any time, so nothing is claimed of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS, Run
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.log import LogRecords
from seawall.audit.membership import Bools, among, is_sorted
from seawall.audit.reconcile import Reconciliation, named
from seawall.result import AuditCounts

_USERS = np.uint64((1 << USER_BITS) - 1)
_SEQUENCES = np.uint64((1 << SEQUENCE_BITS) - 1)


def order_in_log(run: Run, acknowledged: UInt64s, log: LogRecords) -> Reconciliation:
    """Name the acknowledged records that lie in their partition behind a later one of the same user.

    Of a record that lies in a partition several times, the first counts.
    """
    ordered = np.sort(acknowledged)
    # One after the other, so that no more than a partition is ever copied.
    late = [
        _late(low[among(low, ordered)])
        for low in (log.low[log.partition == partition] for partition in np.unique(log.partition))
    ]
    found = np.concatenate([log.low[:0], *late])
    return Reconciliation(AuditCounts(out_of_order=len(found)), named(run, out_of_order=found))


def order_of_visibility(run: Run, stored: UInt64s, log: LogRecords, visible_ns: Int64s) -> Reconciliation:
    """Name the stored records that became visible before one from a lower offset of their partition.

    *visible_ns* belongs to *log*; what no journal covers is left out.
    """
    ordered = stored if is_sorted(stored) else np.sort(stored)
    early = [log.low[:0]]
    for partition in np.unique(log.partition):
        here = (log.partition == partition) & (visible_ns != NEVER)
        low, times_ns = log.low[here], visible_ns[here]
        kept = among(low, ordered)
        low, times_ns = low[kept], times_ns[kept]
        early.append(low[times_ns < np.maximum.accumulate(times_ns)] if len(times_ns) else low)
    found = np.unique(np.concatenate(early))
    return Reconciliation(AuditCounts(visible_out_of_order=len(found)), named(run, visible_out_of_order=found))


def _late(low: UInt64s) -> UInt64s:
    """Return the ids of one partition, in the order of their offsets, that lie behind a later one of their user."""
    low = low[_first_of_each(low)]
    user = ((low >> np.uint64(ENTITY_BITS)) & _USERS).astype(np.uint32)
    # Stable, so that the offsets keep their order within a user.
    order = np.argsort(user, kind="stable")
    user, low = user[order], low[order]
    return low[_behind(user, (low >> np.uint64(USER_BITS + ENTITY_BITS)) & _SEQUENCES)]


def _first_of_each(low: UInt64s) -> Bools:
    """Tell which ids stand there for the first time."""
    ordered = np.sort(low)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    first = np.ones(len(low), dtype=np.bool_)
    suspects = np.flatnonzero(among(low, repeated)) if len(repeated) else np.zeros(0, dtype=np.int64)
    first[suspects] = False
    first[suspects[np.unique(low[suspects], return_index=True)[1]]] = True
    return first


def _behind(user: npt.NDArray[np.uint32], sequence: UInt64s) -> Bools:
    """Tell which sequences are smaller than one before them of the same user; users are sorted."""
    key = (user.astype(np.uint64) << np.uint64(SEQUENCE_BITS)) | sequence
    # A later user has the greater keys, so one running maximum serves all.
    behind: Bools = key < np.maximum.accumulate(key) if len(key) else np.zeros(0, dtype=np.bool_)
    return behind
