"""An archive of the log: Parquet files, each of which appears when it is whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract.entities import Order
from workers.groups.work import NotNow, PlainWork, Refused, Taken

_SCHEMA = pa.schema([
    ("partition", pa.int32()), ("offset", pa.int64()), ("id", pa.string()), ("user_id", pa.string()),
    ("product_id", pa.string()), ("quantity", pa.int32()), ("total_cents", pa.int64()), ("status", pa.string()),
    ("note", pa.string()), ("placed_at", pa.timestamp("us", tz="UTC")),
])  # fmt: skip


class Archive(PlainWork):
    """Gathers records, and writes a file a partition every so often.

    A file is named by its partition and first offset. A process that died before it committed writes from the same
    offset on again, so records may lie in two files; a reader takes each offset of a partition once.
    """

    def __init__(self, directory: Path, *, every_s: float) -> None:
        self.every_s = every_s
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._gathered: dict[int, list[tuple[Taken, Order]]] = defaultdict(list)

    def take(self, records: Sequence[Taken]) -> None:
        """Gather them."""
        orders = [(one, _order(one)) for one in records]
        for taken, order in orders:
            self._gathered[taken.partition].append((taken, order))

    def keep(self) -> None:
        """Write what was gathered; raises `NotNow` where there is no room."""
        for partition in sorted(self._gathered):
            rows = self._gathered[partition]
            path = self._directory / f"{partition:03d}-{rows[0][0].offset:020d}.parquet"
            partial = path.with_suffix(".partial")
            try:
                pq.write_table(_table(rows), partial, compression="zstd", write_page_checksum=True)
            except OSError as error:
                raise NotNow(f"the archive: {error}") from None
            partial.replace(path)
            del self._gathered[partition]

    def close(self) -> None:
        """Forget what was not written: its offsets are not committed."""
        self._gathered.clear()


def _order(taken: Taken) -> Order:
    if not isinstance(taken.record, Order):
        raise Refused("the archive holds orders alone")
    return taken.record


def _table(rows: Sequence[tuple[Taken, Order]]) -> pa.Table:
    lines = [
        {
            **msgspec.structs.asdict(order),
            "partition": taken.partition,
            "offset": taken.offset,
            "id": str(order.id),
            "user_id": str(order.user_id),
            "product_id": str(order.product_id),
        }
        for taken, order in rows
    ]
    return pa.Table.from_pylist(lines, schema=_SCHEMA)
