"""PostgreSQL, by asyncpg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.databases.database import Records
from api.databases.postgresql_statements import BULK_SELECT, bulk_insert
from api.settings import Settings
from contract.connections import POSTGRESQL, Connections
from contract.entities import ENTITIES, Record

_REFUSALS = ("22", "23")  # data exception, integrity constraint violation
_DISCONNECTS = ("08", "57")  # connection exception, operator intervention
_COLLISIONS = ("40001", "40P01")  # serialization failure, deadlock


class PostgreSQL:
    """The database of *connections*."""

    name = POSTGRESQL
    errors: tuple[type[Exception], ...] = (
        OSError,
        TimeoutError,
        sa.exc.DBAPIError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    )

    def __init__(self, connections: Connections, settings: Settings) -> None:
        self._url, self._settings = connections.psycopg_url, settings

    def engine(self, *, name: str, pool_size: int) -> AsyncEngine:
        """Return an engine with a pool of its own, in autocommit mode; connects when it is first used."""

        async def connect(**_: object) -> asyncpg.Connection:
            # SQLAlchemy takes URLs apart, and then asyncpg would not hear of `sslmode` and its like
            return await self._connect(name)

        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=self._settings.sync_pool_timeout_s,
            pool_use_lifo=True,
        )

    async def bulk(self, name: str) -> PostgreSQLBulk:
        """Connect."""
        return PostgreSQLBulk(await self._connect(name))

    def insert_new(self, table: sa.Table) -> sa.Executable:
        """Return an INSERT that passes over an id that is stored."""
        return insert(table).on_conflict_do_nothing(index_elements=["id"])

    def is_refusal(self, error: BaseException) -> bool:
        """Tell whether the database refuses the values themselves, now and for ever."""
        return _sql_state(error)[:2] in _REFUSALS

    def is_disconnect(self, error: BaseException) -> bool:
        """Tell whether the connection is gone, so that a new one may do better."""
        if isinstance(error, sa.exc.DBAPIError):
            return bool(error.connection_invalidated) or _sql_state(error)[:2] in _DISCONNECTS
        if isinstance(error, asyncpg.PostgresError):
            return _sql_state(error)[:2] in _DISCONNECTS
        return isinstance(error, (ConnectionError, asyncpg.InterfaceError))

    def is_collision(self, error: BaseException) -> bool:
        """Tell whether it was a deadlock or its like."""
        return _sql_state(error) in _COLLISIONS

    async def _connect(self, name: str) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            timeout=self._settings.database_connect_timeout_s,
            command_timeout=self._settings.database_timeout_s,
            server_settings={"application_name": f"seawall-api-{name}"},
        )


class PostgreSQLBulk:
    """Arrays, a column each, in one statement for all entities."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @property
    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        return bool(self._connection.is_closed())

    async def insert(self, records: Records) -> Mapping[str, int]:
        """Insert those of *records* that are not there yet, and return how many of each entity that were."""
        # in the same order in every batch, so that two of them cannot deadlock over entities
        names = tuple(sorted(records))
        columns = [
            column
            for name in names
            for column in zip(*map(msgspec.structs.astuple, records[name].values()), strict=True)
        ]
        counts: Mapping[str, int]
        (counts,) = await self._connection.fetch(bulk_insert(names), *columns)
        return counts

    async def select(self, name: str, identities: Sequence[UUID]) -> dict[UUID, Record]:
        """Return the stored records of an entity by these ids."""
        make = ENTITIES[name].record
        return {row["id"]: make(**row) for row in await self._connection.fetch(BULK_SELECT[name], identities)}

    def terminate(self) -> None:
        """Drop the connection."""
        self._connection.terminate()


def _sql_state(error: BaseException) -> str:
    """Return the SQLSTATE that *error* carries, or an empty string."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""
