"""What arrived at which subscriber when, in columns, and how each subscription went."""

from __future__ import annotations

import time
from array import array
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from contract.entities import ENTITIES
from seawall.load.feed.frames import FeedFrame

ARRIVALS = "arrivals.parquet"
LEFT, BROKE = "left", "broke"
"""Ends of a connection that the feed did not choose."""
_COLUMNS = {
    "subscriber": "I", "entity": "B", "partition": "h", "offset": "q", "high": "Q", "low": "Q",
    "published_ns": "q", "arrived_ns": "q",
}  # fmt: skip
_LOW = (1 << 64) - 1
_NUMBERS = {name: entity.number for name, entity in ENTITIES.items()}


class Attempt(msgspec.Struct, kw_only=True):
    """One connection of a subscriber: when it was begun, let in and over, monotonic; 0 where it never was."""

    subscriber: int
    begun_ns: int
    in_ns: int = 0
    """When the first frame was there, which says where the subscriber stands."""
    over_ns: int = 0
    refused: str = ""
    """Why it was not let in."""
    end: str = ""
    """The feed's code and reason for the end; ``left`` where the subscriber ended it, ``broke`` where the network."""
    resumed: bool = False
    """Whether it went on behind the last id of the one before."""


class Arrivals:
    """Takes what arrives, a few numbers a record."""

    def __init__(self) -> None:
        self._columns = {name: array(code) for name, code in _COLUMNS.items()}
        self._offset_ns = time_offset_ns()
        self.attempts: list[Attempt] = []
        self.frames = 0

    def __len__(self) -> int:
        return len(self._columns["low"])

    def add(self, subscriber: int, frame: FeedFrame, arrived_ns: int) -> None:
        """Note the records of a frame."""
        self.frames += 1
        published_ns = frame.published_ns - self._offset_ns
        for one in frame.records:
            identity = one.record.id.int
            for column, value in zip(
                self._columns.values(),
                (subscriber, _NUMBERS.get(one.entity, 0), one.partition, one.offset, identity >> 64, identity & _LOW,
                 published_ns, arrived_ns),
                strict=True,
            ):  # fmt: skip
                column.append(value)

    def write(self, directory: Path) -> None:
        """Write all that arrived; raises `OSError`."""
        directory.mkdir(parents=True, exist_ok=True)
        table = pa.table({name: np.array(column) for name, column in self._columns.items()})
        partial = directory / "arrivals.partial"
        pq.write_table(table, partial, compression="zstd")
        partial.replace(directory / ARRIVALS)


def time_offset_ns() -> int:
    """Return how far this machine's wall clock is ahead of its monotonic one."""
    return time.time_ns() - time.monotonic_ns()


class ArrivalColumns(NamedTuple):
    """What `Arrivals` wrote, shape ``(arrivals,)`` each, in the order of arrival at each subscriber."""

    subscriber: npt.NDArray[np.uint32]
    entity: npt.NDArray[np.uint8]
    partition: npt.NDArray[np.int16]
    offset: npt.NDArray[np.int64]
    """Below 0 where the feed has none."""
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    """The two halves of each record's id."""
    published_ns: npt.NDArray[np.int64]
    arrived_ns: npt.NDArray[np.int64]
    """Monotonic, both."""


def read_arrivals(directory: Path) -> ArrivalColumns:
    """Read what `Arrivals.write` wrote; raises `OSError`."""
    table = pq.read_table(directory / ARRIVALS)
    return ArrivalColumns(*(table.column(name).to_numpy() for name in ArrivalColumns._fields))
