"""What is read from the files of a log: bytes and records of batches, from an offset on."""

from __future__ import annotations

import struct
from pathlib import Path

from seawall.stack.log_files import PartitionFiles, partition_files

HEAD_BYTES = 61
PAIR = ("seawall.users", 2)


def batch(first: int, last: int, records: int, body: bytes = b"") -> bytes:
    """Return a record batch of Kafka's second version, whose body stands for compressed records."""
    length = HEAD_BYTES - 12 + len(body)
    return struct.pack(">qiibIhiqqqhii", first, length, 0, 2, 0, 0, last - first, 0, 0, -1, -1, -1, records) + body


def segments(data: Path, *contents: bytes) -> Path:
    """Write segments into the partition's directory, and return that."""
    directory = data / f"{PAIR[0]}-{PAIR[1]}"
    directory.mkdir()
    for number, content in enumerate(contents):
        (directory / f"{number:020}.log").write_bytes(content)
    return directory


def test_batches_count_from_the_offset_on(tmp_path: Path) -> None:
    """What lies before it is no part, a batch that reaches over it is."""
    segments(tmp_path, batch(0, 4, 5, b"x" * 39) + batch(5, 9, 5, b"x" * 139), batch(10, 10, 1))
    found = partition_files(tmp_path, PAIR, 7)
    assert (found.records, found.size_bytes, found.segments) == (6, 200 + 61, 2)
    assert partition_files(tmp_path, PAIR, 0).records == 11
    assert partition_files(tmp_path, PAIR, 11).records == 0


def test_a_cleaned_batch_counts_what_is_left_in_it(tmp_path: Path) -> None:
    """A cleaner keeps a batch's first and last offset, and the records that have no newer namesake."""
    segments(tmp_path, batch(0, 99, 3))
    assert partition_files(tmp_path, PAIR, 50) == PartitionFiles(61, 3, 1, found_bytes(tmp_path))


def test_what_is_no_segment_takes_disk_and_holds_no_records(tmp_path: Path) -> None:
    """Neither does one that is deleted and waits to be removed, nor what is preallocated or half written."""
    directory = segments(tmp_path, batch(0, 0, 1) + bytes(100), batch(1, 1, 1) + batch(2, 2, 1)[:30])
    (directory / "00000000000000000000.log.deleted").write_bytes(batch(0, 0, 1))
    (directory / "00000000000000000000.index").write_bytes(b"\1" * 5_000)
    found = partition_files(tmp_path, PAIR, 0)
    assert (found.records, found.segments) == (2, 2)
    assert found.allocated_bytes == found_bytes(tmp_path) > found.size_bytes


def test_a_partition_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """A broker need not have a replica of each."""
    assert partition_files(tmp_path, PAIR, 0) == PartitionFiles()


def found_bytes(data: Path) -> int:
    """Return the disk that all files of the partition take."""
    return sum(path.stat().st_blocks * 512 for path in (data / f"{PAIR[0]}-{PAIR[1]}").iterdir())
