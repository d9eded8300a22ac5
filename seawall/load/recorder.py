"""Keeps every request of a run in columns; the audit and all figures come from these.

The id of a record follows from run, user and sequence and its fields from the seed, so neither is kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from contract.ids import Run
from contract.samples import AS_DRAWN, Shape
from seawall.load.part_facts import Place
from seawall.load.parts import ROW, Columns, PartFiles, as_columns
from seawall.load.start_lag import StartLag

NO_RECORD = 0
"""The `entity` of a request that writes no record."""
MOST_ENDPOINTS = 256
OTHER_ENDPOINTS = "(other endpoints)"
"""Stands for every name after the first 255: a ledger's endpoint is a byte."""


class Recorder(Protocol):
    """Takes one line for each request."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request.

        *times_ns* are intended, sent and answered on the monotonic clock; *status* 0 means that no answer came.
        """
        ...

    def beside(self, place: Place) -> Recorder:
        """Return the recorder of what is no request and belongs to the same run; its rows are in no count.

        They lie in the directory *place* beside the requests, and are handed on whenever these are.
        """
        ...


class NullRecorder:
    """Keeps nothing."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Forget the request."""

    def beside(self, place: Place) -> NullRecorder:  # noqa: ARG002 - as every recorder
        """Return this one."""
        return self


class LagRecorder:
    """Keeps only how late each request left."""

    def __init__(self) -> None:
        self.start_lag = StartLag()
        self._lags_ns = array("q")
        self._counted = 0

    def __len__(self) -> int:
        return self._counted + len(self._lags_ns)

    def add(
        self,
        user: int,  # noqa: ARG002 - as every recorder
        sequence: int,  # noqa: ARG002
        entity: int,  # noqa: ARG002
        endpoint: str,  # noqa: ARG002
        times_ns: tuple[int, int, int],
        status: int,  # noqa: ARG002
    ) -> None:
        """Note the start lag."""
        self._lags_ns.append(times_ns[1] - times_ns[0])

    def beside(self, place: Place) -> NullRecorder:  # noqa: ARG002 - as every recorder
        """Return one that keeps nothing."""
        return NullRecorder()

    def flush(self) -> None:
        """Count what was noted."""
        lags_ns, self._lags_ns = self._lags_ns, array("q")
        self._counted += len(lags_ns)
        self.start_lag.add(np.frombuffer(lags_ns, np.int64))


class ColumnBuffer(ABC):
    """Keeps 36 bytes a request in memory, and hands them on as they fill up."""

    def __init__(self, part_rows: int, start_lag: StartLag | None = None) -> None:
        self.start_lag = start_lag
        """Counts the start lag of what is handed on, where somebody asks for it."""
        self._part_rows = part_rows
        self._endpoints = Endpoints()
        self._passed_on = 0
        self._rows = 0
        self._buffer = bytearray(part_rows * ROW.size)
        self._beside: dict[Place, Self] = {}

    def __len__(self) -> int:
        return self._passed_on + self._rows

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request."""
        ROW.pack_into(
            self._buffer, self._rows * ROW.size, user, sequence, entity, self._endpoints[endpoint], *times_ns, status
        )
        self._rows += 1
        if self._rows == self._part_rows:
            self.flush()

    def start_lag_so_far(self) -> StartLag:
        """Return the start lag of all that was added, counted or not yet handed on."""
        found = StartLag(self.start_lag.counts if self.start_lag is not None else None)
        columns = as_columns(self._buffer, self._rows)
        found.add(columns["sent_ns"] - columns["intended_ns"])
        return found

    def beside(self, place: Place) -> Self:
        """Return the recorder of that *place* beside the requests."""
        if place not in self._beside:
            self._beside[place] = self._another(place)
        return self._beside[place]

    def flush(self) -> None:
        """Hand on what is there."""
        for another in self._beside.values():
            another.flush()
        if not self._rows:
            return
        columns = as_columns(self._buffer, self._rows)
        self._passed_on += self._rows
        self._rows = 0
        if self.start_lag is not None:
            self.start_lag.add(columns["sent_ns"] - columns["intended_ns"])
        self._pass_on(columns, list(self._endpoints))

    @abstractmethod
    def _pass_on(self, columns: Columns, endpoints: list[str]) -> None:
        """Take one part; *endpoints* are all known so far, in the order of their numbers."""

    @abstractmethod
    def _another(self, place: Place) -> Self:
        """Return a recorder like this one for a *place* beside it."""


class ColumnRecorder(ColumnBuffer):
    """Writes requests to Parquet files: one for each *part_rows* requests, the rest when it is closed."""

    def __init__(
        self,
        directory: Path,
        run: Run,
        seed: int,
        *,
        shape: Shape = AS_DRAWN,
        part_rows: int = 20_000,
        start_lag: StartLag | None = None,
        exist_ok: bool = False,
    ) -> None:
        super().__init__(part_rows, start_lag)
        directory.mkdir(parents=True, exist_ok=exist_ok)
        self._files = PartFiles(directory, run, seed, shape)
        self._like: dict[str, Any] = {"run": run, "seed": seed, "shape": shape, "part_rows": part_rows}

    def check(self) -> None:
        """Raise the `OSError` of a file that could not be written; call it now and then."""
        for another in self._beside.values():
            another.check()
        self._files.check()

    def close(self) -> None:
        """Write what is left and wait for all files; raises `OSError` where one could not be written."""
        self.flush()
        for another in self._beside.values():
            another.close()
        self._files.close()

    def _pass_on(self, columns: Columns, endpoints: list[str]) -> None:
        self._files.write(columns, endpoints)

    def _another(self, place: Place) -> Self:
        return type(self)(self._files.directory / place, exist_ok=True, **self._like)


class Endpoints(dict[str, int]):
    """Numbers endpoints in the order of their first request."""

    def __missing__(self, name: str) -> int:
        if len(self) < MOST_ENDPOINTS - 1:
            return self.setdefault(name, len(self))
        return self.setdefault(OTHER_ENDPOINTS, MOST_ENDPOINTS - 1)
