"""How a trial's records lay in the partitions: how evenly, and whether a user's became visible in their order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seawall.audit.fates import NO_PARTITION, Partitions
from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.result import SpreadFigures


def spread_figures(ledger: Ledger, partition: Partitions, visible_ns: Int64s, partitions: int) -> SpreadFigures | None:
    """Return both over all entities; None where nothing lies in a log of several *partitions*."""
    if partitions < 2 or not np.any(partition != NO_PARTITION):  # noqa: PLR2004 - one is always even
        return None
    fullest, pairs, kept = 0.0, 0, 0
    for mine in _of_each_entity(ledger, partition):
        counts = np.bincount(partition[mine], minlength=partitions)
        fullest = max(fullest, float(counts.max() * partitions / len(mine)))
        seen = mine[visible_ns[mine] != NEVER]
        ordered = seen[np.lexsort((ledger.sequence[seen], ledger.user[seen]))]
        same_user = ledger.user[ordered][1:] == ledger.user[ordered][:-1]
        rising = visible_ns[ordered][1:] >= visible_ns[ordered][:-1]
        pairs, kept = pairs + int(same_user.sum()), kept + int((same_user & rising).sum())
    return SpreadFigures(fullest=round(fullest, 3), in_order=round(kept / pairs, 5) if pairs else None)


def _of_each_entity(ledger: Ledger, partition: Partitions) -> Iterator[Int64s]:
    """Yield where in the ledger the records of each entity stand that lie in the log."""
    for entity in np.unique(ledger.entity):
        mine = np.flatnonzero((ledger.entity == entity) & (partition != NO_PARTITION))
        if len(mine):
            yield mine
