"""A queue in the database, as a group reads it; what differs between databases stands behind this."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from contract.connections import MARIADB, Connections
from contract.entities import ENTITIES, Record

ORDERS = ENTITIES["orders"]
PARTITION = 0
"""That of all rows of a queue, among dead letters."""
CONNECT_S = 3


class Row(NamedTuple):
    """One row of a queue."""

    position: int
    record: Record


class QueueSession(Protocol):
    """A connection to a queue."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Give a transaction."""
        ...

    def take(self, most: int) -> list[Row]:
        """Delete the next rows that nobody else is at, at the most so many, and return them in their order."""
        ...

    def bury(self, row: Row, reason: str) -> None:
        """Write a dead letter."""
        ...


class Queue(Protocol):
    """A queue by its name."""

    errors: tuple[type[Exception], ...]
    """What the work with the database raises where that is at fault."""

    def connected(self) -> AbstractContextManager[QueueSession]:
        """Connect; raises `errors`."""
        ...


def queue_of(connections: Connections, table: str) -> Queue:
    """Return the queue of that name in the database that *connections* name."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from workers.groups.queue_mariadb import MariaDBQueue  # noqa: PLC0415

        return MariaDBQueue(connections.plain_database_url, table)
    from workers.groups.queue_postgresql import PostgreSQLQueue  # noqa: PLC0415

    return PostgreSQLQueue(connections.psycopg_url, table)
