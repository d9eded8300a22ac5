"""`grouped`: one transaction for all requests that wait (group commit)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from api.admission import Crowd, Rate
from api.answers import ready
from api.databases.database import BulkConnection, Database, Records
from api.problems import Conflict, Problem, Unavailable, UnusableRecord
from api.settings import Settings
from api.writes.counts import PathCounts
from api.writes.protocol import COMMITTED, Logged, Settle, Stored, settled
from contract.entities import Entity, Record
from contract.histogram import SIZE_BOUNDS, Histogram
from contract.logs import about
from contract.spans import OF_DATABASE, Span, current

log = logging.getLogger(__name__)

_FEW = 50
"""So many records without an outcome are no crowd, however few are served a second."""
_CROWDED = "too many records wait for the database"


class _Waiter(NamedTuple):
    entity: str
    record: Record
    settle: Settle
    since_s: float


class GroupedPath:
    """Answers after the commit of the batch that the record went into.

    One worker a connection. One of them at a time collects, while the others commit: so a batch is what arrived during
    the commits before it, but at least what arrives within the longest wait.
    """

    status = COMMITTED
    crowded = ready(Unavailable(_CROWDED).answer())

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._connections = settings.group_connections
        self._size = settings.group_size
        self._wait_s = settings.group_wait_ms / 1000
        self._limit = settings.group_queue
        self._batches = Histogram(SIZE_BOUNDS)
        self.counts = PathCounts("wait", "commit", batches=self._batches)
        self._crowd = Crowd(settings.queue_longest_ms / 1000, settings.queue_patience_ms / 1000)
        self._waiting: deque[_Waiter] = deque()
        self._open = 0
        """Records without an outcome: those that wait, and those whose batch is under way."""
        self._rate = Rate()
        self._committing: dict[int, float] = {}
        """Since when the first of each batch under way has waited, s; in the order in which they were collected."""
        self._arrived = asyncio.Event()
        self._collecting = asyncio.Lock()
        self._traced: dict[UUID, Span] = {}
        """Records under way that are traced, by their ids."""
        self._closing = False
        self._workers: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """How many records wait for a batch."""
        return len(self._waiting)

    @property
    def refused(self) -> int:
        """How many were refused since others had waited too long."""
        return self._crowd.refused

    async def start(self) -> None:
        """Start the workers; each connects when it has its first batch."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"grouped-{index}") for index in range(self._connections)
        ]

    async def stop(self) -> int:
        """Write what waits, then close the connections; every waiter is told its outcome."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._workers)
        return 0

    def refuses(self) -> bool:
        """Tell whether who comes now is refused, since the first of those who have no answer has waited too long.

        Those whose batch is being committed count: they show how long that takes, too, where the processor is short.
        So many have no answer at a rate of so many a second: who comes now will wait for the quotient (Little's law).
        """
        now_s = first_s = time.monotonic()
        if self._committing:
            first_s = next(iter(self._committing.values()))
        elif self._waiting:
            first_s = self._waiting[0].since_s
        expected_s = self._open / max(self._rate.per_s(now_s), 1.0) if self._open > _FEW else 0.0
        return self._crowd.refuses(now_s - first_s, now_s, expected_s)

    async def write(self, entity: Entity, record: Record) -> Stored | Logged:
        """Queue *record* and wait for its batch."""
        if self.refuses():
            raise Unavailable(_CROWDED)
        span = current()
        if span.context:
            self._traced[record.id] = span
        try:
            return await settled(partial(self.submit, entity, record))
        finally:
            if span.context:
                self._traced.pop(record.id, None)

    def submit(self, entity: Entity, record: Record, settle: Settle) -> None:
        """Queue *record*; *settle* hears of the commit."""
        if len(self._waiting) >= self._limit or self._closing:
            raise Unavailable(_CROWDED)
        self._waiting.append(_Waiter(entity.name, record, settle, time.monotonic()))
        self._open += 1
        self._arrived.set()

    async def _work(self) -> None:
        session = _Session(self._database)
        try:
            while batch := await self._collect():
                self._committing[id(batch)] = batch[0].since_s
                try:
                    await self._settle(session, batch)
                except Exception:
                    # a worker that dies would leave every later request without an answer
                    log.exception("grouped: a batch of %d records failed", len(batch))
                    _fail(batch, Unavailable("the batch failed", outcome_unknown=True))
                    await session.close()
                finally:
                    del self._committing[id(batch)]
                    self._open -= len(batch)
                    self._rate.add(len(batch), time.monotonic())
        finally:
            await session.close()

    async def _collect(self) -> list[_Waiter]:
        """Return the next batch; an empty one says that the path closes."""
        async with self._collecting:
            while not self._waiting:
                if self._closing:
                    return []
                self._arrived.clear()
                await self._arrived.wait()
            if self._wait_s and len(self._waiting) < self._size and not self._closing:
                await asyncio.sleep(self._wait_s)
            return self._count([self._waiting.popleft() for _ in range(min(len(self._waiting), self._size))])

    def _count(self, batch: list[_Waiter]) -> list[_Waiter]:
        """Note how many there are, and how long the first has waited."""
        self._batches.observe(len(batch))
        self.counts.stages["wait"].observe(int((time.monotonic() - batch[0].since_s) * 1e9))
        return batch

    async def _settle(self, session: _Session, batch: Sequence[_Waiter]) -> None:
        """Store *batch* and give each waiter its own outcome."""
        begun_ns = time.monotonic_ns()
        try:
            stored = await session.store(batch)
            self.counts.stages["commit"].observe(time.monotonic_ns() - begun_ns)
        except Problem as problem:
            _fail(batch, problem)
            return
        except self._database.errors as error:
            if not self._database.is_refusal(error):
                log.warning("grouped: %d records: %s", len(batch), error, extra=about(batch[0].record.id))
                _fail(batch, Unavailable("the database did not answer", outcome_unknown=True))
            elif len(batch) == 1:
                _fail(batch, UnusableRecord("the database refuses these values"))
            else:
                half = len(batch) // 2
                await self._settle(session, batch[:half])
                await self._settle(session, batch[half:])
            return
        finally:
            if self._traced:
                self._show(batch, begun_ns)
        for waiter in batch:
            row = stored[waiter.entity].get(waiter.record.id)
            if row is waiter.record or row == waiter.record:
                waiter.settle(Stored(waiter.record.id))
            else:
                waiter.settle(Conflict() if row else Unavailable("the record's row is being deleted"))

    def _show(self, batch: Sequence[_Waiter], begun_ns: int) -> None:
        """Show those of *batch* that are traced how long they waited for it, and how long it took."""
        ended_ns = time.monotonic_ns()
        for waiter in batch:
            span = self._traced.get(waiter.record.id)
            if span is not None:
                span.stage("wait for a batch", int(waiter.since_s * 1e9), begun_ns)
                span.stage(
                    "INSERT", begun_ns, ended_ns, "client", {**OF_DATABASE, "db.operation.batch.size": len(batch)}
                )


def _fail(batch: Sequence[_Waiter], problem: Problem) -> None:
    for waiter in batch:
        waiter.settle(problem)


class _Session:
    """One connection that is opened when needed, and what is written over it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: BulkConnection | None = None

    async def store(self, batch: Sequence[_Waiter]) -> Records:
        """Commit *batch*, and return what is stored under its ids."""
        database = self._database
        records: Records = {}
        for waiter in batch:
            records.setdefault(waiter.entity, {}).setdefault(waiter.record.id, waiter.record)
        sent = False
        for last_try in (False, True):
            try:
                connection = await self._connected()
            except database.errors as error:
                log.warning("grouped: no connection to the database: %s", error)
                raise Unavailable("the database is down", outcome_unknown=sent) from None
            sent = True
            try:
                return await _commit(connection, records)
            except database.errors as error:
                again = database.is_disconnect(error) or database.is_collision(error)
                if not database.is_refusal(error):
                    await self.close()
                if last_try or not again:
                    raise
        raise AssertionError

    async def close(self) -> None:
        """Drop the connection; nothing is under way on it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()

    async def _connected(self) -> BulkConnection:
        if self._connection is None or self._connection.is_closed:
            self._connection = await self._database.bulk("grouped")
        return self._connection


async def _commit(connection: BulkConnection, records: Records) -> Records:
    inserted = await connection.insert(records)
    return {
        name: rows if inserted[name] == len(rows) else await connection.select(name, list(rows))
        for name, rows in records.items()
    }
