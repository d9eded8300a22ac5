"""Watches what each server and the generator use while a trial runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from seawall.stack.usage import ResourceUse

EVERY_S = 1.0
_COLUMNS = {
    "cpu_s": pa.float64(),
    "rss_bytes": pa.int64(),
    "written_bytes": pa.int64(),
    "context_switches": pa.int64(),
    "open_files": pa.int64(),
}


class ResourceWatch:
    """Asks *use* once a second from its start to its end, in a thread; use as a context manager around the load."""

    def __init__(self, use: Callable[[], dict[str, ResourceUse]]) -> None:
        self._use = use
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resources", daemon=True)
        self._rows: list[tuple[int, str, ResourceUse]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def cores(self, start_ns: int, end_ns: int) -> dict[str, float]:
        """Return how many cores each service kept busy between two moments (monotonic), by the readings in between.

        One of which there are fewer than two readings is left out.
        """
        readings: dict[str, list[tuple[int, float]]] = {}
        for time_ns, service, use in self._rows:
            if start_ns <= time_ns <= end_ns:
                readings.setdefault(service, []).append((time_ns, use.cpu_s))
        return {
            service: round(max(0.0, seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0]) * 1e9, 3)
            for service, seen in readings.items()
            if len(seen) > 1
        }

    def write(self, path: Path) -> None:
        """Write time (monotonic, ns), service and the fields of `ResourceUse`; one line a service and reading."""
        columns = {
            "time_ns": pa.array([time_ns for time_ns, _, _ in self._rows], pa.int64()),
            "service": pa.array([service for _, service, _ in self._rows], pa.string()).dictionary_encode(),
        }
        for name, kind in _COLUMNS.items():
            columns[name] = pa.array([getattr(use, name) for _, _, use in self._rows], kind)
        table = pa.table(columns)
        pq.write_table(table, path, compression="zstd")

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            now_ns = time.monotonic_ns()
            self._rows += [(now_ns, name, use) for name, use in self._use().items()]
            due += EVERY_S
