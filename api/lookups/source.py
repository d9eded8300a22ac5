"""The last level: the database, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.database import LOST_CONNECTION, is_disconnect
from api.problems import Unavailable
from contract.entities import ENTITIES, Entity
from contract.tables import TABLES

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Source(Protocol):
    """Where the truth is."""

    async def fetch(self, entity: Entity, identities: Sequence[UUID]) -> dict[UUID, bytes]:
        """Return the records that exist, as JSON by id; raises `Unavailable` where nobody can tell."""
        ...

    async def check(self) -> None:
        """Return when the source answers; raises `Unavailable` if not."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class NoSource:
    """Can tell nothing."""

    async def fetch(self, entity: Entity, identities: Sequence[UUID]) -> dict[UUID, bytes]:  # noqa: ARG002 - the protocol's signature
        """Raise `Unavailable`."""
        raise Unavailable("no database is configured: set SEAWALL_DATABASE_URL", retry_after_s=30)

    async def check(self) -> None:
        """Raise nothing: what is not configured cannot fail."""

    async def close(self) -> None:
        """Close nothing."""


class DatabaseSource:
    """Rows by their primary keys."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._select = {
            name: sa.select(TABLES[name]).where(TABLES[name].c.id.in_(sa.bindparam("wanted", expanding=True)))
            for name in ENTITIES
        }

    async def fetch(self, entity: Entity, identities: Sequence[UUID]) -> dict[UUID, bytes]:
        """Read the rows; once more on a new connection if the pool's was stale."""
        for last_try in (False, True):
            try:
                async with self._engine.connect() as connection:
                    found = await connection.execute(self._select[entity.name], {"wanted": identities})
                    rows = found.mappings().all()
            except (*LOST_CONNECTION, sa.exc.TimeoutError) as error:
                if last_try or not is_disconnect(error):
                    log.warning("lookups: %s", error)
                    raise Unavailable("the database does not answer") from None
            else:
                return {row["id"]: _encode(entity.record(**row)) for row in rows}
        raise AssertionError

    async def check(self) -> None:
        """Read the row of nobody from a table, so that tables that are missing show as well."""
        for entity in ENTITIES.values():
            if entity.lookup:
                await self.fetch(entity, [UUID(int=0)])

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()
