"""A database that answers and still does not do what one wants: locks, and no connection to be had."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import psycopg
from psycopg import sql

from contract.tables import TABLES
from seawall.stack.faults.fault import Field

_APPLICATION = "seawall-fault"
_OURS = "(application_name LIKE 'seawall-api%' OR application_name LIKE 'seawall-sink%')"
_WAITING = f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {_OURS}"  # noqa: S608 - of ours
_CONNECTED = f"SELECT count(*) FROM pg_stat_activity WHERE {_OURS}"  # noqa: S608 - as above
_END_THEM = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {_OURS}"  # noqa: S608 - as above
_LOOK_S = 0.1
_TAKEN_WITHIN_S = 5.0


class Locked:
    """All tables of records, locked by a transaction that does not end."""

    def __init__(self, field: Field) -> None:
        self._url = field.stack.connections.psycopg_url
        self._session: psycopg.Connection[Any] | None = None
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._count, daemon=True)
        self._waiting = 0

    def begin(self) -> None:
        """Lock, as soon as those that write now are through."""
        self._session = psycopg.connect(self._url, application_name=_APPLICATION)
        # where writers took the tables in another order, one of them has to give way, and not we
        self._session.execute("SET deadlock_timeout = '60s'")
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        self._session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        self._watch.start()

    def end(self) -> None:
        """Let go."""
        self._ended.set()
        if self._watch.ident is not None:
            self._watch.join()
        if self._session is not None:
            self._session.close()

    def bite(self) -> str:
        """Say how many of the service waited at once."""
        return f"{self._waiting} sessions of the service waited for a lock" if self._waiting else ""

    def _count(self) -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as other:
            while not self._ended.wait(_LOOK_S):
                self._waiting = max(self._waiting, _number(other, _WAITING))


class Exhausted:
    """All connections taken by somebody else, those of API and sinks, which are ended, among them."""

    def __init__(self, field: Field) -> None:
        self._url = field.stack.connections.psycopg_url
        self._held: list[psycopg.Connection[Any]] = []
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._broken = 0
        self._left: int | None = None

    def begin(self) -> None:
        """Take what is free, then end those of the service, and take theirs before they do, until none has one."""
        self._take()
        deadline_s = time.monotonic() + _TAKEN_WITHIN_S
        while self._left != 0 and time.monotonic() < deadline_s:
            self._broken += _number(self._held[0], _END_THEM)
            self._take()
            self._left = _number(self._held[0], _CONNECTED)
        self._keeper.start()

    def end(self) -> None:
        """Give all back."""
        self._ended.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        for connection in self._held:
            connection.close()

    def bite(self) -> str:
        """Say how many were broken, where the service had none left."""
        if self._left != 0:
            return ""
        return f"{self._broken} connections of the service ended, all {len(self._held)} taken by somebody else"

    def _take(self) -> None:
        with contextlib.suppress(psycopg.OperationalError):  # the first that is refused
            while True:
                self._held.append(
                    psycopg.connect(self._url, autocommit=True, application_name=_APPLICATION, connect_timeout=2)
                )

    def _keep(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self._take()


def _number(session: psycopg.Connection[Any], question: str) -> int:
    row = session.execute(question.encode()).fetchone()
    return int(row[0]) if row else 0


def lock(field: Field) -> Locked:
    """Return what locks all tables."""
    return Locked(field)


def exhaust(field: Field) -> Exhausted:
    """Return what takes all connections."""
    return Exhausted(field)
