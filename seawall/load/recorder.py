"""Keeps every request of a run in columns; the audit and all figures come from these.

The id of a record follows from run, user and sequence and its fields from the seed, so neither is kept.
"""

from __future__ import annotations

import json
import time
from array import array
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contract.ids import Run

NO_RECORD = 0
"""The `entity` of a request that writes no record."""


class Recorder(Protocol):
    """Takes one line for each request."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request.

        *times_ns* are intended, sent and answered on the monotonic clock; *status* 0 means that no answer came.
        """
        ...


class NullRecorder:
    """Keeps nothing: plain `locust -f` judges by Locust's own statistics."""

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Forget the request."""


class ColumnRecorder:
    """Keeps 37 bytes a request in memory and writes them to one Parquet file at the end."""

    def __init__(self) -> None:
        self._user = array("I")
        self._sequence = array("I")
        self._entity = array("B")
        self._endpoint = array("B")
        self._intended_ns = array("q")
        self._sent_ns = array("q")
        self._answered_ns = array("q")
        self._status = array("H")
        self._endpoints: dict[str, int] = {}
        self._clock = (time.monotonic_ns(), time.time_ns())

    def __len__(self) -> int:
        return len(self._status)

    def add(
        self, user: int, sequence: int, entity: int, endpoint: str, times_ns: tuple[int, int, int], status: int
    ) -> None:
        """Keep one request."""
        self._user.append(user)
        self._sequence.append(sequence)
        self._entity.append(entity)
        self._endpoint.append(self._endpoints.setdefault(endpoint, len(self._endpoints)))
        intended_ns, sent_ns, answered_ns = times_ns
        self._intended_ns.append(intended_ns)
        self._sent_ns.append(sent_ns)
        self._answered_ns.append(answered_ns)
        self._status.append(status)

    def write(self, path: Path, run: Run, seed: int) -> None:
        """Write the ledger; a file of that name appears only when it is whole."""
        columns = {
            "user": np.frombuffer(self._user, np.uint32),
            "sequence": np.frombuffer(self._sequence, np.uint32),
            "entity": np.frombuffer(self._entity, np.uint8),
            "endpoint": np.frombuffer(self._endpoint, np.uint8),
            "intended_ns": np.frombuffer(self._intended_ns, np.int64),
            "sent_ns": np.frombuffer(self._sent_ns, np.int64),
            "answered_ns": np.frombuffer(self._answered_ns, np.int64),
            "status": np.frombuffer(self._status, np.uint16),
        }
        about = {
            "run_ms": run.ms,
            "run_nonce": run.nonce,
            "seed": seed,
            "endpoints": list(self._endpoints),
            "clock_monotonic_ns": self._clock[0],
            "clock_wall_ns": self._clock[1],
        }
        table = pa.table(columns).replace_schema_metadata({"seawall": json.dumps(about)})
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)
