"""Small logs and ledgers for the tests of the audit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.ids import Run, low_bits, mint
from seawall.audit.ledger import UInt64s
from seawall.audit.log import Gap, LogRecords

RUN = Run(1_800_000_000_000, 9)
TOPIC = "seawall.orders"
USERS, ENTITY = 3, 3


def low_of(user: int, sequence: int) -> int:
    """Return the lower bits of a user's record."""
    return low_bits(sequence, user, ENTITY)


def lows(*places: tuple[int, int]) -> UInt64s:
    """Return the lower bits of these (user, sequence)."""
    return np.array([low_of(*place) for place in places], dtype=np.uint64)


def identity(user: int, sequence: int) -> str:
    """Return the id of a user's record."""
    return str(mint(RUN, sequence, user, ENTITY))


def log_of(
    low: UInt64s,
    *,
    partition: Sequence[int] | None = None,
    offset: Sequence[int] | None = None,
    committed: dict[int, int] | None = None,
    gaps: tuple[Gap, ...] = (),
) -> LogRecords:
    """Return a log that holds these ids, in one partition from offset 0 on where nothing else is said."""
    count = len(low)
    return LogRecords(
        TOPIC,
        low,
        np.array(partition if partition is not None else [0] * count, dtype=np.int32),
        np.array(offset if offset is not None else range(count), dtype=np.int64),
        committed if committed is not None else {0: count},
        gaps,
    )
