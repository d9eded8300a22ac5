"""What became of each request of a trial, beside its ledger, so that a report can be made again from the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.audit.ledger import NEVER, Int64s

FILE = "fates.parquet"
NO_PARTITION = -1
Partitions = npt.NDArray[np.int16]


def write_fates(ledger: Path, visible_ns: Int64s, partition: Partitions) -> None:
    """Write beside the parts of *ledger* when each request's record was visible, and where in the log it lay.

    Both have the order and the length of the ledger; `NEVER` and `NO_PARTITION` stand for what was not.
    """
    table = pa.table({
        "visible_ns": pa.array(visible_ns, mask=visible_ns == NEVER),
        "partition": pa.array(partition, mask=partition == NO_PARTITION),
    })  # fmt: skip
    partial = ledger / "fates.partial"
    pq.write_table(table, partial, compression="zstd")
    partial.replace(ledger / FILE)


def read_visible_ns(ledger: Path) -> Int64s | None:
    """Return when each request's record was visible; None where the trial's audit did not get so far."""
    path = ledger / FILE
    if not path.exists():
        return None
    column = pq.read_table(path, columns=["visible_ns"]).column("visible_ns").combine_chunks()
    visible: Int64s = column.fill_null(NEVER).to_numpy()
    return visible


def read_partitions(ledger: Path) -> Partitions | None:
    """Return where in the log each request's record lay; None where the trial's audit did not get so far."""
    path = ledger / FILE
    if not path.exists():
        return None
    column = pq.read_table(path, columns=["partition"]).column("partition").combine_chunks()
    partition: Partitions = column.fill_null(NO_PARTITION).to_numpy()
    return partition
