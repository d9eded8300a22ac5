"""What the API asks of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from contract.entities import Record

Records = dict[str, dict[UUID, Record]]
"""By entity and id."""


class BulkConnection(Protocol):
    """One connection over which many records are written at once."""

    @property
    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        ...

    async def insert(self, records: Records) -> Mapping[str, int]:
        """Insert those of *records* that are not there yet, in one transaction, and return how many of each entity."""
        ...

    async def select(self, name: str, identities: Sequence[UUID]) -> dict[UUID, Record]:
        """Return the stored records of an entity by these ids."""
        ...

    def terminate(self) -> None:
        """Drop the connection; nothing is under way on it."""
        ...


class Database(Protocol):
    """How one kind of database is reached, what is said to it, and what its errors mean."""

    name: str
    """One of `contract.connections.DATABASES`."""
    errors: tuple[type[Exception], ...]
    """What work with it can raise when the database, not the program, is at fault."""

    def engine(self, *, name: str, pool_size: int) -> AsyncEngine:
        """Return an engine with a pool of its own, in autocommit mode; connects when it is first used."""
        ...

    async def bulk(self, name: str) -> BulkConnection:
        """Connect."""
        ...

    def insert_new(self, table: sa.Table) -> sa.Executable:
        """Return the statement that inserts a row, or does nothing where its id is stored; counts what it inserted."""
        ...

    def is_refusal(self, error: BaseException) -> bool:
        """Tell whether the database refuses the values themselves, now and for ever."""
        ...

    def is_disconnect(self, error: BaseException) -> bool:
        """Tell whether the connection is gone, so that a new one may do better."""
        ...

    def is_collision(self, error: BaseException) -> bool:
        """Tell whether it gave way to another transaction, so that the same may succeed at once."""
        ...
