"""Room on the disks that a long experiment writes to: enough for the next trial, and for a last word."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import defaultdict
from pathlib import Path
from typing import Self

from seawall.experiments.errors import DiskFull, LoadFailed

LAST_WORD_BYTES = 4 << 20
"""Held back for the result that says that the disk is full."""
SPARE_TRIALS = 2
"""So many trials as large as the largest so far must fit, and the result again."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Room:
    """Watches the results' *directory* and *data*, that of the servers.

    Use as a context manager, which holds room back until its end.
    """

    def __init__(self, directory: Path, data: Path) -> None:
        self._places = [place for place in (directory, data) if place.is_dir()]
        self._reserve = directory / ".room"
        self._before: dict[Path, int] = {}
        self._most: dict[Path, int] = defaultdict(int)

    def __enter__(self) -> Self:
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, LAST_WORD_BYTES)
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._reserve.unlink()

    def trial_starts(self) -> None:
        """Look how much is used; raises `DiskFull` where the trial would not fit."""
        needed: dict[int, int] = defaultdict(int)
        for place in self._places:
            needed[place.stat().st_dev] += SPARE_TRIALS * self._most[place]
        for place in self._places:
            status = os.statvfs(place)
            free, wanted = status.f_bavail * status.f_frsize, needed[place.stat().st_dev] + LAST_WORD_BYTES
            if self._most[place] and free < wanted:
                raise DiskFull(
                    f"the disk of {place} has {_megabytes(free)} left, and the next segment may take"
                    f" {_megabytes(wanted)}: make room and go on with --resume"
                )
        self._before = {place: used_bytes(place) for place in self._places}

    def trial_ended(self) -> None:
        """Note how much the trial took."""
        for place, before in self._before.items():
            self._most[place] = max(self._most[place], used_bytes(place) - before)


def used_bytes(directory: Path) -> int:
    """Return how much the files below *directory* take; files that vanish in the meantime count as none."""
    used = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                used += os.lstat(f"{parent}/{name}").st_blocks * 512
    return used


def is_full(error: Exception) -> bool:
    """Tell whether *error* comes of a full disk, in this process or in the generator's."""
    if isinstance(error, OSError):
        return error.errno in _FULL or any(os.strerror(number) in str(error) for number in _FULL)
    return isinstance(error, LoadFailed) and any(os.strerror(number) in str(error) for number in _FULL)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
