"""Status variables of MariaDB or MySQL; one that a server has not counts as 0."""

from __future__ import annotations

import contextlib
from typing import Any

import pymysql

from contract import mariadb
from seawall.observe.database import DatabaseCounts

_LONGEST_S = 5.0
_SIZE = (
    "SELECT coalesce(sum(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = database()"
)

_READS = tuple(f"handler_read_{how}" for how in ("first", "key", "last", "next", "prev", "rnd", "rnd_next"))


class MariaDB:
    """The one at *url*."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: pymysql.Connection[Any] | None = None

    def counts(self) -> DatabaseCounts:
        """Ask; raises `pymysql.MySQLError`."""
        if self._connection is None:
            self._connection = mariadb.connect(self._url, timeout_s=_LONGEST_S, connect_timeout_s=3)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SHOW GLOBAL STATUS")
                status = {str(name).lower(): value for name, value in cursor.fetchall()}
                cursor.execute(_SIZE)
                ((size_bytes,),) = cursor.fetchall()
        except pymysql.MySQLError:
            self.close()
            raise

        def number(name: str) -> int:
            return int(status.get(name) or 0)

        asked, missed = number("innodb_buffer_pool_read_requests"), number("innodb_buffer_pool_reads")
        return DatabaseCounts(
            transactions=number("handler_commit") + number("handler_rollback"),
            rolled_back=number("handler_rollback"),
            deadlocks=number("innodb_deadlocks"),
            inserted=number("handler_write"),
            returned=sum(map(number, _READS)),
            blocks_found=max(0, asked - missed),
            blocks_read=missed,
            size_bytes=int(size_bytes),
            connections=number("threads_connected"),
            active=number("threads_running"),
            waiting_for_locks=number("innodb_row_lock_current_waits"),
            wal_bytes=number("innodb_os_log_written"),
        )

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()
