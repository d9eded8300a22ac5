"""Watches what each server uses while a trial runs."""

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


class ResourceWatch:
    """Asks *use* once a second from its start to its end, in a thread; use as a context manager around the load."""

    def __init__(self, use: Callable[[], dict[str, ResourceUse]]) -> None:
        self._use = use
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resources", daemon=True)
        self._rows: list[tuple[int, str, float, int]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def write(self, path: Path) -> None:
        """Write time (monotonic, ns), service, processor seconds so far and memory; one line a service and reading."""
        times, services, cpu_s, rss_bytes = zip(*self._rows, strict=True) if self._rows else ((), (), (), ())
        table = pa.table({
            "time_ns": pa.array(times, pa.int64()),
            "service": pa.array(services, pa.string()).dictionary_encode(),
            "cpu_s": pa.array(cpu_s, pa.float64()),
            "rss_bytes": pa.array(rss_bytes, pa.int64()),
        })  # fmt: skip
        pq.write_table(table, path, compression="zstd")

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            now_ns = time.monotonic_ns()
            self._rows += [(now_ns, name, use.cpu_s, use.rss_bytes) for name, use in self._use().items()]
            due += EVERY_S
