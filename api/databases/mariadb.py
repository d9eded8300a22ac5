"""MariaDB or MySQL, by asyncmy."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncmy
import sqlalchemy as sa
from asyncmy.errors import MySQLError, OperationalError
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.databases.database import Records
from api.settings import Settings
from contract import mariadb
from contract.connections import MARIADB, Connections
from contract.entities import Record
from contract.mariadb_rows import ROW_TEXTS

_STATEMENTS_KEPT = 100


class MariaDB:
    """The database of *connections*."""

    name = MARIADB
    errors: tuple[type[Exception], ...] = (OSError, TimeoutError, sa.exc.DBAPIError, MySQLError)

    def __init__(self, connections: Connections, settings: Settings) -> None:
        self._arguments = mariadb.arguments_of(connections.plain_database_url)
        self._settings = settings

    def engine(self, *, name: str, pool_size: int) -> AsyncEngine:
        """Return an engine with a pool of its own, in autocommit mode; connects when it is first used."""

        async def connect(**_: object) -> asyncmy.Connection:
            # SQLAlchemy would have the server count rows that are found, too, and those that are stored are no news
            return await self._connect(name, kept=_STATEMENTS_KEPT)

        return create_async_engine(
            "mysql+asyncmy://",
            async_creator=connect,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,  # there is nothing to take back, and it would be another round trip
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=self._settings.sync_pool_timeout_s,
            pool_use_lifo=True,
        )

    async def bulk(self, name: str) -> MariaDBBulk:
        """Connect."""
        return MariaDBBulk(await self._connect(name))

    def insert_new(self, table: sa.Table) -> sa.Executable:
        """Return an INSERT that changes nothing where the id is stored; INSERT IGNORE would bend bad values to fit."""
        return insert(table).on_duplicate_key_update(id=table.c.id)

    def is_refusal(self, error: BaseException) -> bool:
        """Tell whether the database refuses the values themselves, now and for ever."""
        return mariadb.number_of(error) in mariadb.REFUSALS

    def is_disconnect(self, error: BaseException) -> bool:
        """Tell whether the connection is gone, so that a new one may do better."""
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            return True
        return mariadb.number_of(error) in mariadb.DISCONNECTS or isinstance(error, ConnectionError)

    def is_collision(self, error: BaseException) -> bool:
        """Tell whether it was a deadlock or its like."""
        return mariadb.number_of(error) in mariadb.TRY_AGAIN

    async def _connect(self, name: str, *, kept: int = 0) -> asyncmy.Connection:
        timeout_s = self._settings.database_timeout_s
        try:
            return await asyncmy.connect(
                **self._arguments,
                autocommit=True,
                connect_timeout=self._settings.database_connect_timeout_s,
                read_timeout=timeout_s,
                init_command=mariadb.session(timeout_s),
                program_name=f"seawall-api-{name}",
                stmt_cache_size=kept,
            )
        except RuntimeError as error:  # what asyncmy raises where a connection is closed as soon as it is open
            raise OperationalError(mariadb.LOST, str(error)) from error


class MariaDBBulk:
    """INSERTs of many rows, in one round trip for all entities."""

    def __init__(self, connection: asyncmy.Connection) -> None:
        self._connection = connection

    @property
    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        return not self._connection.connected

    async def insert(self, records: Records) -> Mapping[str, int]:
        """Insert those of *records* that are not there yet, and return how many of each entity that were."""
        # in the same order in every batch, so that two of them cannot deadlock over entities
        statements = [
            (name, statement)
            for name in sorted(records)
            for statement in ROW_TEXTS[name].inserts(ROW_TEXTS[name].rows(list(records[name].values())))
        ]
        counts: dict[str, int] = dict.fromkeys(records, 0)
        if len(statements) == 1:  # a transaction of its own
            ((name, statement),) = statements
            async with self._connection.cursor() as cursor:
                counts[name] = await cursor.execute(statement)
            return counts
        query = b";".join([b"START TRANSACTION", *(statement for _, statement in statements), b"COMMIT"])
        try:
            async with self._connection.cursor() as cursor:
                await cursor.execute(query)
                for name, _ in statements:
                    await cursor.nextset()
                    counts[name] += int(str(cursor.rowcount))
                await cursor.nextset()
        except MySQLError:
            with contextlib.suppress(MySQLError, OSError):
                await self._connection.rollback()  # the next one would commit what is left of this
            raise
        return counts

    async def select(self, name: str, identities: Sequence[UUID]) -> dict[UUID, Record]:
        """Return the stored records of an entity by these ids."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(ROW_TEXTS[name].select(one.bytes for one in identities))
            found = [ROW_TEXTS[name].record(values) for values in await cursor.fetchall()]
        return {record.id: record for record in found}

    def terminate(self) -> None:
        """Drop the connection."""
        self._connection.close()
