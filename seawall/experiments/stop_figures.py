"""For how long partitions were not consumed while a group of sinks changed: from a trial's ledger and its fates.

A partition stands still from the moment at which a record lies there and nobody has read it (that it was acknowledged,
or that the ones before it became visible, whichever is later) until that record is visible. So a partition to which
nothing is written does not stand still, and one that is read behind time does so only until the next row is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seawall.audit.fates import NO_PARTITION, Partitions
from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.result import RebalanceFigures

STOPPED_MS = 500.0
"""Who stands still for so long is counted as stopped: ten times what a quiet sink takes."""


@dataclass(frozen=True)
class Disturbed:
    """A part of a trial, monotonic: from one disturbance of the group to the next."""

    what: str
    sink: str
    begin_ns: int
    end_ns: int


def stop_figures(
    ledger: Ledger,
    visible_ns: Int64s,
    partition: Partitions,
    parts: Sequence[Disturbed],
    *,
    start_ns: int,
    repeats: Sequence[tuple[int, int]] = (),
) -> list[RebalanceFigures]:
    """Return the figures of each part; *start_ns* is when the schedule began.

    *visible_ns* and *partition* belong to *ledger*; *repeats* are moments at which sinks stored batches, monotonic, and
    how many of a batch's rows were there already. A stop belongs to the part in which it ends, and a record's delay to
    that in which its row appeared: what was sent right before a sink died waits for what follows.
    """
    ends_ns, longs_ns, wheres = _stops(ledger, visible_ns, partition)
    seen = ledger.accepted & (visible_ns != NEVER) & (partition != NO_PARTITION)
    found = []
    for part in parts:
        inside = (ends_ns >= part.begin_ns) & (ends_ns < part.end_ns)
        longest_ms = _longest_of_each(wheres[inside], longs_ns[inside]) / 1e6
        shown = seen & (visible_ns >= part.begin_ns) & (visible_ns < part.end_ns)
        delays_ms = (visible_ns - ledger.intended_ns)[shown] / 1e6
        found.append(
            RebalanceFigures(
                what=part.what,
                sink=part.sink,
                at_s=round((part.begin_ns - start_ns) / 1e9, 3),
                partitions=len(longest_ms),
                stopped=int((longest_ms >= STOPPED_MS).sum()),
                longest_stop_ms=round(float(longest_ms.max()), 3) if len(longest_ms) else None,
                median_stop_ms=round(float(np.median(longest_ms)), 3) if len(longest_ms) else None,
                visible_p95_ms=round(float(np.quantile(delays_ms, 0.95)), 3) if len(delays_ms) else None,
                visible_max_ms=round(float(delays_ms.max()), 3) if len(delays_ms) else None,
                read_again=sum(count for at_ns, count in repeats if part.begin_ns <= at_ns < part.end_ns),
            )
        )
    return found


def _stops(ledger: Ledger, visible_ns: Int64s, partition: Partitions) -> tuple[Int64s, Int64s, Int64s]:
    """Return all stops, shape ``(stops,)`` each: when they ended, how long they were, and which partition's."""
    seen = np.flatnonzero(ledger.accepted & (visible_ns != NEVER) & (partition != NO_PARTITION))
    where = ledger.entity[seen].astype(np.int64) << 32 | partition[seen]
    found = list(_of_each_partition(where, ledger.answered_ns[seen], visible_ns[seen]))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    ends, longs, wheres = (np.concatenate(column) for column in zip(*found, strict=True))
    return ends, longs, wheres


def _of_each_partition(
    where: Int64s, answered_ns: Int64s, visible_ns: Int64s
) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
    for one in np.unique(where):
        mine = np.flatnonzero(where == one)
        # the first of a batch comes first: it has waited longest
        mine = mine[np.lexsort((answered_ns[mine], visible_ns[mine]))]
        shown_ns, first = np.unique(visible_ns[mine], return_index=True)
        before_ns = np.concatenate([answered_ns[mine][:1], shown_ns[:-1]])
        begun_ns = np.maximum(before_ns, answered_ns[mine][first])
        yield shown_ns, np.maximum(0, shown_ns - begun_ns), np.full(len(shown_ns), one)


def _longest_of_each(where: Int64s, long_ns: Int64s) -> Int64s:
    longest: Int64s = np.array([long_ns[where == one].max() for one in np.unique(where)], dtype=np.int64)
    return longest
