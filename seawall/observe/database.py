"""What a database says of itself; how it is asked stands behind this, for each of them."""

from __future__ import annotations

from typing import Protocol

import msgspec

from contract.connections import DATABASE_NAMES, MARIADB, Connections


class DatabaseCounts(msgspec.Struct, kw_only=True, frozen=True):
    """Counts since the statistics were last reset, and, from `size_bytes` on but for the last, figures of now.

    MariaDB counts for the whole server.
    """

    transactions: int
    """Ended ones; each statement of `sync` and of the lookups is one of its own."""
    rolled_back: int
    deadlocks: int
    inserted: int
    """Rows."""
    returned: int
    blocks_found: int
    """In the database's own memory."""
    blocks_read: int
    """From the system, which may have had them in its."""
    size_bytes: int
    connections: int
    active: int
    waiting_for_locks: int
    wal_bytes: int
    """A count again."""


class Database(Protocol):
    """One connection, opened when it is first needed and again after it broke."""

    errors: tuple[type[Exception], ...]
    """What the work with the database raises."""

    def counts(self) -> DatabaseCounts:
        """Return what the server says now; raises `errors`."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def database_of(connections: Connections) -> Database | None:
    """Return the one that *connections* name; None where they name none."""
    # loaded once it is known which: each brings its own driver
    if connections.database_url is None:
        return None
    if connections.database == MARIADB:
        from seawall.observe.database_mariadb import MariaDB  # noqa: PLC0415

        return MariaDB(connections.plain_database_url)
    from seawall.observe.database_postgresql import PostgreSQL  # noqa: PLC0415

    return PostgreSQL(connections.psycopg_url)


def name_of(connections: Connections) -> str:
    """Return what people call it."""
    return DATABASE_NAMES[connections.database]
