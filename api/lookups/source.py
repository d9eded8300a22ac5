"""The last level: the database, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.databases.database import Database
from api.lookups.kinds import RECOMMENDATIONS, TOP_PRODUCTS, Asked
from api.lookups.queries import Query, RecommendationsQuery, RecordQuery, Row, TopProductsQuery
from api.problems import Unavailable
from contract.cache import Kind
from contract.entities import ENTITIES, Entity

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where the truth is."""

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:
        """Return as JSON what exists of what is *asked*, by one statement; raises `Unavailable` if it cannot tell.

        Without *now* a source may be late, but for what does not exist.
        """
        ...

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:
        """Return the *count* records whose ids come first, by one statement; raises `Unavailable`."""
        ...

    async def check(self) -> None:
        """Return when the source answers; raises `Unavailable` if not."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class NoSource:
    """Can tell nothing."""

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Raise `Unavailable`."""
        raise Unavailable("no database is configured: set SEAWALL_DATABASE_URL", retry_after_s=30)

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return {}

    async def check(self) -> None:
        """Raise nothing: what is not configured cannot fail."""

    async def close(self) -> None:
        """Close nothing."""


class DatabaseSource:
    """The database itself."""

    def __init__(self, database: Database, engine: AsyncEngine) -> None:
        self._database, self._engine = database, engine
        self._away: tuple[type[Exception], ...] = (*database.errors, sa.exc.TimeoutError)
        self._records = {name: RecordQuery(entity) for name, entity in ENTITIES.items()}
        self._queries: dict[str, Query] = {
            **self._records,
            RECOMMENDATIONS.name: RecommendationsQuery(database.name),
            TOP_PRODUCTS.name: TopProductsQuery(),
        }

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:  # noqa: ARG002 - it is never late
        """Run the kind's query."""
        query = self._queries[kind.name]
        return query.bodies(asked, await self._rows(query.statement, query.parameters(asked)))

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:
        """Read from the beginning of the primary key."""
        query = self._records[entity.name]
        return query.bodies((), await self._rows(query.first, {"count": count}))

    async def check(self) -> None:
        """Read the row of nobody from a table, so that tables that are missing show as well."""
        for entity in ENTITIES.values():
            if entity.lookup:
                await self.fetch(entity, [UUID(int=0)])

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def _rows(self, statement: sa.Executable, parameters: dict[str, Any]) -> Sequence[Row]:
        """Run *statement*; once more on a new connection if the pool's was stale."""
        for last_try in (False, True):
            try:
                async with self._engine.connect() as connection:
                    return (await connection.execute(statement, parameters)).mappings().all()
            except self._away as error:
                if last_try or not self._database.is_disconnect(error):
                    log.warning("lookups: %s", error)
                    raise Unavailable("the database does not answer") from None
        raise AssertionError
