"""The table of results: one row a review, whoever writes it and how often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa

from contract.connections import Connections
from contract.engine import engine_of
from contract.review_model import Judgement
from contract.tables import review_results
from workers.reviews.errors import Stopped

log = logging.getLogger(__name__)
_REASON_CHARACTERS = 500
_PAUSE_S = 0.5
T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    """What is written of one review: a judgement, or the reason why there is none."""

    id: UUID
    job_id: UUID
    judgement: Judgement | None = None
    reason: str | None = None


class Results:
    """Waits for a database that is away; for any number of threads."""

    def __init__(self, connections: Connections, model: str, *, threads: int, stop: threading.Event) -> None:
        """So many *threads* have a connection each, and who writes another; *stop* ends waiting with `Stopped`."""
        self._engine = engine_of(connections, pool_size=threads + 1, pool_pre_ping=True)
        self._model, self._stop = model, stop

    def known(self, ids: Collection[UUID]) -> set[UUID]:
        """Return which of *ids* have a result."""
        return self._waiting(lambda: self._known(ids))

    def _known(self, ids: Collection[UUID]) -> set[UUID]:
        with self._engine.connect() as connection:
            return set(connection.scalars(_those_of(ids)))

    def store(self, rows: Sequence[Row]) -> int:
        """Write in one transaction the *rows* of reviews that have no result; return how many those were."""
        return self._waiting(lambda: self._store(rows)) if rows else 0

    def _store(self, rows: Sequence[Row]) -> int:
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            there = set(connection.scalars(_those_of([row.id for row in rows])))
            new = [self._values(row, now) for row in rows if row.id not in there]
            if new:
                connection.execute(sa.insert(review_results), new)
        return len(new)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _values(self, row: Row, now: datetime) -> dict[str, object]:
        said = row.judgement
        return {
            "id": row.id,
            "job_id": row.job_id,
            "sentiment": said.sentiment if said else None,
            "score": said.score if said else None,
            "reason": row.reason.replace("\0", " ")[:_REASON_CHARACTERS] if row.reason else None,
            "model": self._model,
            "judged_at": now,
        }

    def _waiting(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except sa.exc.IntegrityError:
                continue  # another process wrote one of them at the same moment: it is known now
            except sa.exc.DBAPIError as error:
                log.warning("database: %s; again in %.1f s", str(error.orig).partition("\n")[0], _PAUSE_S)
            if self._stop.wait(_PAUSE_S):
                raise Stopped


def _those_of(ids: Collection[UUID]) -> sa.Select[tuple[UUID]]:
    return sa.select(review_results.c.id).where(review_results.c.id.in_(list(ids)))
