"""The levels, one after the other."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from uuid import UUID

from api.lookups.announcements import Announcements
from api.lookups.memory import Found, Memory
from api.lookups.shared import SharedCache
from api.lookups.source import Source
from api.problems import Unavailable
from contract.cache import cache_key
from contract.entities import Entity


class _Flight(NamedTuple):
    identity: UUID
    landed: asyncio.Future[Found | None]


class Lookups:
    """Finds records by id; concurrent misses of one key share one query, and so do misses of the same moment.

    A process that starts with an empty memory misses hundreds of keys at once: asked for one by one, they would keep it
    busy for longer than the requests that need them.

    "No such record" is believed for `negative_ttl_s`, a second at most, and only by the process that asked. A write
    through this process ends that at once; other processes learn of it when the second is over, since announcing every
    written key to every process would cost more than it saves.
    """

    def __init__(self, memory: Memory, shared: SharedCache, source: Source, announcements: Announcements) -> None:
        self._memory = memory
        self._shared = shared
        self._source = source
        self._announcements = announcements
        self._flights: dict[str, _Flight] = {}
        self._boarding: dict[str, dict[str, _Flight]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

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
            loop = asyncio.get_running_loop()
            flight = self._flights[key] = _Flight(identity, loop.create_future())
            boarding = self._boarding.setdefault(entity.name, {})
            if not boarding:
                loop.call_soon(self._depart, entity)
            boarding[key] = flight
        # shielded: whoever asked first may go, the others still wait
        return await asyncio.shield(flight.landed)

    def forget_missing(self, entity: Entity, identity: UUID) -> None:
        """Forget that the record does not exist: it has just been written."""
        key = cache_key(entity, identity)
        entry = self._memory.get(key)
        if entry is not None and entry.found is None:
            self._memory.forget(key)
        self._flights.pop(key, None)  # its answer may be older than the write

    def _depart(self, entity: Entity) -> None:
        """Ask for everything that was missed since the last time round the loop."""
        task = asyncio.create_task(self._fetch(entity, self._boarding.pop(entity.name)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fetch(self, entity: Entity, flights: dict[str, _Flight]) -> None:
        """Land every one of *flights*."""
        try:
            bodies = await self._shared.get(list(flights))
            missing = {key: flight.identity for key, flight in flights.items() if key not in bodies}
            if missing:
                rows = await self._source.fetch(entity, list(missing.values()))
                fetched = {key: rows[identity] for key, identity in missing.items() if identity in rows}
                await self._shared.put(fetched)
                bodies |= fetched
        except Unavailable as problem:
            for key, flight in flights.items():
                self._land(key, flight, Unavailable(problem.detail, retry_after_s=problem.retry_after_s))
        except BaseException as error:
            for key, flight in flights.items():
                self._land(key, flight, error)
            raise
        else:
            for key, flight in flights.items():
                body = bodies.get(key)
                self._land(key, flight, None if body is None else Found.of(body))

    def _land(self, key: str, flight: _Flight, outcome: Found | BaseException | None) -> None:
        """Give *outcome* to all who wait, and remember it, unless the flight has been disowned meanwhile."""
        current = self._flights.get(key) is flight
        if current:
            del self._flights[key]
        if isinstance(outcome, BaseException):
            flight.landed.set_exception(outcome)
            flight.landed.exception()  # seen, should every waiter have gone
            return
        flight.landed.set_result(outcome)
        if current:
            self._memory.put(key, outcome)
