"""The files of a ledger: columns of requests, a Parquet file for each part of a run."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from gevent.event import AsyncResult

from contract.ids import Run
from contract.samples import Shape
from seawall.load.part_facts import as_metadata

Columns = dict[str, npt.NDArray[Any]]
"""One array a column, shape ``(requests,)`` each."""

CODES = {
    "user": "I",
    "sequence": "I",
    "entity": "B",
    "endpoint": "B",
    "intended_ns": "q",
    "sent_ns": "q",
    "answered_ns": "q",
    "status": "H",
}
_FEW_VALUES = ["entity", "endpoint", "status"]
_ENCODINGS = {name: "DELTA_BINARY_PACKED" for name, code in CODES.items() if code == "q"}
"""Times hardly ever repeat, so a dictionary of them costs three times as much and takes twice the room."""
DTYPES = {"I": np.uint32, "B": np.uint8, "q": np.int64, "H": np.uint16}
ROW = struct.Struct("=" + "".join(CODES.values()))
"""One request in memory."""
_ROW_TYPE = np.dtype([(name, DTYPES[code]) for name, code in CODES.items()])


class PartFiles:
    """Writes parts into a directory that is there already.

    Files are written by a thread of gevent's pool, so the event loop goes on; each appears only when it is whole, so
    what was written stays readable whatever happens to the process.
    """

    def __init__(self, directory: Path, run: Run, seed: int, shape: Shape) -> None:
        self.directory = directory
        self.rows = 0
        """Requests of all parts so far."""
        self._run, self._seed, self._shape = run, seed, shape
        self._about = {"run_ms": run.ms, "run_nonce": run.nonce, "seed": seed, "shape": asdict(shape)}
        self._writers: list[AsyncResult] = []

    def beside(self, place: str) -> PartFiles:
        """Return the files of a *place* beside these, of the same run."""
        directory = self.directory / place
        directory.mkdir(exist_ok=True)
        return PartFiles(directory, self._run, self._seed, self._shape)

    def write(self, columns: Columns, endpoints: list[str]) -> None:
        """Begin to write one part; *endpoints* must start with those of the part before."""
        path = self.directory / f"part-{self.rows:012d}.parquet"
        self.rows += len(columns["status"])
        about = {
            **self._about,
            "endpoints": endpoints,
            "clock_monotonic_ns": time.monotonic_ns(),
            "clock_wall_ns": time.time_ns(),
        }
        self._writers.append(gevent.get_hub().threadpool.spawn(_write_part, path, columns, about))

    def check(self) -> None:
        """Raise the `OSError` of a file that could not be written; call it now and then."""
        for writer in [writer for writer in self._writers if writer.ready()]:
            self._writers.remove(writer)
            error = writer.get()
            if error is not None:
                raise error

    def close(self) -> None:
        """Wait for all files; raises `OSError` where one could not be written."""
        if not self.rows and not self._writers:
            self.write(as_columns(bytearray(), 0), [])
        gevent.wait(self._writers)
        self.check()


def holds_ledger(directory: Path) -> bool:
    """Tell whether a run was recorded in *directory*."""
    return directory.is_dir() and any(directory.glob("part-*.parquet"))


def as_columns(rows: bytearray, count: int) -> Columns:
    """Return the first *count* of packed *rows*, copied, as columns."""
    packed = np.frombuffer(rows, _ROW_TYPE, count)
    return {name: packed[name].copy() for name in CODES}


def _write_part(path: Path, columns: Columns, about: dict[str, Any]) -> OSError | None:
    """Write one file; runs outside the event loop, so it uses nothing of gevent's.

    An error is returned: gevent would print one that is raised, fail at that where the disk is full, and then leave
    whoever waits for this waiting for ever.
    """
    partial = path.with_suffix(".partial")
    try:
        table = pa.table(columns).replace_schema_metadata(as_metadata(about))
        pq.write_table(
            table,
            partial,
            compression="zstd",
            use_dictionary=_FEW_VALUES,
            column_encoding=_ENCODINGS,
            write_page_checksum=True,
        )
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return error
    return None
