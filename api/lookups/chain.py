"""The levels, one after the other."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping

from api.lookups.announcements import Announcements
from api.lookups.counts import Level, LookupCounts
from api.lookups.kinds import KINDS, Asked, Lifetime
from api.lookups.memory import Found, Memory
from api.lookups.shared import SharedCache
from api.lookups.source import Source
from api.problems import Unavailable
from contract.cache import EVERYTHING, Kind, cache_key, key_prefix
from contract.entities import ENTITIES, Entity

log = logging.getLogger(__name__)

_now_ns = time.perf_counter_ns
_SETTLE_NS = 1_000_000_000
"""So long after an announcement no source may be late: a replica would bring back what was just forgotten."""
_WARM_S = 2.0
"""Traffic does not wait longer than that for a warm memory."""


class _Flight:
    """One question on its way, and when each of those who wait for its answer asked."""

    __slots__ = ("asked", "asked_ns", "landed", "past_caches")

    def __init__(self, asked: Asked, landed: asyncio.Future[Found | None], *, past_caches: bool) -> None:
        self.asked = asked
        self.landed = landed
        self.past_caches = past_caches
        """Whether only the database may answer."""
        self.asked_ns: list[int] = []


class Lookups:
    """Finds records by id, and answers by what is asked; concurrent misses of one key share one query.

    All that are missed during one query go into the next together. A process that starts with an empty memory misses
    hundreds of keys at once: asked for one by one, they would keep it busy for longer than the requests that need them.

    "No such record" is believed for `negative_ttl_s`, a second at most, and only by the process that asked. A write
    through this process ends that at once; other processes learn of it when the second is over, since announcing every
    written key to every process would cost more than it saves.
    """

    def __init__(
        self,
        memory: Memory,
        shared: SharedCache,
        source: Source,
        announcements: Announcements,
        *,
        lifetimes: Mapping[str, Lifetime] | None = None,
        warm_entries: int = 0,
    ) -> None:
        """*lifetimes* are those of the kinds, by name, that do not live as long as records do."""
        self._memory = memory
        self._shared = shared
        self._source = source
        self._announcements = announcements
        self._lifetimes = lifetimes or {}
        self._warm_entries = warm_entries
        self._flights: dict[str, _Flight] = {}
        self._boarding: dict[str, dict[str, _Flight]] = {}
        self._settled_ns = 0
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self.counts = LookupCounts(kind.name for kind in KINDS)
        self._counts = self.counts.of

    async def start(self) -> None:
        """Begin to listen for announcements, then fill the memory; neither cache nor database has to be there."""
        await self._announcements.start(self.forget)
        if not self._warm_entries:
            return
        try:
            async with asyncio.timeout(_WARM_S):
                for entity in ENTITIES.values():
                    if entity.lookup:
                        await self._warm(entity)
        except TimeoutError:
            log.warning("lookups: the memory starts cold: it was not filled within %.0f s", _WARM_S)

    async def stop(self) -> None:
        """Close the connections."""
        await self._announcements.stop()
        await self._shared.close()
        await self._source.close()

    def known(self, entity: Entity, identity: Asked) -> bool | None:
        """Tell without asking anybody whether the record exists; None where that is not known."""
        entry = self._memory.get(cache_key(entity, identity))
        if entry is None:
            return None
        self._counts[entity.name].memory += 1
        return entry.found is not None

    def remembered(self, kind: Kind, key: str) -> Found | None:
        """Return what the memory holds under *key*, one of this *kind*; None where nothing, or that there is none."""
        begun_ns = _now_ns()
        entry = self._memory.get(key)
        if entry is None or entry.found is None:
            return None
        counts = self._counts[kind.name]
        counts.memory += 1
        counts.memory_durations.observe(_now_ns() - begun_ns)
        return entry.found

    async def get(self, kind: Kind, asked: Asked) -> Found | None:
        """Return what was *asked* for, or None where there is none; raises `Unavailable` where nobody can tell."""
        begun_ns = _now_ns()
        entry = self._memory.get(cache_key(kind, asked))
        if entry is not None:
            counts = self._counts[kind.name]
            counts.memory += 1
            counts.memory_durations.observe(_now_ns() - begun_ns)
            return entry.found
        # shielded: whoever asked first may go, the others still wait
        return await asyncio.shield(self.ask(kind, asked))

    async def get_anew(self, kind: Kind, asked: Asked) -> Found | None:
        """Return what the database says now, and let both caches know; raises `Unavailable` where it says nothing."""
        self._counts[kind.name].anew += 1
        return await asyncio.shield(self.ask(kind, asked, past_caches=True))

    def ask(self, kind: Kind, asked: Asked, *, past_caches: bool = False) -> asyncio.Future[Found | None]:
        """Ask beyond the memory, and return where the record will be; belongs to all who ask, so nobody cancels it."""
        key = cache_key(kind, asked)
        boarding = self._boarding.setdefault(kind.name, {})
        flight = boarding.get(key)
        if flight is not None:  # what it was disowned for, if it was, came before its departure
            self._flights[key] = flight
            flight.past_caches = flight.past_caches or past_caches
        else:
            flight = self._flights.get(key)
            if flight is None or past_caches:  # the answer of one that is under way may be older than this question
                loop = asyncio.get_running_loop()
                flight = self._flights[key] = _Flight(asked, loop.create_future(), past_caches=past_caches)
                if not boarding and kind.name not in self._under_way:
                    loop.call_soon(self._depart, kind)
                boarding[key] = flight
        flight.asked_ns.append(_now_ns())
        return flight.landed

    def forget(self, key: str) -> None:
        """Forget *key*, or `EVERYTHING`, and let no answer be remembered that may be older than this."""
        self.counts.invalidations += 1
        self._settled_ns = _now_ns() + _SETTLE_NS
        if key == EVERYTHING:
            self._memory.clear()
            self._flights.clear()
        else:
            self._memory.forget(key)
            self._flights.pop(key, None)

    def forget_missing(self, entity: Entity, identity: Asked) -> None:
        """Forget that the record does not exist: it has just been written."""
        key = cache_key(entity, identity)
        entry = self._memory.get(key)
        if entry is not None and entry.found is None:
            self._memory.forget(key)
        self._flights.pop(key, None)  # its answer may be older than the write

    async def _warm(self, entity: Entity) -> None:
        """Remember as many records as are asked for: those that other processes have used, or those that came first."""
        count, invalidations = self._warm_entries, self.counts.invalidations
        bodies = await self._shared.some(key_prefix(entity), count)
        self._remember(bodies, invalidations)
        if len(bodies) >= count:
            return
        counts = self._counts[entity.name]
        counts.queries += 1
        try:
            rows = await self._source.first(entity, count)
        except Unavailable as problem:
            log.warning("lookups: the memory starts without %s: %s", entity.name, problem.detail)
            return
        counts.rows += len(rows)
        fetched = {cache_key(entity, identity): body for identity, body in rows.items()}
        new = {key: body for key, body in fetched.items() if key not in bodies}
        if self.counts.invalidations == invalidations:
            await self._shared.put(new)
        self._remember(dict(itertools.islice(new.items(), count - len(bodies))), invalidations)

    def _remember(self, bodies: Mapping[str, bytes], invalidations: int) -> None:
        """Remember *bodies*, unless something was invalidated since there were so many *invalidations*."""
        if self.counts.invalidations == invalidations:
            for key, body in bodies.items():
                self._memory.put(key, Found.of(body))

    def _depart(self, kind: Kind) -> None:
        """Ask for everything that was missed since the last time."""
        task = asyncio.create_task(self._fetch(kind, self._boarding.pop(kind.name)))
        self._under_way[kind.name] = task
        task.add_done_callback(lambda _: self._arrive(kind))

    def _arrive(self, kind: Kind) -> None:
        del self._under_way[kind.name]
        if self._boarding.get(kind.name):
            self._depart(kind)

    async def _fetch(self, kind: Kind, flights: dict[str, _Flight]) -> None:
        """Land every one of *flights*."""
        left = dict(flights)
        try:
            cachable = [key for key, flight in flights.items() if not flight.past_caches]
            cached = await self._shared.get(cachable) if cachable else {}
            for key, body in cached.items():
                self._land(kind, key, left.pop(key), "shared", Found.of(body))
            if left:
                found = await self._fetch_from_source(kind, left)
                for key, flight in flights.items():
                    if left.pop(key, None):
                        self._land(kind, key, flight, "database", Found.of(found[key]) if key in found else None)
        except Unavailable as problem:
            for key, flight in left.items():
                again = Unavailable(problem.detail, retry_after_s=problem.retry_after_s)
                self._land(kind, key, flight, "nobody", again)
        except BaseException as error:
            for key, flight in left.items():
                self._land(kind, key, flight, "nobody", error)
            raise

    async def _fetch_from_source(self, kind: Kind, flights: dict[str, _Flight]) -> dict[str, bytes]:
        """Return what the source finds, once the shared cache has it too."""
        counts = self._counts[kind.name]
        counts.queries += 1
        now = any(flight.past_caches for flight in flights.values()) or _now_ns() < self._settled_ns
        rows = await self._source.fetch(kind, [flight.asked for flight in flights.values()], now=now)
        counts.rows += len(rows)
        found = {key: rows[flight.asked] for key, flight in flights.items() if flight.asked in rows}
        current = {key for key, flight in flights.items() if self._flights.get(key) is flight}
        lifetime = self._lifetimes.get(kind.name)
        kept = {key: body for key, body in found.items() if key in current}
        await self._shared.put(kept, None if lifetime is None else lifetime.shared_s)
        await self._shared.forget(
            [key for key in current if key not in found and flights[key].past_caches]  # the others were not there
        )
        return found

    def _land(self, kind: Kind, key: str, flight: _Flight, level: Level, outcome: Found | BaseException | None) -> None:
        """Give *outcome* to all who wait, and remember it, unless the flight has been disowned meanwhile."""
        landed_ns = _now_ns()
        durations = self._counts[kind.name].waited[level]
        for asked_ns in flight.asked_ns:
            durations.observe(landed_ns - asked_ns)
        current = self._flights.get(key) is flight
        if current:
            del self._flights[key]
        if isinstance(outcome, BaseException):
            flight.landed.set_exception(outcome)
            flight.landed.exception()  # seen, should every waiter have gone
            return
        flight.landed.set_result(outcome)
        if current:
            lifetime = self._lifetimes.get(kind.name)
            self._memory.put(key, outcome, None if lifetime is None else lifetime.memory_s)
