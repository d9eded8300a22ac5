"""What processes took of the processors over a stretch of time, from readings once a second."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from seawall.experiments.figures import Window
from seawall.stack.usage import ResourceUse

MACHINE = "machine"


@dataclass(frozen=True)
class Reading:
    """The processor time that a process had used by then."""

    time_ns: int
    process: str
    cpu_s: float


def cores_used(readings: Iterable[Reading], window: Window) -> dict[str, float]:
    """Return how many cores each process used on average between its first and last reading in *window*.

    A process with fewer than two readings there, or whose time went back since it was started again, is left out.
    """
    inside: dict[str, list[Reading]] = {}
    for reading in readings:
        if window.start_ns <= reading.time_ns <= window.end_ns:
            inside.setdefault(reading.process, []).append(reading)
    found = {}
    for process, mine in inside.items():
        mine.sort(key=lambda reading: reading.time_ns)
        seconds = (mine[-1].time_ns - mine[0].time_ns) / 1e9
        backwards = any(later.cpu_s < earlier.cpu_s for earlier, later in pairwise(mine))
        if seconds > 0 and not backwards:
            found[process] = (mine[-1].cpu_s - mine[0].cpu_s) / seconds
    return found


def readings_of(path: Path) -> list[Reading]:
    """Read what `ResourceWatch` wrote."""
    rows = pq.read_table(path, columns=["time_ns", "service", "cpu_s"]).to_pylist()
    return [Reading(row["time_ns"], row["service"], row["cpu_s"]) for row in rows]


def machine_use() -> dict[str, ResourceUse]:
    """Return how long the cores that we may use were busy since the machine's start, under one name.

    What the host took from a virtual machine counts: it was not to be had.
    """
    ours = os.sched_getaffinity(0)
    return {
        MACHINE: ResourceUse(
            sum(_busy_s(times) for core, times in enumerate(psutil.cpu_times(percpu=True)) if core in ours), 0
        )
    }


def _busy_s(times: Any) -> float:
    # guests' time is part of their hosts' user time already
    idle = {"idle", "iowait", "guest", "guest_nice"}
    return float(sum(getattr(times, name) for name in times._fields if name not in idle))
