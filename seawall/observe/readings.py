"""All that can be seen of a running stack at one moment; who does not answer is named, and the rest is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from contract.cache_client import CACHE_DOWN
from seawall.observe.cache import Cache, CacheCounts
from seawall.observe.database import DatabaseCounts, database_of, name_of
from seawall.observe.fleet import FleetCache, FleetReading
from seawall.observe.machine import Room, Use, rooms_of_stack, uses_of_stack
from seawall.stack.errors import StackError
from seawall.stack.prometheus import targets_directory
from seawall.stack.samples import Samples, read_page
from seawall.stack.stack import Stack
from seawall.stack.state import StackState, is_alive

T = TypeVar("T")
_PAGES = ("api", "sink")


class Reading(msgspec.Struct, kw_only=True):
    """One look; what could not be seen is None, and *troubles* says why."""

    at_s: float
    """Monotonic."""
    samples: Samples
    """Of API and sinks, and of the load where a Prometheus is told of it."""
    processes: dict[str, bool]
    """Whether each service of ours runs."""
    database: DatabaseCounts | None = None
    cache: CacheCounts | None = None
    fleet: FleetReading | None = None
    """Of the hashes of `stream cache`; None where there are none."""
    uses: dict[str, Use] = {}
    rooms: dict[str, Room] = {}
    lag: int | None = None
    """Records whose offset no sink has committed; None without Kafka, too."""
    troubles: list[str] = []


class Reader:
    """Looks again and again; servers are asked at the same time, so that one that hangs delays no more than itself."""

    def __init__(self, stack: Stack) -> None:
        connections = stack.connections
        self._stack = stack
        self._database = database_of(connections)
        errors = () if self._database is None else self._database.errors
        self._silence: tuple[type[Exception], ...] = (StackError, *errors, *CACHE_DOWN, ValueError)
        self._cache = Cache(connections.redis_url) if connections.cache_url is not None else None
        self._fleet = FleetCache(connections.redis_url) if connections.cache_url is not None else None
        self._threads = ThreadPoolExecutor(max_workers=8)

    def read(self, *, pages: bool = True) -> Reading:
        """Return what can be seen now; without *pages* what processes show by themselves is left out."""
        state = self._stack.state
        found = Reading(at_s=time.monotonic(), samples=Samples(), processes=_processes(state), troubles=[])
        found.troubles += [f"{name} does not run" for name, runs in found.processes.items() if not runs]
        urls = {name: one.metrics_url for name, one in state.services.items() if one.metrics_url and one.kind in _PAGES}
        asked = {
            name: self._threads.submit(read_page, url)
            for name, url in (urls | _load_urls(state)).items()
            if pages and found.processes.get(name, True)
        }
        if pages:
            found.uses, found.rooms = uses_of_stack(self._stack), rooms_of_stack(self._stack)
        database = self._threads.submit(self._database.counts) if self._database is not None else None
        cache = self._threads.submit(self._cache.counts) if self._cache is not None else None
        fleet = self._threads.submit(self._fleet.read) if self._fleet is not None else None
        lag = self._threads.submit(self._stack.lag) if state.kafka else None
        for name, page in asked.items():
            text = self._seen(page.result, name, found.troubles)
            if text is not None:
                found.samples += Samples.parse(text)
        found.database = self._seen(database.result, self._database_name, found.troubles) if database else None
        found.cache = self._seen(cache.result, "Valkey", found.troubles) if cache else None
        seen = self._seen(fleet.result, "Valkey", found.troubles) if fleet else None
        found.fleet = seen if seen is not None and seen.there else None
        found.lag = self._seen(lag.result, "Kafka", found.troubles) if lag else None
        return found

    @property
    def _database_name(self) -> str:
        return name_of(self._stack.connections)

    def _seen(self, result: Callable[[], T], who: str, troubles: list[str]) -> T | None:
        """Return a result, or note who does not answer."""
        try:
            return result()
        except self._silence as error:
            troubles.append(f"{who} does not answer: {str(error).strip().splitlines()[0]}")
            return None

    def close(self) -> None:
        """Close what was opened."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for one in (self._database, self._cache, self._fleet):
            if one is not None:
                one.close()
        self._stack.close()


def _processes(state: StackState) -> dict[str, bool]:
    return {
        name: one.pid is not None and one.started is not None and is_alive(one.pid, one.started)
        for name, one in state.services.items()
        if not one.external
    }


def _load_urls(state: StackState) -> dict[str, str]:
    """Return where Locust processes show their runs, as far as they have told the stack's Prometheus."""
    found = {}
    for file in targets_directory(Path(state.data_dir)).glob("load-*.json"):
        try:
            (target,) = msgspec.json.decode(file.read_bytes())
            found[file.stem] = f"http://{target['targets'][0]}/metrics"
        except (OSError, ValueError, KeyError, IndexError, TypeError, msgspec.DecodeError):
            continue  # it ended just now
    return found
