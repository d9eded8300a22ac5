"""Which fault is planted at this moment, and the list of what it did.

``SEAWALL_FAULT`` names it, with an amount where one is wanted: ``drop 1000``, ``freeze 500``, ``delay 44``. Where
``SEAWALL_FAULT_FILE`` is given, the first line of that file says it instead and may be changed while the process runs.
``SEAWALL_FAULT_LOG`` is a directory that takes a file of JSON lines from each process; with it the audit's findings
can be held against what was really done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

HONEST = "none"

API_FAULTS = {
    "drop": 1_000.0,
    "early-ack": 200.0,
    "log-twice": 20.0,
    "alter": 1_000.0,
    "freeze": 500.0,
    "delay": 40.0,
    "acks-0": 0.0,
}
"""With what their amount is by default: one record in so many, or milliseconds; `acks-0` knows none."""

SINK_FAULTS = {"store-twice": 500.0, "early-offsets": 0.0}
"""As above; early offsets know no amount."""


class UnknownFault(Exception):
    """No fault has this name."""


class Fault(NamedTuple):
    """A fault's name (`HONEST` for none) and its amount."""

    name: str
    amount: float


def parse_fault(text: str, known: Mapping[str, float]) -> Fault:
    """Return the fault that *text* names; one of the other process is none here. Raises `UnknownFault`."""
    name, _, amount = text.strip().partition(" ")
    every = {HONEST: 0.0, **API_FAULTS, **SINK_FAULTS}
    if name not in every:
        raise UnknownFault(f"SEAWALL_FAULT is {name!r}; known are {', '.join(every)}")
    try:
        value = float(amount) if amount else every[name]
    except ValueError:
        raise UnknownFault(f"SEAWALL_FAULT: {amount!r} is not a number") from None
    return Fault(name, value) if name in known else Fault(HONEST, 0.0)


class Choice:
    """The fault of this process, asked for again and again: the file may have changed."""

    def __init__(self, known: Mapping[str, float]) -> None:
        """*known* are the faults that this process can commit; raises `UnknownFault`."""
        self._known = known
        file = os.environ.get("SEAWALL_FAULT_FILE")
        self._file = Path(file) if file else None
        self._seen: tuple[int, int] | None = None
        self._fault = parse_fault(os.environ.get("SEAWALL_FAULT", HONEST), known)

    def current(self) -> Fault:
        """Return the fault that is planted now."""
        if self._file is not None:
            try:
                found = self._file.stat()
                if (found.st_ino, found.st_mtime_ns) != self._seen:
                    self._fault = parse_fault(self._file.read_text(encoding="ascii"), self._known)
                    self._seen = (found.st_ino, found.st_mtime_ns)
            except FileNotFoundError:
                self._fault = Fault(HONEST, 0.0)
        return self._fault


class Deed(msgspec.Struct, frozen=True):
    """One thing that a fault did, to which records, and when (monotonic)."""

    fault: str
    event: str
    at_ns: int
    ids: list[str] = []


class DeedLog:
    """Appends deeds to the file of one process; each reaches the operating system at once, as a kill may follow."""

    def __init__(self, process: str) -> None:
        self._file: BinaryIO | None = None
        self._encode = msgspec.json.Encoder().encode
        directory = os.environ.get("SEAWALL_FAULT_LOG")
        if directory:
            Path(directory).mkdir(parents=True, exist_ok=True)
            self._file = (Path(directory) / f"{process}.jsonl").open("ab", buffering=0)

    def add(self, fault: str, event: str, *ids: str, at_ns: int | None = None) -> None:
        """Note that *fault* did *event* to the records of these *ids*, now unless *at_ns* says when."""
        if self._file is not None:
            deed = Deed(fault, event, time.monotonic_ns() if at_ns is None else at_ns, list(ids))
            self._file.write(self._encode(deed) + b"\n")


class OneIn:
    """Picks one of so many, the first from the middle of the first lot, so that few records do for a catch."""

    def __init__(self) -> None:
        self._seen = 0

    def picks(self, lot: float) -> bool:
        """Count one, and tell whether it is picked."""
        self._seen += 1
        size = max(1, int(lot))
        return self._seen % size == (size // 2) % size
