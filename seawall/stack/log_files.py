"""What brokers of ours hold of a log on their disks: read from the segments' files, not from what a client is given.

A segment is a row of record batches, each with a head of 61 bytes that says its first offset, its length and how many
records are left in it (https://kafka.apache.org/documentation/#recordbatch); a cleaner that takes records out of a
batch writes the batch anew. Only heads are read, so a look at a gigabyte costs no more than a few thousand seeks.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

Pair = tuple[str, int]
"""Topic and partition."""

_HEAD = struct.Struct(">qiibIhiqqqhii")
_BEFORE_LENGTH = 12
"""Bytes of a batch that its length does not count: the first offset, and the length itself."""
_BLOCK_BYTES = 512
"""What `st_blocks` counts in, whatever the file system's own blocks are."""


class Batch(NamedTuple):
    """The head of one record batch."""

    first: int
    last: int
    """Its first and its last offset; after a cleaning there need be no records at them."""
    size_bytes: int
    records: int


@dataclass(frozen=True)
class PartitionFiles:
    """What one replica of a partition has on its disk."""

    size_bytes: int = 0
    """Of the batches that reach to the first offset asked for, or beyond it."""
    records: int = 0
    """Left in these batches."""
    segments: int = 0
    """Files of the log, however much is in them."""
    allocated_bytes: int = 0
    """Disk that the directory takes: indexes, and what is deleted and not removed yet, are part of it."""


def partition_files(data: Path, pair: Pair, first: int) -> PartitionFiles:
    """Return what the broker whose log lies in *data* has of a partition, from offset *first* on.

    Files that vanish meanwhile count as gone; a partition that is not there has nothing.
    """
    topic, partition = pair
    directory = data / f"{topic}-{partition}"
    size = records = segments = allocated = 0
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(directory.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                allocated += path.stat().st_blocks * _BLOCK_BYTES
                if path.suffix != ".log":
                    continue
                segments += 1
                with path.open("rb") as file:
                    for batch in batches(file):
                        if batch.last >= first:
                            size, records = size + batch.size_bytes, records + batch.records
    return PartitionFiles(size, records, segments, allocated)


def files_of(data: Path, firsts: Mapping[Pair, int]) -> dict[Pair, PartitionFiles]:
    """Return the same for each partition of *firsts*, which names the first offset that is asked for."""
    return {pair: partition_files(data, pair, first) for pair, first in firsts.items()}


def batches(file: BufferedReader) -> Iterator[Batch]:
    """Yield the heads of a segment's batches; one that is being written now ends it."""
    at = 0
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        first, length, _, _, _, _, last_delta, *_, records = _HEAD.unpack(head)
        if length <= 0:
            return  # preallocated, and not written yet
        size = _BEFORE_LENGTH + length
        yield Batch(first, first + last_delta, size, records)
        at += size
        file.seek(at)
