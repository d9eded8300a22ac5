"""Brings the requests of all workers into one ledger, over Locust's own messages between worker and master.

A worker sends a part when it is full and every few seconds, and one word when it is done. The master puts parts
together and writes them; endpoints get one numbering, and times of another host are converted to the master's clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, Self

import msgspec
import numpy as np

from contract.ids import Run
from seawall.load.clocks import HostClock, Offset, offset_ns, this_clock
from seawall.load.part_facts import Place
from seawall.load.parts import CODES, DTYPES, Columns, PartFiles
from seawall.load.recorder import ColumnBuffer, Endpoints
from seawall.load.start_lag import StartLag

PART = "seawall_part"
SHARE = "seawall_share"
"""What a worker has done so far, beside its parts."""
FINISH = "seawall_finish"
"""The master's word to stop sending and to hand everything in."""
FINISHED = "seawall_finished"
"""A worker's last word; behind all its parts."""
SEND_EVERY_S = 2.0
SEND_ROWS = 20_000
WRITE_ROWS = 100_000
WRITE_EVERY_S = 3.0


class Messenger(Protocol):
    """What can send to the master: Locust's worker."""

    def send_message(self, msg_type: str, data: Any = None) -> None:
        """Send one message."""
        ...


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One message with some requests of one worker."""

    run: Run
    endpoints: list[str]
    clock: HostClock
    columns: dict[str, bytes]
    place: Place | None = None
    """Where these rows lie beside the requests; None for the requests themselves."""


class SendingRecorder(ColumnBuffer):
    """The recorder of a worker: sends what it has to the master."""

    def __init__(self, messenger: Messenger, run: Run, start_lag: StartLag | None, place: Place | None = None) -> None:
        super().__init__(SEND_ROWS, start_lag)
        self._messenger = messenger
        self._run = run
        self._place = place

    def _pass_on(self, columns: Columns, endpoints: list[str]) -> None:
        packed = {name: values.tobytes() for name, values in columns.items()}
        part = Part(run=self._run, endpoints=endpoints, clock=this_clock(), columns=packed, place=self._place)
        self._messenger.send_message(PART, msgspec.to_builtins(part, builtin_types=(bytes,)))

    def _another(self, place: Place) -> Self:
        return type(self)(self._messenger, self._run, None, place)


class Gatherer:
    """The master's side: takes parts of any worker in any order, and writes them in parts of its own."""

    def __init__(self, files: PartFiles, run: Run, measured: Callable[[str], Offset | None] = lambda _: None) -> None:
        """*measured* tells how a worker's clock stands, where that is known."""
        self._files = files
        self._run = run
        self._measured = measured
        self._endpoints = Endpoints()
        self._waiting: list[Columns] = []
        self._rows = 0
        self._oldest_s = 0.0
        self._beside: dict[Place, Gatherer] = {}
        self.converted: set[str] = set()
        """Workers some of whose times were converted by wall clocks, for want of a better measure."""

    def take(self, worker: str, message: dict[str, Any]) -> None:
        """Take one `Part` of *worker*; one of an earlier run is dropped."""
        part = msgspec.convert(message, Part, builtin_types=(bytes,))
        if part.run == self._run:
            (self if part.place is None else self._of(part.place)).add(worker, part)

    def add(self, worker: str, part: Part) -> None:
        """Take the rows of one part of this place."""
        columns = {name: np.frombuffer(part.columns[name], DTYPES[code]) for name, code in CODES.items()}
        numbers = np.array([self._endpoints[name] for name in part.endpoints], np.uint8)
        columns["endpoint"] = numbers[columns["endpoint"]]
        offset = 0
        if part.clock.host != this_clock().host:
            measured = self._measured(worker)
            offset = measured.monotonic_ns if measured else offset_ns(part.clock, this_clock())
            if measured is None:
                self.converted.add(worker)
            for name in ("intended_ns", "sent_ns", "answered_ns"):
                columns[name] = columns[name] + offset
        if not self._waiting:
            self._oldest_s = time.monotonic()
        self._waiting.append(columns)
        self._rows += len(columns["status"])
        if self._rows >= WRITE_ROWS:
            self._write()

    def check(self) -> None:
        """Write what has waited long enough; raises `OSError` where a file could not be written."""
        for another in self._beside.values():
            another.check()
        if self._waiting and time.monotonic() > self._oldest_s + WRITE_EVERY_S:
            self._write()
        self._files.check()

    def close(self) -> None:
        """Write the rest and wait for all files; raises `OSError` where one could not be written."""
        for another in self._beside.values():
            another.close()
        if self._waiting:
            self._write()
        self._files.close()

    def _of(self, place: Place) -> Gatherer:
        """Return what gathers the rows of a *place* beside the requests."""
        if place not in self._beside:
            self._beside[place] = Gatherer(self._files.beside(place), self._run, self._measured)
        return self._beside[place]

    def _write(self) -> None:
        waiting, self._waiting, self._rows = self._waiting, [], 0
        whole = {name: np.concatenate([columns[name] for columns in waiting]) for name in CODES}
        self._files.write(whole, list(self._endpoints))
