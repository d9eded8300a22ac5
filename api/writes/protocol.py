"""What every write path promises."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec

from contract.entities import Entity, Record

COMMITTED, LOGGED = 201, 202
"""The HTTP statuses of success."""


class Stored(msgspec.Struct, frozen=True):
    """The record is committed: a reader can see its row."""

    id: UUID


class Logged(msgspec.Struct, frozen=True):
    """The broker has the record at this place of the log; its row follows."""

    id: UUID
    topic: str
    partition: int
    offset: int


class WritePath(Protocol):
    """One way to store a record; the same record again is no error and no second row."""

    status: int
    """The HTTP status of success: `COMMITTED` or `LOGGED`."""

    async def start(self) -> None:
        """Open what the path needs; returns although a server is down, and heals by itself later."""
        ...

    async def stop(self) -> None:
        """Finish what was accepted, then close."""
        ...

    async def write(self, entity: Entity, record: Record) -> Stored | Logged:
        """Store *record*, and return when that is true.

        Raises `Conflict` where another record has the id (and that can be known), `UnusableRecord` where the
        database refuses its values, `Unavailable` where it cannot be stored now.
        """
        ...
