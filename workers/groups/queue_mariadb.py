"""A queue in MariaDB or MySQL: rows are locked and read, and then deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pymysql

from contract import mariadb
from contract.mariadb_rows import ROW_TEXTS
from workers.groups.queue_tables import CONNECT_S, ORDERS, PARTITION, Row

_LETTER = "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE topic = topic"

# else the row behind the last one that was taken is locked, too, and with it whoever adds rows
_READ_COMMITTED = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


class MariaDBQueue:
    """The one called *table*."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, table

    @contextmanager
    def connected(self) -> Iterator[MariaDBSession]:
        """Connect; raises `pymysql.MySQLError`."""
        connection = mariadb.connect(self._url, connect_timeout_s=CONNECT_S, autocommit=False, binary_prefix=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_READ_COMMITTED)
            yield MariaDBSession(connection, self._table)
        finally:
            connection.close()


class MariaDBSession:
    """A connection to it."""

    def __init__(self, connection: pymysql.Connection[Any], table: str) -> None:
        self._connection, self._table = connection, table
        self._look = (
            f"SELECT position, {', '.join(ORDERS.fields)} FROM {table} ORDER BY position LIMIT %s"  # noqa: S608 - names of our own
            " FOR UPDATE SKIP LOCKED"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Give a transaction."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(pymysql.MySQLError):  # of a connection that is lost; what lost it says more
                self._connection.rollback()
            raise
        self._connection.commit()

    def take(self, most: int) -> list[Row]:
        """Lock and read the next rows, and delete them."""
        record_of = ROW_TEXTS[ORDERS.name].record
        with self._connection.cursor() as cursor:
            cursor.execute(self._look, (most,))
            rows = [Row(row[0], record_of(row[1:])) for row in cursor.fetchall()]
            if rows:
                taken = ", ".join(str(row.position) for row in rows)
                cursor.execute(f"DELETE FROM {self._table} WHERE position IN ({taken})")  # noqa: S608 - as above, and numbers
        return rows

    def bury(self, row: Row, reason: str) -> None:
        """Write a dead letter."""
        now, place = datetime.now(UTC).replace(tzinfo=None), (self._table, PARTITION, row.position)
        with self._connection.cursor() as cursor:
            cursor.execute(_LETTER, (*place, str(row.record.id).encode(), None, reason, now))
