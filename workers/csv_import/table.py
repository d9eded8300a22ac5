"""The table of imported rows: a batch a transaction, each id once; what differs between databases stands behind this.

Notes of how far an import is go with a batch's rows, so both are written over one connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from contract.connections import MARIADB, Connections
from contract.csv_rows import FileIdentity
from workers.csv_import.chunks import Rows
from workers.csv_import.errors import DatabaseFailed


def _nothing(_: sa.Connection) -> None:
    pass


class Table(ABC):
    """One connection to the table."""

    def __init__(self, engine: sa.Engine) -> None:
        """Connect; raises `DatabaseFailed`."""
        with self._failing():
            self._connection = engine.connect()
        self._driver: Any = self._connection.connection.driver_connection

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        self._connection.invalidate()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give the connection for what is committed as a whole; raises `DatabaseFailed`."""
        with self._failing(), self._connection.begin():
            yield self._connection

    def lock(self, identity: FileIdentity) -> bool:
        """Keep all others from importing a file until the connection is closed; False where one has done so."""
        with self.transaction() as connection:
            return bool(connection.scalar(self.locking(identity)))

    def store(self, batch: Iterable[bytes], then: Callable[[sa.Connection], None] = _nothing) -> int:
        """Store what *batch* yields and do *then*, all in one transaction; return how many rows were new.

        *batch* is as `texts_of` and `text_of` have it. Raises `DatabaseFailed`.
        """
        with self._failing():
            return self.stored(batch, then)

    @abstractmethod
    def stored(self, batch: Iterable[bytes], then: Callable[[sa.Connection], None]) -> int:
        """Do what `store` says; raises what the driver does."""

    @abstractmethod
    def texts_of(self, rows: Rows, identity: FileIdentity) -> bytes:
        """Return *rows* of one file as they are sent to the database."""

    @abstractmethod
    def text_of(self, key: bytes, name: str, age: int, more: str) -> bytes:
        """Return one row of that kind; *more* is a JSON object."""

    @abstractmethod
    def noting(self, values: dict[str, Any]) -> sa.Executable:
        """Return what writes a note of these *values* in place of an earlier one of the same file and way."""

    @abstractmethod
    def locking(self, identity: FileIdentity) -> sa.Select[tuple[Any]]:
        """Return what asks for a lock of the session without waiting for it."""

    @abstractmethod
    def failure(self, error: Exception) -> DatabaseFailed | None:
        """Return what an *error* of the driver says; None where it is none of its."""

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            failure = self._first_failure(error)
            if failure is None:
                raise
            raise failure from None

    def _first_failure(self, error: BaseException) -> DatabaseFailed | None:
        """Return what was wrong first: a lost connection cannot be rolled back either, and says so last."""
        found = None
        one: BaseException | None = error
        while one is not None:
            cause = one.orig if isinstance(one, sa.exc.DBAPIError) else one
            found = (self.failure(cause) if isinstance(cause, Exception) else None) or found
            one = one.__context__
        return found


def table_of(connections: Connections, name: str) -> Table:
    """Connect to the table of the database that *connections* name, as the client *name*; raises `DatabaseFailed`."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from workers.csv_import.mariadb import MariaDBTable  # noqa: PLC0415

        return MariaDBTable(connections)
    from workers.csv_import.postgresql import PostgreSQLTable  # noqa: PLC0415

    return PostgreSQLTable(connections, name)
