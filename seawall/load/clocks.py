"""Times of several processes: the same clock where the host is the same, the wall clock where it is not."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

import msgspec


class HostClock(msgspec.Struct, frozen=True):
    """The same moment on a process's monotonic and wall clock, and whose clock that is."""

    host: str
    """Equal for processes whose monotonic clock is the same."""
    monotonic_ns: int
    wall_ns: int


class Offset(NamedTuple):
    """What must be added to a worker's times to make them the master's."""

    monotonic_ns: int
    wall_ns: int
    """Of its wall clock: below 0 where that is ahead."""
    error_ns: int
    """The most by which both can be wrong."""

    @property
    def words(self) -> str:
        """How the worker's clock stands, for people."""
        ahead_ms = -self.wall_ns / 1e6
        return f"{abs(ahead_ms):.3f} ms {'ahead' if ahead_ms > 0 else 'behind'} (known to {self.error_ns / 1e6:.3f} ms)"


def this_clock() -> HostClock:
    """Return the clock of this process, now."""
    return HostClock(_host(), time.monotonic_ns(), time.time_ns())


def offset_ns(theirs: HostClock, ours: HostClock) -> int:
    """Return what must be added to *their* monotonic times to make them *ours*.

    Nothing where both share a clock. Else both wall clocks are taken to be right, so the offset is as good as the
    hosts' synchronisation.
    """
    if theirs.host == ours.host:
        return 0
    return (theirs.wall_ns - theirs.monotonic_ns) - (ours.wall_ns - ours.monotonic_ns)


def _host() -> str:
    """Return what tells monotonic clocks apart: the kernel's boot, and the time namespace in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/time').readlink()}"
    except OSError:  # not Linux
        return f"{socket.gethostname()}/{os.uname().sysname}"
