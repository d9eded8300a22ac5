"""The ledger of a feed: every order that was written straight to the log, read back as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from contract.ids import ENTITY_BITS, USER_BITS, Run, mint
from contract.topics import topic_of
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import NEVER, VARIANT, Int64s, UInt64s
from seawall.audit.log import LogRecords
from seawall.load.order_feed.plan import REPEAT
from seawall.load.order_feed.process import FILE
from seawall.load.order_feed.records import ORDERS
from seawall.load.part_facts import facts_of

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FeedLedger:
    """Every sending of one feed, in order; all arrays but those of records have shape ``(sendings,)``."""

    run: Run
    seed: int
    start_ns: int
    index: Int64s
    kind: npt.NDArray[np.uint8]
    event_us: Int64s
    due_ns: Int64s
    sent_ns: Int64s
    acked_ns: Int64s
    """`NEVER` for what the brokers did not acknowledge."""
    partition: npt.NDArray[np.int16]
    offset: Int64s

    @property
    def records(self) -> Int64s:
        """The places of the first sending of each record, by its number; shape ``(records,)``."""
        return np.flatnonzero(self.kind != REPEAT)[np.argsort(self.index[self.kind != REPEAT], kind="stable")]

    @property
    def low(self) -> UInt64s:
        """The lower 64 bits of each record's id, shape ``(records,)``, sorted."""
        return self.low_of(self.index[self.records])

    def low_of(self, index: Int64s) -> UInt64s:
        """Return the same for the records of these numbers."""
        low = index.astype(np.uint64) << np.uint64(USER_BITS + ENTITY_BITS)
        return low | np.uint64(ORDERS.number) | VARIANT

    @property
    def acked(self) -> Bools:
        """Whether each record was acknowledged, at its first sending or a later one; shape ``(records,)``."""
        found = np.zeros(len(self.records), dtype=np.bool_)
        found[self.index[self.acked_ns != NEVER]] = True
        return found

    def in_log(self) -> LogRecords:
        """Return where all that was acknowledged lies in the log, by the brokers' word, sorted by offset."""
        there = np.flatnonzero(self.acked_ns != NEVER)
        order = there[np.lexsort((self.offset[there], self.partition[there]))]
        low = self.low_of(self.index[order])
        return LogRecords(topic_of(ORDERS), low, self.partition[order].astype(np.int32), self.offset[order], {})

    def identity(self, index: int) -> str:
        """Return the id of record number *index*."""
        return str(mint(self.run, index, 0, ORDERS.number))


def read_feed(directory: Path) -> FeedLedger:
    """Read the ledger in *directory*; raises `AuditFailed` where it is not there or damaged."""
    path = directory / FILE
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        facts = facts_of(table.schema.metadata)
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        return FeedLedger(Run(facts["run_ms"], facts["run_nonce"]), facts["seed"], facts["start_ns"], **columns)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise AuditFailed(f"{path} holds no ledger of a feed: {error}") from None
