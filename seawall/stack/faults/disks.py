"""Disks that run full or are lost.

To be filled up, a server's data lie on a file system of limited size of their own.
"""

from __future__ import annotations

import contextlib
import errno
import random
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from seawall.stack.faults.fault import Field, NoEffect
from seawall.stack.faults.processes import Ended, another_broker
from seawall.stack.small_disk import why_not
from seawall.stack.stack import Stack
from seawall.stack.state import StackState

_BALLAST = "ballast"
_BLOCK = b"\0" * (1 << 20)
_RECORDS = re.compile(r"(?!__cluster_metadata).+-\d+")
"""The directory of a partition. What brokers know of the cluster is no record, and lies on another disk in earnest."""


class Full:
    """The file system of one server's data, without a byte to spare."""

    def __init__(self, field: Field, owner: str) -> None:
        self._state = field.stack.state
        self._owner = owner
        self._ballast: Path | None = None
        self._bytes = 0
        self._was_full = False

    def begin(self) -> None:
        """Fill it, to the last byte."""
        places = places_of(self._state, self._owner)
        if not places:
            raise NoEffect(f"the data of {self._owner} is on no file system of its own")
        self._ballast = places[0] / _BALLAST
        with self._ballast.open("wb", buffering=0) as file:
            for block in (_BLOCK, _BLOCK[:4_096], _BLOCK[:1]):
                with contextlib.suppress(OSError):
                    while written := file.write(block):
                        self._bytes += written
        try:
            with self._ballast.open("ab", buffering=0) as file:
                file.write(b"x")
        except OSError as error:
            self._was_full = error.errno == errno.ENOSPC

    def end(self) -> None:
        """Give the room back."""
        if self._ballast is not None:
            self._ballast.unlink(missing_ok=True)

    def bite(self) -> str:
        """Say that nothing more could be written."""
        return f"{self._owner}: no room after {self._bytes >> 20} MB of ballast" if self._was_full else ""


class Wiped(Ended):
    """A broker that dies and comes back without a single record, as one whose disk was replaced."""

    def __init__(self, stack: Stack, broker: str) -> None:
        super().__init__(Field(stack, random.Random()), broker, signal.SIGKILL)
        self._data = Path(stack.state.data_dir) / broker / "data"
        self._wiped = 0

    def begin(self) -> None:
        """Kill it, and remove what it holds of every partition."""
        super().begin()
        for place in sorted(self._data.iterdir()):
            if place.is_dir() and _RECORDS.fullmatch(place.name):
                shutil.rmtree(place)
                self._wiped += 1

    def bite(self) -> str:
        """Name the process that took its place, and how much it had lost."""
        replaced = super().bite()
        return f"{replaced}, {self._wiped} partitions wiped" if replaced and self._wiped else ""


def wipe(field: Field) -> Wiped:
    """Return what takes a broker's disk away; another one's than the controller's, where there is one."""
    return Wiped(field.stack, another_broker(field))


def only_replica(state: StackState) -> str:
    """Say that a broker holds the only replica of everything, where that is so."""
    brokers = [name for name, service in state.services.items() if service.kind == "kafka" and not service.external]
    if len(brokers) > 1:
        return ""
    return "the only broker holds the only replica, which loses records: `bin/seawall controls --only wiped-replica`"


def fill(owner: str) -> Callable[[Field], Full]:
    """Return what fills the disk of an *owner*: ``kafka`` or ``database``."""
    return lambda field: Full(field, owner)


def places_of(state: StackState, owner: str) -> list[Path]:
    """Return the mounted file systems of an owner's data."""
    return [
        path
        for path in map(Path, state.mounts)
        if (path.parent.name.startswith("kafka") if owner == "kafka" else not path.parent.name.startswith("kafka"))
    ]


def no_small_disk(owner: str) -> Callable[[StackState], str]:
    """Return what says that a stack has no file system of limited size for an owner."""

    def obstacle(state: StackState) -> str:
        if places_of(state, owner):
            return ""
        return why_not() or f"the data of {owner} is on everybody's disk: name this fault, and it gets one of its own"

    return obstacle
