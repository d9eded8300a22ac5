"""A session of an administrator, by whom faults are made in a database, and who sees what the service does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import psycopg
from psycopg import sql

from contract import mariadb
from contract.connections import MARIADB, Connections
from contract.entities import ENTITIES
from seawall.stack.mariadb import CLIENTS

_APPLICATION = "seawall-fault"
# PostgreSQL
_SESSIONS = (
    " FROM pg_stat_activity WHERE (application_name LIKE 'seawall-api%%' OR application_name LIKE 'seawall-sink%%')"
)
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE ANY(%s)"
# MariaDB
_PROCESSES = "SELECT ID, USER, STATE FROM information_schema.PROCESSLIST"
_WAITS = "Waiting for table"
_LOCKS_WITHIN_S, _CONNECTS_WITHIN_S = 60.0, 2


class Administrator(Protocol):
    """One session; to open it may fail as anything else may, with one of `errors`."""

    errors: tuple[type[Exception], ...]

    def lock(self, *, readers_too: bool) -> None:
        """Lock all tables of records until the session ends: against who writes, or against readers as well."""
        ...

    def waiting(self, sink: str = "") -> int:
        """Return how many sessions of the service wait for a lock, or of that *sink* as far as they are told apart."""
        ...

    def connected(self) -> int:
        """Return how many sessions the service has."""
        ...

    def end_them(self) -> int:
        """End all sessions of the service, and return how many."""
        ...

    def letters(self, key: str) -> int:
        """Return how many dead letters have a key that begins so."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class PostgresAdministrator:
    """Of PostgreSQL, who knows sessions by the names of applications."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str) -> None:
        self._session = psycopg.connect(
            url, autocommit=True, application_name=_APPLICATION, connect_timeout=_CONNECTS_WITHIN_S
        )

    def lock(self, *, readers_too: bool) -> None:
        """Begin a transaction that does not end, and lock."""
        self._session.execute("BEGIN")
        # where writers took the tables in another order, one of them has to give way, and not we
        self._session.execute(f"SET deadlock_timeout = '{_LOCKS_WITHIN_S:.0f}s'")
        names = sql.SQL(", ").join(map(sql.Identifier, ENTITIES))
        mode = sql.SQL("ACCESS EXCLUSIVE" if readers_too else "EXCLUSIVE")
        self._session.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(names, mode))

    def waiting(self, sink: str = "") -> int:
        """Count by what each session waits for."""
        return self._number(_WAITING, ([f"seawall-{sink}"] if sink else ["seawall-api%", "seawall-sink%"],))

    def connected(self) -> int:
        """Count sessions."""
        return self._number("SELECT count(*)" + _SESSIONS)

    def end_them(self) -> int:
        """Terminate them."""
        return self._number("SELECT count(pg_terminate_backend(pid))" + _SESSIONS)

    def letters(self, key: str) -> int:
        """Count those in the table."""
        return self._number("SELECT count(*) FROM dead_letters WHERE encode(key, 'escape') LIKE %s", (f"{key}%",))

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _number(self, question: str, values: tuple[str | list[str], ...] = ()) -> int:
        row = self._session.execute(question.encode(), values).fetchone()
        return int(row[0]) if row else 0


class MariaDbAdministrator:
    """Of MariaDB, who knows sessions by their accounts."""

    errors: tuple[type[Exception], ...] = ()

    def __init__(self, url: str) -> None:
        import pymysql  # noqa: PLC0415 - few need it

        self.errors = (pymysql.MySQLError,)
        self._session: Any = mariadb.connect(
            url, timeout_s=_LOCKS_WITHIN_S, connect_timeout_s=_CONNECTS_WITHIN_S, binary_prefix=True
        )

    def lock(self, *, readers_too: bool) -> None:
        """Lock; the locks are the session's."""
        kind = "WRITE" if readers_too else "READ"
        self._rows(f"LOCK TABLES {', '.join(f'{name} {kind}' for name in ENTITIES)}")

    def waiting(self, sink: str = "") -> int:
        """Count by the states of sessions; sinks are not told apart."""
        users = [CLIENTS["sink"]] if sink else list(CLIENTS.values())
        return sum(user in users and str(state).startswith(_WAITS) for _, user, state in self._rows(_PROCESSES))

    def connected(self) -> int:
        """Count sessions."""
        return len(self._ours())

    def end_them(self) -> int:
        """Kill them, one by one."""
        ended = 0
        for number in self._ours():
            try:
                self._rows(f"KILL CONNECTION {number}")
                ended += 1
            except self.errors as error:
                if mariadb.number_of(error) != mariadb.NO_SUCH_SESSION:
                    raise
        return ended

    def letters(self, key: str) -> int:
        """Count those in the table."""
        ((found,),) = self._rows("SELECT COUNT(*) FROM dead_letters WHERE `key` LIKE %s", (f"{key}%".encode(),))
        return int(found)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _ours(self) -> list[int]:
        return [number for number, user, _ in self._rows(_PROCESSES) if user in CLIENTS.values()]

    def _rows(self, question: str, values: tuple[bytes, ...] | None = None) -> Any:
        with self._session.cursor() as cursor:
            cursor.execute(question, values)
            return cursor.fetchall()


def administrators_of(connections: Connections) -> Callable[[], Administrator]:
    """Return what opens sessions in the database of *connections*."""
    if connections.database == MARIADB:
        return lambda: MariaDbAdministrator(connections.plain_database_url)
    return lambda: PostgresAdministrator(connections.psycopg_url)


def errors_of(connections: Connections) -> tuple[type[Exception], ...]:
    """Return what opening a session raises."""
    if connections.database == MARIADB:
        import pymysql  # noqa: PLC0415 - few need it

        return (pymysql.MySQLError,)
    return (psycopg.Error,)
