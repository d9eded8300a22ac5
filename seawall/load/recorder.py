"""Keeps every request of a run in columns; the audit and all figures come from these.

The id of a record follows from run, user and sequence and its fields from the seed, so neither is kept.
"""

from __future__ import annotations

import json
import time
from array import array
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import gevent
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from gevent.event import AsyncResult

from contract.ids import Run
from contract.samples import AS_DRAWN, Shape

NO_RECORD = 0
"""The `entity` of a request that writes no record."""


class Recorder(Protocol):
    """Takes one line for each request."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request.

        *times_ns* are intended, sent and answered on the monotonic clock; *status* 0 means that no answer came.
        """
        ...


class NullRecorder:
    """Keeps nothing: plain `locust -f` judges by Locust's own statistics."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Forget the request."""


class ColumnRecorder:
    """Keeps 36 bytes a request in memory, and writes them to Parquet files as they fill up.

    *directory* gets a file for each *part_rows* requests, the rest when it is closed. Files are written by a thread of
    gevent's pool, so the event loop goes on; each appears only when it is whole, so what was written stays readable
    whatever happens to the process.
    """

    def __init__(
        self, directory: Path, run: Run, seed: int, *, shape: Shape = AS_DRAWN, part_rows: int = 100_000
    ) -> None:
        self._directory = directory
        self._about = {"run_ms": run.ms, "run_nonce": run.nonce, "seed": seed, "shape": asdict(shape)}
        self._part_rows = part_rows
        self._endpoints: dict[str, int] = {}
        self._writers: list[AsyncResult] = []
        self._written = 0
        self._columns = _empty_columns()
        directory.mkdir(parents=True)

    def __len__(self) -> int:
        return self._written + len(self._columns["status"])

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request."""
        columns = self._columns
        columns["user"].append(user)
        columns["sequence"].append(sequence)
        columns["entity"].append(entity)
        columns["endpoint"].append(self._endpoints.setdefault(endpoint, len(self._endpoints)))
        columns["intended_ns"].append(times_ns[0])
        columns["sent_ns"].append(times_ns[1])
        columns["answered_ns"].append(times_ns[2])
        columns["status"].append(status)
        if len(columns["status"]) >= self._part_rows:
            self._spill()

    def check(self) -> None:
        """Raise the `OSError` of a file that could not be written; call it now and then."""
        for writer in [writer for writer in self._writers if writer.ready()]:
            self._writers.remove(writer)
            writer.get()

    def close(self) -> None:
        """Write what is left and wait for all files; raises `OSError` where one could not be written."""
        if len(self._columns["status"]) or not self._written:
            self._spill()
        for writer in self._writers:
            writer.get()
        self._writers.clear()

    def _spill(self) -> None:
        columns, self._columns = self._columns, _empty_columns()
        path = self._directory / f"part-{self._written:012d}.parquet"
        self._written += len(columns["status"])
        about = {
            **self._about,
            "endpoints": list(self._endpoints),
            "clock_monotonic_ns": time.monotonic_ns(),
            "clock_wall_ns": time.time_ns(),
        }
        self._writers.append(gevent.get_hub().threadpool.spawn(_write_part, path, columns, about))


def _empty_columns() -> dict[str, array[int]]:
    return {name: array(code) for name, code in _CODES.items()}


_CODES = {
    "user": "I",
    "sequence": "I",
    "entity": "B",
    "endpoint": "B",
    "intended_ns": "q",
    "sent_ns": "q",
    "answered_ns": "q",
    "status": "H",
}
_DTYPES = {"I": np.uint32, "B": np.uint8, "q": np.int64, "H": np.uint16}


def _write_part(path: Path, columns: dict[str, array[int]], about: dict[str, Any]) -> None:
    """Write one file; runs outside the event loop, so it uses nothing of gevent's."""
    table = pa.table({name: np.frombuffer(column, _DTYPES[column.typecode]) for name, column in columns.items()})
    partial = path.with_suffix(".partial")
    try:
        pq.write_table(table.replace_schema_metadata({"seawall": json.dumps(about)}), partial, compression="zstd")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
