"""The levels, one after the other."""

from __future__ import annotations

import asyncio
from uuid import UUID

from api.lookups.announcements import Announcements
from api.lookups.memory import Found, Memory
from api.lookups.shared import SharedCache
from api.lookups.source import Source
from contract.cache import cache_key
from contract.entities import Entity


class Lookups:
    """Finds records by id; concurrent misses of one key share one query.

    "No such record" is believed for `negative_ttl_s`, a second at most, and only by the process that asked. A write
    through this process ends that at once; other processes learn of it when the second is over, since announcing every
    written key to every process would cost more than it saves.
    """

    def __init__(self, memory: Memory, shared: SharedCache, source: Source, announcements: Announcements) -> None:
        self._memory = memory
        self._shared = shared
        self._source = source
        self._announcements = announcements
        self._flights: dict[str, asyncio.Task[Found | None]] = {}

    async def start(self) -> None:
        """Begin to listen for announcements."""
        await self._announcements.start()

    async def stop(self) -> None:
        """Close the connections."""
        await self._announcements.stop()
        await self._shared.close()
        await self._source.close()

    async def get(self, entity: Entity, identity: UUID) -> Found | None:
        """Return the record, or None where there is none; raises `Unavailable` where nobody can tell."""
        key = cache_key(entity, identity)
        entry = self._memory.get(key)
        if entry is not None:
            return entry.found
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, entity, identity))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        # shielded: whoever asked first may go, the others still wait
        return await asyncio.shield(flight)

    def forget_missing(self, entity: Entity, identity: UUID) -> None:
        """Forget that the record does not exist: it has just been written."""
        key = cache_key(entity, identity)
        entry = self._memory.get(key)
        if entry is not None and entry.found is None:
            self._memory.forget(key)
        self._flights.pop(key, None)  # its answer may be older than the write

    async def _fetch(self, key: str, entity: Entity, identity: UUID) -> Found | None:
        body = await self._shared.get(key)
        if body is None:
            body = await self._source.fetch(entity, identity)
            if body is not None:
                await self._shared.put(key, body)
        return None if body is None else Found.of(body)

    def _land(self, key: str, flight: asyncio.Task[Found | None]) -> None:
        """Remember what *flight* found, unless it has been disowned meanwhile."""
        current = self._flights.get(key) is flight
        if current:
            del self._flights[key]
        # asking for the exception also tells asyncio that it was seen, should every waiter have gone
        if not flight.cancelled() and flight.exception() is None and current:
            self._memory.put(key, flight.result())
