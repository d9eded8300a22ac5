"""A sink that dies in the midst of its work: it has read a batch, and its rows are not written yet."""

from __future__ import annotations

import signal
from typing import Any

import psycopg
from psycopg import sql

from contract.tables import TABLES
from seawall.stack.faults.fault import Field, NoEffect, wait_until
from seawall.stack.faults.processes import Ended

_WAITS_WITHIN_S = 10.0
_WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = %s"


class KilledAtWriting:
    """A sink that is killed while a lock lets its write wait; readers of the tables notice nothing."""

    def __init__(self, field: Field, sink: str) -> None:
        self._url, self._sink = field.stack.connections.psycopg_url, sink
        self._ended = Ended(field, sink, signal.SIGKILL)
        self._session: psycopg.Connection[Any] | None = None

    def begin(self) -> None:
        """Lock, wait until the sink's write waits, and kill it; raises `NoEffect` where it writes nothing."""
        self._session = psycopg.connect(self._url)
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        self._session.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(names))
        with psycopg.connect(self._url, autocommit=True) as other:
            waits = (f"seawall-{self._sink}",)
            if not wait_until(lambda: other.execute(_WAITS, waits).fetchone() is not None, _WAITS_WITHIN_S):
                raise NoEffect(f"{self._sink} wrote nothing for {_WAITS_WITHIN_S:g} s")
        self._ended.begin()

    def end(self) -> None:
        """Unlock, and let the sink be started again."""
        if self._session is not None:
            self._session.close()
        self._ended.end()

    def bite(self) -> str:
        """Name the process that took its place."""
        return self._ended.bite()
