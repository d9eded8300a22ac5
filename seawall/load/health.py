"""The instrument watches itself: what of a measured time could be the generator's own."""

from __future__ import annotations

import gc
import time
from array import array
from types import TracebackType
from typing import Self

import gevent
import numpy as np
import psutil

from seawall.result import InstrumentHealth

TICK_S = 0.01
LATELY = 6_000
"""Ticks: to look at all of them would keep the event loop of a long run waiting."""


class HealthProbe:
    """Watches from its start to its stop; use as a context manager around the load, then read `health`."""

    def __init__(self) -> None:
        self._lags_ms = array("d")
        self._ticks_ns = array("q")
        self._pauses_ms: list[float] = []
        self._pause_began = 0.0
        self._process = psutil.Process()
        self.cpu_s = 0.0
        """Processor seconds between start and stop."""
        self._running = False
        self.last_tick_ns = 0
        """When the event loop last turned, monotonic."""

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._used_before_s = self._used_cpu_s()
        self._running = True
        gc.callbacks.append(self._note_collection)
        self._ticker = gevent.spawn(self._tick)
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._ticker.kill()
        gc.callbacks.remove(self._note_collection)
        self._look()
        self._running = False

    def health(self, *, connections: int, users: int) -> InstrumentHealth:
        """Return what was seen; before the end, the event loop's lag is that of the last minute or so."""
        lags_ms = np.array((self._lags_ms[-LATELY:] if self._running else self._lags_ms) or [0.0])
        if self._running:
            self._look()
        return InstrumentHealth(
            loop_lag_p99_ms=round(float(np.quantile(lags_ms, 0.99)), 3),
            loop_lag_max_ms=round(float(lags_ms.max()), 3),
            gc_pauses=len(self._pauses_ms),
            gc_longest_ms=round(max(self._pauses_ms, default=0.0), 3),
            cpu_share=round(self.cpu_s / max(self._elapsed_s, 1e-9), 3),
            connections_opened=connections,
            reconnects=max(0, connections - users),
            clock_step_ms=round(self._step_ns / 1e6, 3),
        )

    def loop_lag_p99_ms(self, begin_ns: int, end_ns: int) -> float:
        """Return how late the event loop was between two moments, monotonic; 0 where it did not turn meanwhile."""
        ticks_ns = np.array(self._ticks_ns)
        inside = (ticks_ns >= begin_ns) & (ticks_ns < end_ns)
        lags_ms = np.array(self._lags_ms)[: len(ticks_ns)][inside]
        return round(float(np.quantile(lags_ms, 0.99)), 3) if len(lags_ms) else 0.0

    def _tick(self) -> None:
        due = time.perf_counter() + TICK_S
        while True:
            gevent.sleep(max(0.0, due - time.perf_counter()))
            now = time.perf_counter()
            self._lags_ms.append(max(0.0, now - due) * 1e3)
            # From now on, not from the missed moment: one stall is one late tick and not a row of them.
            due = max(due, now) + TICK_S
            self.last_tick_ns = time.monotonic_ns()
            self._ticks_ns.append(self.last_tick_ns)

    def _note_collection(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._pause_began = time.perf_counter()
        else:
            self._pauses_ms.append((time.perf_counter() - self._pause_began) * 1e3)

    def _look(self) -> None:
        self.cpu_s = self._used_cpu_s() - self._used_before_s
        self._elapsed_s = time.monotonic() - self._began
        self._step_ns = abs(time.time_ns() - time.monotonic_ns() - self._offset_ns)

    def _used_cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)
