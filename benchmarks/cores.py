"""Puts what is measured on one core, or a part of it, and what it talks to on another, where there are two."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from benchmarks.errors import BenchmarkError

_CORES = sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def on_core(number: int) -> Iterator[None]:
    """Let processes that are started in the block run on one core alone.

    *number* counts the cores that this process had at first; where it had one, everything shares it.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[number % len(_CORES)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class CoreShare:
    """A control group whose processes together may be held to a part of a core; use as a context manager.

    Processes that are started while the manager is entered through `joined` belong to it for good. Raises
    `BenchmarkError` where the system lets this process make no such group.
    """

    _PERIOD_US = 10_000
    """So short that a process that has had its share waits for a few milliseconds."""

    def __init__(self) -> None:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
        self._whole = Path("/sys/fs/cgroup")
        first = next((names for names in own if "cpu" in names.split(",")), "")
        if first:  # version 1, where each controller has a tree of its own
            self._whole /= "cpu"
        self._version = 1 if first else 2
        self._own = self._whole / own.get(first, "/").lstrip("/")
        self._group = self._own / f"seawall-{os.getpid()}"

    def __enter__(self) -> Self:
        try:
            self._group.mkdir()
            self.limit(1.0)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._group.rmdir()
            raise BenchmarkError(
                f"no control group for a part of a core can be made here ({error.strerror}): it takes root, or a"
                " system that hands the `cpu` controller on"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # what has not ended keeps it
            self._group.rmdir()

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Let processes that are started in the block belong to the group."""
        self._move(self._group)
        try:
            yield
        finally:
            self._move(self._own)

    def limit(self, cores: float) -> None:
        """Give the group so much of a core's time, or of several cores'."""
        quota_us = round(cores * self._PERIOD_US)
        if self._version == 1:
            (self._group / "cpu.cfs_period_us").write_text(str(self._PERIOD_US))
            (self._group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (self._group / "cpu.max").write_text(f"{quota_us} {self._PERIOD_US}")

    def _move(self, group: Path) -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))
