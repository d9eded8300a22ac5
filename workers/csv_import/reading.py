"""One import of one file: where it goes on, what it has dealt with, and what it says of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from contract.csv_rows import FileIdentity, identify
from workers.csv_import import dialect, encodings
from workers.csv_import.chunks import Chunk
from workers.csv_import.errors import BadFile
from workers.csv_import.notes import Notes, Progress
from workers.csv_import.records import CsvFile
from workers.csv_import.rejects import RejectFile
from workers.csv_import.table import Table
from workers.progress_lines import peak_memory_bytes

BATCH_ROWS = 20_000
_MOST_BATCH_BYTES = 8 << 20


class Asked(NamedTuple):
    """What the user wants."""

    path: Path
    rejects: Path
    encoding: str = encodings.AUTO
    delimiter: str = dialect.AUTO
    batch_rows: int = BATCH_ROWS
    anew: bool = False
    """Forget what was imported of this file before."""


class Reading:
    """Hands out the records of a file in batches, and notes how far they are dealt with."""

    def __init__(self, asked: Asked, way: str, table: Table) -> None:
        """Open everything; raises `ImportFailed`, or `OSError` where the reject file cannot be written."""
        self.opened_ns = time.monotonic_ns()
        self._asked = asked
        self.file = CsvFile(asked.path, encoding=asked.encoding, delimiter=asked.delimiter)
        try:
            self.identity = self._identified()
            self._notes = Notes(table, self.identity, way, self.file.read_as, anew=asked.anew)
            earlier = self._notes.read()
            if earlier is not None and earlier.finished:
                earlier = None  # all of it is read again, and stored where it is not there any more
            self.resumed_line = earlier.position.line if earlier else 0
            self._rejects = (
                RejectFile(asked.rejects, earlier=earlier.rejects, size=earlier.rejects_bytes)
                if earlier
                else RejectFile(asked.rejects)
            )
            self.good, self.bad = (earlier.good, earlier.bad) if earlier else (0, 0)
            self._chunks = self.file.chunks(
                earlier.position if earlier else None, most=min(asked.batch_rows, BATCH_ROWS)
            )
            self._position = earlier.position if earlier else None
        except BaseException:
            self.file.close()
            raise
        self.over = self.stopping = False
        self.stored = 0

    def stop(self) -> None:
        """End after the batch that is under way; callable from a signal handler."""
        self.stopping = True

    def close(self) -> None:
        """Close the files."""
        self.file.close()
        self._rejects.close()

    def batch(self) -> Iterator[Chunk]:
        """Yield the chunks of the next batch; what was yielded counts as dealt with by the next `note`."""
        rows = size = 0
        while rows < self._asked.batch_rows and size < _MOST_BATCH_BYTES and not self.stopping:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.over = True
                return
            self._rejects.add(chunk.rejects)
            self.good, self.bad = self.good + len(chunk.rows.lines), self.bad + len(chunk.rejects)
            self._position = chunk.position
            rows += chunk.size
            size += chunk.rows.others.nbytes  # names are short
            yield chunk

    def note(self, connection: sa.Connection) -> None:
        """Note in the transaction of *connection* how far the file is dealt with, rejects first."""
        size = self._rejects.keep()
        if self._position is not None:
            done = Progress(self._position, self.good, self.bad, self._asked.rejects, size, self.over)
            self._notes.write(connection, done)

    def beginning(self) -> dict[str, Any]:
        """Return what is known before the first batch."""
        return {
            "begins": True,
            "opened_ns": self.opened_ns,
            "file": str(self.identity.file),
            "last": str(self.identity.last),
            "size_bytes": self._asked.path.stat().st_size,
            "resumed_line": self.resumed_line,
            "resumed_good": self.good,
            **self.file.form(),
        }

    def state(self) -> dict[str, Any]:
        """Return how far it is."""
        return {
            "at_ns": time.monotonic_ns(),
            "good": self.good,
            "bad": self.bad,
            "stored": self.stored,
            "line": self._position.line if self._position else 0,
            "bytes": self._position.offset if self._position else 0,
            "over": self.over,
            "memory_bytes": peak_memory_bytes(),
        }

    def _identified(self) -> FileIdentity:
        before = self._asked.path.stat()
        found = identify(self._asked.path)
        after = self._asked.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise BadFile(f"{self._asked.path}: somebody writes to it just now; import it when it is whole")
        return found
