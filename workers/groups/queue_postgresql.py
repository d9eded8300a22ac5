"""A queue in PostgreSQL: rows are deleted and returned by one statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from workers.groups.queue_tables import CONNECT_S, ORDERS, PARTITION, Row

_TAKE = sql.SQL(
    "DELETE FROM {queue} WHERE position = ANY(ARRAY(SELECT position FROM {queue} ORDER BY position LIMIT %s"
    " FOR UPDATE SKIP LOCKED)) RETURNING position, {fields}"
)
_LETTER = "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"


class PostgreSQLQueue:
    """The one called *table*."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, table

    @contextmanager
    def connected(self) -> Iterator[PostgreSQLSession]:
        """Connect; raises `psycopg.Error`."""
        with psycopg.connect(self._url, connect_timeout=CONNECT_S, autocommit=True) as connection:
            yield PostgreSQLSession(connection, self._table)


class PostgreSQLSession:
    """A connection to it."""

    def __init__(self, connection: psycopg.Connection[Any], table: str) -> None:
        self._connection, self._table = connection, table
        fields = sql.SQL(", ").join(map(sql.Identifier, ORDERS.fields))
        self._take = _TAKE.format(queue=sql.Identifier(table), fields=fields)

    def transaction(self) -> AbstractContextManager[Any]:
        """Give a transaction."""
        return self._connection.transaction()

    def take(self, most: int) -> list[Row]:
        """Delete the next rows and return them."""
        rows = sorted(self._connection.execute(self._take, (most,)).fetchall())
        return [Row(row[0], ORDERS.record(**dict(zip(ORDERS.fields, row[1:], strict=True)))) for row in rows]

    def bury(self, row: Row, reason: str) -> None:
        """Write a dead letter."""
        place = self._table, PARTITION, row.position
        self._connection.execute(_LETTER, (*place, str(row.record.id).encode(), None, reason, datetime.now(UTC)))
