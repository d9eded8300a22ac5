"""Looks at the fleet's cache once a second while a trial runs."""

from __future__ import annotations

import threading
import time
from typing import Self

from seawall.observe.fleet import FleetCache, FleetReading

_EVERY_S = 1.0


class FleetMonitor:
    """A thread that notes fill and age; use as a context manager."""

    def __init__(self, url: str) -> None:
        self._cache = FleetCache(url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet-monitor", daemon=True)
        self.readings: list[tuple[int, FleetReading]] = []
        """Monotonic ns at which each was read."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._cache.close()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            self.readings.append((time.monotonic_ns(), self._cache.read()))
            due_s += _EVERY_S
