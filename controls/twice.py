"""Writers that store rows once more: without primary keys nothing absorbs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from psycopg import sql

from contract import mariadb_rows
from contract.tables import TABLES
from workers.sink import rows
from workers.sink.batches import Batch
from workers.sink.database import BatchWriter, Database
from workers.sink.mariadb import MariaDB, MariaDBWriter
from workers.sink.postgresql import PostgreSQL
from workers.sink.settings import Settings
from workers.sink.writer import Writer


class KeylessWriter(BatchWriter, Protocol):
    """The real writer of a database, which can take away what would absorb a second row."""

    def ids(self, batch: Batch) -> list[str]:
        """Return the ids in *batch*."""
        ...

    def drop_keys(self) -> None:
        """Take the primary keys away, for good."""
        ...

    def store_again(self, batch: Batch) -> None:
        """Store the rows of *batch*, which are stored already."""
        ...


class KeylessPostgreSQL(Writer):
    """That of PostgreSQL."""

    def ids(self, batch: Batch) -> list[str]:
        """Return the ids in *batch*."""
        return _ids(batch, rows.id_of)

    def drop_keys(self) -> None:
        """Take the primary keys away, for good."""
        connection = self._connected()
        with connection.transaction():
            for name in TABLES:
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}")
                connection.execute(drop.format(sql.Identifier(name), sql.Identifier(f"{name}_pkey")))

    def store_again(self, batch: Batch) -> None:
        """Store the rows of *batch*; the careful path would find them and leave them out."""
        self._quickly(batch)


class KeylessMariaDB(MariaDBWriter):
    """That of MariaDB."""

    def ids(self, batch: Batch) -> list[str]:
        """Return the ids in *batch*."""
        return _ids(batch, mariadb_rows.id_of)

    def drop_keys(self) -> None:
        """Take the primary keys away, for good; each statement commits by itself."""
        with self._connected().cursor() as cursor:
            for name in TABLES:
                cursor.execute(f"ALTER TABLE {name} DROP PRIMARY KEY")

    def store_again(self, batch: Batch) -> None:
        """Store the rows of *batch*: an INSERT passes over nothing where there is no key."""
        self.write(batch)


def keyless_writer(database: Database, settings: Settings) -> KeylessWriter:
    """Return the writer of *database*."""
    timeout_s = settings.sink_database_timeout_s
    if isinstance(database, PostgreSQL):
        return KeylessPostgreSQL(database.url, name=settings.sink_name, timeout_s=timeout_s)
    assert isinstance(database, MariaDB)
    return KeylessMariaDB(database.url, timeout_s=timeout_s)


def _ids(batch: Batch, id_of: Callable[[bytes], bytes]) -> list[str]:
    return [str(UUID(bytes=id_of(row))) for table in batch.tables for row in table.rows]
