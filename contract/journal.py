"""The sink's journal: after which moment the rows of which offsets are visible.

A file of JSON lines a sink. The first line of a process, and one a minute, is a `ClockPair`; each commit
of a batch adds a `Commit`, written *after* the database's commit returned.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive offsets of one partition that one batch made visible; both ends are included."""

    topic: str
    partition: int
    first: int
    last: int


class ClockPair(msgspec.Struct, frozen=True, tag="clock"):
    """The same moment on the monotonic and on the wall clock, nanoseconds."""

    monotonic_ns: int
    wall_ns: int
    pid: int


class Commit(msgspec.Struct, frozen=True, tag="commit"):
    """One batch: when its commit had returned, what it made visible, and what it found."""

    monotonic_ns: int
    spans: list[Span]
    stored: int
    duplicates: int
    dead_lettered: int


Entry = ClockPair | Commit


class Journal(Protocol):
    """Takes note of commits."""

    def commit(self, entry: Commit) -> None:
        """Take note of *entry*."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class NoJournal:
    """Nobody will read it."""

    def commit(self, entry: Commit) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class JournalWriter:
    """Appends entries to one file; each reaches the operating system before `commit` returns."""

    CLOCK_EVERY_NS = 60 * 10**9

    def __init__(self, path: Path, pid: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._encode = msgspec.json.Encoder().encode
        self._pid = pid
        self._clock_due_ns = 0

    def commit(self, entry: Commit) -> None:
        """Append *entry*."""
        if entry.monotonic_ns >= self._clock_due_ns:
            self._write(ClockPair(time.monotonic_ns(), time.time_ns(), self._pid))
            self._clock_due_ns = entry.monotonic_ns + self.CLOCK_EVERY_NS
        self._write(entry)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, entry: Entry) -> None:
        self._file.write(self._encode(entry) + b"\n")


def read_journal(path: Path, offset: int = 0) -> tuple[list[Entry], int]:
    """Return the complete entries of *path* from byte *offset* on, and the offset after them.

    A last line that is cut off (the sink was killed while writing) is left for the next call.
    """
    with path.open("rb") as file:
        file.seek(offset)
        text = file.read()
    complete = text.rfind(b"\n") + 1
    decoder = msgspec.json.Decoder(Entry)
    return [decoder.decode(line) for line in text[:complete].splitlines()], offset + complete
