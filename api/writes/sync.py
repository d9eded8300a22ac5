"""`sync`: one transaction a request, with SQLAlchemy's asynchronous Core and its pool."""

from __future__ import annotations

import logging
import time

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.admission import Queue
from api.databases.database import Database
from api.problems import Conflict, Unavailable, UnusableRecord
from api.settings import Settings
from api.writes.counts import PathCounts
from api.writes.protocol import COMMITTED, Stored
from contract.entities import ENTITIES, Entity, Record
from contract.logs import about
from contract.spans import OF_DATABASE, current
from contract.tables import TABLES

log = logging.getLogger(__name__)


class SyncPath:
    """Answers after the request's own commit.

    A single statement is a transaction of its own, so the engine should be in autocommit mode: BEGIN and COMMIT would
    add two round trips and promise nothing more.
    """

    status = COMMITTED

    def __init__(self, database: Database, engine: AsyncEngine, settings: Settings) -> None:
        self._database, self._engine = database, engine
        self._away: tuple[type[Exception], ...] = (*database.errors, sa.exc.TimeoutError)
        self.counts = PathCounts("connection", "statement") if settings.metrics_port is not None else PathCounts()
        self._statements = self.counts.stages.get("statement")
        waits = self.counts.stages.get("connection")
        self._queue = Queue(settings, waits=waits)
        self._insert = {name: database.insert_new(TABLES[name]) for name in ENTITIES}
        self._select = {
            name: sa.select(TABLES[name]).where(TABLES[name].c.id == sa.bindparam("wanted")) for name in ENTITIES
        }

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._queue)

    @property
    def refused(self) -> int:
        """How many were refused since others had waited too long for a connection."""
        return self._queue.refused

    async def start(self) -> None:
        """Open nothing: the pool connects when a request needs it."""

    async def stop(self) -> int:
        """Close the pool; whoever waited had an answer before."""
        await self._engine.dispose()
        return 0

    async def write(self, entity: Entity, record: Record) -> Stored:
        """Insert *record*, or find that it is there already."""
        if self._queue.refuses():
            raise Unavailable("too many requests wait for a database connection")
        ticket = self._queue.join()
        try:
            return await self._store(entity, record, ticket)
        finally:
            self._queue.leave(ticket)

    async def _store(self, entity: Entity, record: Record, ticket: int) -> Stored:
        try:
            return await self._write(entity, record, ticket)
        except sa.exc.TimeoutError:
            raise Unavailable("every database connection of this process is busy") from None
        except self._database.errors as error:
            if self._database.is_refusal(error):
                raise UnusableRecord("the database refuses these values") from None
            if not self._database.is_disconnect(error):
                log.warning("sync: %s", error, extra=about(record.id))
                raise Unavailable("the database did not answer", outcome_unknown=True) from None
        # The pool held connections of a database that has been restarted. Writing again is safe: the same record
        # again is no second row.
        try:
            return await self._write(entity, record, ticket)
        except self._away as error:
            log.warning("sync: %s", error, extra=about(record.id))
            raise Unavailable("the database is down", outcome_unknown=True) from None

    async def _write(self, entity: Entity, record: Record, ticket: int) -> Stored:
        span = current()
        waits_ns = time.monotonic_ns()
        async with self._engine.connect() as connection:
            self._queue.leave(ticket)
            span.stage("wait for a connection", waits_ns)
            begun_ns = time.perf_counter_ns()
            with span.part(f"INSERT {entity.name}", "client", OF_DATABASE):
                done = await connection.execute(self._insert[entity.name], msgspec.structs.asdict(record))
            if self._statements is not None:
                self._statements.observe(time.perf_counter_ns() - begun_ns)
            if done.rowcount == 1:
                return Stored(record.id)
            found = await connection.execute(self._select[entity.name], {"wanted": record.id})
            row = found.mappings().one_or_none()
        if row is None:  # deleted between the two statements
            raise Unavailable("the record's row is being deleted")
        if entity.record(**row) != record:
            raise Conflict
        return Stored(record.id)
