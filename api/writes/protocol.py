"""What every write path promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, runtime_checkable
from uuid import UUID

import msgspec

from api.answers import Answer
from api.problems import Problem
from api.writes.counts import PathCounts
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
    counts: PathCounts

    @property
    def waiting(self) -> int:
        """How many records wait for the database, or for the broker's ack."""
        ...

    @property
    def refused(self) -> int:
        """How many were refused since others had waited too long."""
        ...

    async def start(self) -> None:
        """Open what the path needs; returns although a server is down, and heals by itself later."""
        ...

    async def stop(self) -> int:
        """Finish what was accepted, then close; return of how many records it is not known what became of them."""
        ...

    async def write(self, entity: Entity, record: Record) -> Stored | Logged:
        """Store *record*, and return when that is true.

        Raises `Conflict` where another record has the id (and that can be known), `UnusableRecord` where the
        database refuses its values, `Unavailable` where it cannot be stored now.
        """
        ...


Settle = Callable[[Stored | Logged | Problem], None]
"""Told once what became of a record, in the event loop's thread."""


@runtime_checkable
class SubmittingPath(WritePath, Protocol):
    """A path that can answer by a callback, which costs less than a task that waits."""

    crowded: Answer
    """To whom `refuses`."""

    def refuses(self) -> bool:
        """Tell whether who comes now is refused, since others have waited too long."""
        ...

    def submit(self, entity: Entity, record: Record, settle: Settle) -> None:
        """Begin to store *record*, and call *settle* later with the outcome.

        Raises `Unavailable` where that cannot be begun; then *settle* is never called.
        """
        ...


async def settled(submit: Callable[[Settle], None]) -> Stored | Logged:
    """Wait for the outcome of what *submit* begins; raises the problem, if it is one."""
    waiting: asyncio.Future[Stored | Logged | Problem] = asyncio.get_running_loop().create_future()

    def settle(outcome: Stored | Logged | Problem) -> None:
        if not waiting.done():  # else its client has gone
            waiting.set_result(outcome)

    submit(settle)
    outcome = await waiting
    if isinstance(outcome, Problem):
        # others may raise the same one: none should carry the traceback of another
        raise outcome.with_traceback(None)
    return outcome
