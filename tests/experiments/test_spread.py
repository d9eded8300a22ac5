"""How evenly partitions are filled, and whether a user's records became visible in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.fates import NO_PARTITION
from seawall.audit.ledger import NEVER, Ledger
from seawall.experiments.spread import spread_figures
from seawall.result import SpreadFigures


def ledger_of(users: Sequence[int], sequences: Sequence[int], entities: Sequence[int]) -> Ledger:
    """Return a ledger of these records."""
    count = len(users)
    times = np.zeros(count, dtype=np.int64)
    flags = np.zeros(count, dtype=np.bool_)
    return Ledger(
        run=Run(1, 1),
        seed=1,
        shape=Shape(),
        endpoints=("a",),
        user=np.array(users, dtype=np.uint32),
        sequence=np.array(sequences, dtype=np.uint32),
        entity=np.array(entities, dtype=np.uint8),
        endpoint=np.zeros(count, dtype=np.uint8),
        intended_ns=times,
        sent_ns=times,
        answered_ns=times,
        status=np.full(count, 202, dtype=np.uint16),
        overruled=flags,
        denied=flags,
    )


def spread(
    ledger: Ledger, partition: Sequence[int], visible_ns: Sequence[int], partitions: int = 3
) -> SpreadFigures | None:
    """Return the figures of records in these partitions, visible at these times."""
    return spread_figures(ledger, np.array(partition, np.int16), np.array(visible_ns, np.int64), partitions)


def test_even_partitions_and_kept_order() -> None:
    """Each partition has its share, and no record was seen before the one that its user had sent earlier."""
    ledger = ledger_of([1, 1, 1, 2, 2, 2], [1, 2, 3, 1, 2, 3], [2] * 6)
    assert spread(ledger, [0, 1, 2, 0, 1, 2], [5, 6, 7, 1, 1, 2]) == SpreadFigures(fullest=1.0, in_order=1.0)


def test_one_hot_partition_and_a_record_that_was_overtaken() -> None:
    """The fullest partition counts by how much it is over its share; one pair of four went wrong."""
    ledger = ledger_of([1, 1, 1, 2, 2, 2], [1, 2, 3, 1, 2, 3], [2] * 6)
    assert spread(ledger, [0, 0, 0, 0, 1, 2], [5, 4, 7, 1, 2, 3]) == SpreadFigures(fullest=2.0, in_order=0.75)


def test_entities_are_looked_at_apart() -> None:
    """Each has a topic of its own, so nothing is claimed of an order between them; what has no row has none either."""
    ledger = ledger_of([1, 1, 1, 1], [1, 2, 3, 4], [2, 3, 2, 3])
    assert spread(ledger, [0, 0, 1, 1], [9, 1, 10, 2], 2) == SpreadFigures(fullest=1.0, in_order=1.0)
    assert spread(ledger, [0, 0, 1, NO_PARTITION], [9, 1, NEVER, NEVER], 2) == SpreadFigures(fullest=2.0)


def test_without_partitions_there_is_nothing_to_say() -> None:
    """Of one partition, and of paths without a log."""
    ledger = ledger_of([1, 1], [1, 2], [2, 2])
    assert spread(ledger, [0, 0], [1, 2], 1) is None
    assert spread(ledger, [NO_PARTITION] * 2, [1, 2]) is None
