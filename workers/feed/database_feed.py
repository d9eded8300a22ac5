"""The feed by the database alone: each subscriber asks again and again for what is new to it.

The position is a snapshot of PostgreSQL: new is what is visible now and was not in that one. Ids or times would not do,
since a transaction that began earlier may commit later; with them, a subscriber misses rows under load. Rows that a
transaction wrote after a savepoint are not told rightly, and none of the write paths does so.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable

import asyncpg

from contract.entities import ENTITIES
from workers.feed.counts import FeedCounts
from workers.feed.errors import BadSubscription, SourceUnavailable
from workers.feed.filters import Filter
from workers.feed.frames import Frame
from workers.feed.subscription import End, Ended, Subscription

log = logging.getLogger(__name__)

_SNAPSHOT = re.compile(r"[0-9]{1,19}:[0-9]{1,19}:(?:[0-9]{1,19}(?:,[0-9]{1,19})*)?", re.ASCII)
_PRESENT = "SELECT pg_current_snapshot()::text"
_TRIES, _PAUSE_S = 5, 0.5
_TIMEOUT_S = 10.0


class DatabaseFeed:
    """A poller for each subscriber, over a few connections."""

    def __init__(self, url: str, counts: FeedCounts, *, poll_s: float, connections: int, queue_bytes: int) -> None:
        """Each subscriber waits for *poll_s* between two queries."""
        self._url, self._counts, self._poll_s, self._connections = url, counts, poll_s, connections
        self._queue_bytes = queue_bytes
        self._pool: asyncpg.Pool | None = None
        self.trouble = "it is not connected"
        """Why nothing can be read; empty where it can."""
        self.skipped = 0
        """There are no messages."""

    async def start(self) -> None:
        """Connect; raises `OSError` or `asyncpg.PostgresError` where that cannot be."""
        self._pool = await asyncpg.create_pool(
            self._url, min_size=self._connections, max_size=self._connections, command_timeout=_TIMEOUT_S
        )
        self.trouble = ""

    async def stop(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            self._pool.terminate()

    async def subscribe(self, wanted: Filter, after: str | None) -> Subscription:
        """Return a subscription whose first frame says where it stands, or holds what it missed since *after*.

        Raises `BadSubscription`, `SourceUnavailable`.
        """
        if after is not None and not _SNAPSHOT.fullmatch(after[:100_000]):
            raise BadSubscription("after: no position of this feed; send the `id` of the last event that arrived")
        assert self._pool is not None
        subscription = Subscription(wanted, self._queue_bytes)
        if after is None:
            try:
                after = str(await self._pool.fetchval(_PRESENT))
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise SourceUnavailable(f"the database does not answer ({error}): try again") from None
            subscription.offer(Frame(after, ()))
        subscription.catching_up = asyncio.create_task(self._poll(subscription, after))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ask for it no more."""
        if subscription.catching_up is not None:
            subscription.catching_up.cancel()

    def beat(self, subscriptions: Iterable[Subscription]) -> None:
        """Do nothing: a WebSocket's ping shows that it lives, and a position that is old is none the worse."""
        del subscriptions

    async def _poll(self, subscription: Subscription, position: str) -> None:
        query, values = _query(subscription.filter)
        failures = 0
        try:
            while not subscription.over.done():
                await subscription.drained()
                try:
                    assert self._pool is not None
                    rows = await self._pool.fetch(query, position, *values)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    failures += 1
                    if failures == _TRIES:
                        log.warning("a subscriber cannot go on: %s", error)
                        subscription.finish(End.SOURCE_LOST)
                        return
                    await asyncio.sleep(_PAUSE_S)
                    continue
                failures = 0
                position = rows[0]["position"]
                records = [_json(row["entity"], row["record"]) for row in rows if row["entity"] is not None]
                if records:
                    self._counts.round(len(records))
                    self._counts.offered(len(records))
                    subscription.offer(Frame(position, records))
                await asyncio.sleep(self._poll_s)
        except Ended:
            pass


def _query(wanted: Filter) -> tuple[str, list[object]]:
    """Return what asks for rows that the snapshot ``$1`` does not show, and the further values."""
    parts = []
    for name in wanted.entities:
        # names are those of the contract, nothing of a client stands in the text
        fresh = f"SELECT '{name}' AS entity, row_to_json(t)::text AS record FROM {name} t WHERE NOT"  # noqa: S608
        fresh += " pg_visible_in_snapshot(t.xmin::text::xid8, $1::text::pg_snapshot)"
        if wanted.subject is not None:
            kind = wanted.subject[0]
            fields = [field for field, target in ENTITIES[name].references.items() if target == kind]
            fields += ["id"] if name == kind else []
            fresh += f" AND ({' OR '.join(f't.{field} = $2' for field in fields)})"
        parts.append(fresh)
    query = "SELECT pg_current_snapshot()::text AS position, new.entity, new.record FROM (SELECT 1) one"
    query += f" LEFT JOIN LATERAL ({' UNION ALL '.join(parts)}) new ON true"
    return query, [] if wanted.subject is None else [wanted.subject[1]]


def _json(entity: str, record: str) -> bytes:
    return f'{{"entity":"{entity}","record":{record}}}'.encode()
