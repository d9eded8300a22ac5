"""The reject file: a CSV file of what is not stored, each record with its lines and why."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from workers.csv_import.chunks import Reject
from workers.csv_import.encodings import UNDECODABLE
from workers.csv_import.lines import TOO_LONG

HEADER = ("line", "last_line", "reason", "record")
_SHOWN = str.maketrans({UNDECODABLE: "\ufffd", TOO_LONG: "\ufffd", "\0": "\ufffd"})


class RejectFile:
    """Takes rejects; what was kept before a kill is known by its size. Use as a context manager."""

    def __init__(self, path: Path, *, earlier: Path | None = None, size: int = 0) -> None:
        """Begin anew, or go on behind the first *size* bytes of an *earlier* file; raises `OSError`."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if size and earlier is not None:
            if earlier.resolve() != path.resolve():
                shutil.copyfile(earlier, path)
            os.truncate(path, size)
        self._file = path.open("a" if size else "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        if not size:
            self._writer.writerow(HEADER)
        self.kept_bytes = 0
        self.keep()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Take some."""
        self._writer.writerows((one.first, one.last, one.reason, one.text.translate(_SHOWN)) for one in rejects)

    def keep(self) -> int:
        """Have all of them on the disk, and return the file's size."""
        if (size := self._file.tell()) != self.kept_bytes:
            self._file.flush()
            os.fsync(self._file.fileno())
            self.kept_bytes = size
        return size

    def close(self) -> None:
        """Close the file."""
        self._file.close()
