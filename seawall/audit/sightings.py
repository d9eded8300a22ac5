"""What an independent reader saw, and whether it contradicts what service and sinks say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.ids import Run
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.membership import places
from seawall.audit.reconcile import Reconciliation, named
from seawall.result import AuditCounts

NONE_NS = -1


@dataclass(frozen=True)
class Resolution:
    """The distance between the begins of two polls, ms: no sighting is more precise."""

    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Sightings:
    """The records that the reader asked for, shape ``(records,)`` each, sorted by *low*; times are monotonic."""

    run: Run | None
    """The run that was followed; None where no row of any appeared."""
    low: UInt64s
    unseen_ns: Int64s
    """Begin of the last poll that asked for the record and did not see it; `NONE_NS` where the first one saw it."""
    begin_ns: Int64s
    """Begin and end of the first poll that saw it; `NONE_NS` where none did."""
    end_ns: Int64s
    resolution: Resolution | None
    polls: int
    failed_polls: int
    cpu_share: float
    """Of one core, over the reader's life."""


@dataclass(frozen=True)
class ReaderDelays:
    """The visible delays that the reader saw for itself, shape ``(records,)``; the truth lies between the two."""

    low: UInt64s
    least_ns: Int64s
    """From *intended* to the begin of the last poll that did not see the row; at least 0."""
    most_ns: Int64s
    """From *intended* to the end of the poll that saw it: the figure to be judged, since it never flatters."""
    unbounded: int
    """Sightings left out because the row was there when it was first asked for."""


def contradictions(sightings: Sightings, low: UInt64s, visible_ns: Int64s) -> UInt64s:
    """Return the ids said to be visible at a time after which a poll began that did not see them.

    *low* and *visible_ns* are the claims, in any order; `NEVER` claims nothing.
    """
    place, there = places(low, sightings.low)
    unseen_ns = sightings.unseen_ns[place[there]] if len(sightings.low) else sightings.unseen_ns
    claimed = visible_ns[there]
    contradicted: UInt64s = low[there][(claimed != NEVER) & (unseen_ns > claimed)]
    return contradicted


def contradicted(run: Run, sightings: Sightings, low: UInt64s, visible_ns: Int64s) -> Reconciliation:
    """Name the records of `contradictions`; nothing is said where the reader followed another run."""
    found = contradictions(sightings, low, visible_ns) if sightings.run == run else low[:0]
    return Reconciliation(AuditCounts(contradicted=len(found)), named(run, contradicted=found))


def reader_visible_delay(sightings: Sightings, low: UInt64s, intended_ns: Int64s) -> ReaderDelays:
    """Return the visible delays of the records *low* that the reader saw appear."""
    place, there = places(low, sightings.low)
    place, wanted, intended_ns = place[there], low[there], intended_ns[there]
    if not len(wanted):
        nothing = np.zeros(0, dtype=np.int64)
        return ReaderDelays(wanted, nothing, nothing, 0)
    seen = sightings.end_ns[place] != NONE_NS
    appeared = seen & (sightings.unseen_ns[place] != NONE_NS)
    at = place[appeared]
    return ReaderDelays(
        wanted[appeared],
        np.maximum(0, sightings.unseen_ns[at] - intended_ns[appeared]),
        sightings.end_ns[at] - intended_ns[appeared],
        int(seen.sum() - appeared.sum()),
    )
