"""Reads a half of users and products from the database and puts it into the fleet's hashes, in turn."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Any

import msgspec

from contract.cache import cache_key
from contract.cache_client import CACHE_DOWN
from contract.connections import Connections
from contract.fleet import (
    ENTRIES,
    HALVES,
    LOADED_KEY,
    PRODUCTS_KEY,
    PROPENSITY,
    USERS_KEY,
    CachedProduct,
    CachedUser,
    Half,
    Loaded,
    decode_product,
    decode_user,
    encode,
)
from workers.cache_loader.settings import Settings
from workers.fleet_cache import FleetCache
from workers.fleet_tables import PRODUCTS, USERS, fleet_tables

_log = logging.getLogger("workers.cache_loader")
_HALF = ENTRIES // len(HALVES)
_LIVES = 2.0
"""So many times the time between two loads a record stays with the API: one load may fail."""
Bodies = dict[str, bytes]
"""Records as the API keeps them in Valkey, by its keys."""


class Loader:
    """Keeps the hashes fresh until it is stopped."""

    def __init__(self, connections: Connections, settings: Settings) -> None:
        self._cache_url, self._settings = connections.redis_url, settings
        self._tables = fleet_tables(connections, "cache-loader")
        self._failures: tuple[type[BaseException], ...] = (*self._tables.errors, *CACHE_DOWN)
        self._cache: Any = None
        self._fields: dict[tuple[str, Half], set[bytes]] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Load both halves at once, then one after the other, each when its turn is.

        After a failure both at once again: nobody knows what the cache has lost.
        """
        pause_s = self._settings.fleet_refresh_s / len(HALVES)
        turn, due_s, fresh = 0, time.monotonic(), 0
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            loaded = self.load(HALVES[turn % len(HALVES)])
            print(msgspec.json.encode(loaded).decode(), flush=True)
            if loaded.failed:
                _log.warning("%s were not loaded: %s", loaded.half, loaded.failed)
                due_s, fresh = time.monotonic() + self._settings.fleet_retry_s, 0
                continue
            turn, fresh = turn + 1, fresh + 1
            due_s = due_s + pause_s if fresh >= len(HALVES) else due_s

    def stop(self) -> None:
        """End after the load that runs."""
        self._stop.set()

    def load(self, half: Half) -> Loaded:
        """Load one *half*; what goes wrong is told by what is returned."""
        began_at, began_s = time.time(), time.monotonic()
        bodies: Bodies = {}
        try:
            self._connect()
            users = self._users(half, began_at, bodies)
            products = self._products(half, began_at, bodies)
            self._hand_to_api(bodies)
            self._put(USERS_KEY, half, users)
            self._put(PRODUCTS_KEY, half, products)
            self._cache.hset(LOADED_KEY, half, repr(began_at))
        except self._failures as error:
            self._cache = None
            self._tables.close()
            said = " ".join(str(error).split()) or type(error).__name__
            return Loaded(half=half, began_at=began_at, took_s=time.monotonic() - began_s, failed=said[:300])
        return Loaded(
            half=half,
            began_at=began_at,
            took_s=time.monotonic() - began_s,
            users=len(users),
            products=len(products),
            queries=2,
        )

    def _connect(self) -> None:
        if self._cache is None:
            self._cache = FleetCache(self._cache_url)
            self._recall()

    def _users(self, half: Half, began_at: float, bodies: Bodies) -> dict[bytes, bytes]:
        found = {}
        for user, grade in self._tables.users(buyers=half == HALVES[0], begin=random.random(), most=_HALF):
            found[str(user.id).encode()] = encode(
                CachedUser(name=user.name, grade=grade, propensity=PROPENSITY[grade], half=half, loaded_at=began_at)
            )
            bodies[cache_key(USERS, user.id)] = encode(user)
        return found

    def _products(self, half: Half, began_at: float, bodies: Bodies) -> dict[bytes, bytes]:
        found = {}
        for product in self._tables.products(HALVES.index(half) * _HALF, _HALF):
            found[str(product.id).encode()] = encode(
                CachedProduct(sku=product.sku, price_cents=product.price_cents, half=half, loaded_at=began_at)
            )
            bodies[cache_key(PRODUCTS, product.id)] = encode(product)
        return found

    def _hand_to_api(self, bodies: Bodies) -> None:
        """Give the API's lookups the same records, as long as they can be picked: it checks each order's two."""
        pipeline = self._cache.pipeline(transaction=False)
        for key, body in bodies.items():
            pipeline.set(key, body, px=int(_LIVES * self._settings.fleet_refresh_s * 1e3))
        pipeline.execute()

    def _recall(self) -> None:
        """Find out what another loader before this one has left, so that it can leave the hashes."""
        for key, decode in ((USERS_KEY, decode_user), (PRODUCTS_KEY, decode_product)):
            found: dict[bytes, bytes] = self._cache.hgetall(key)
            for half in HALVES:
                self._fields[key, half] = {field for field, value in found.items() if decode(value).half == half}

    def _put(self, key: str, half: Half, entries: dict[bytes, bytes]) -> None:
        """Write the new entries, and only then remove those that they take the place of: the hash is never empty."""
        gone = self._fields[key, half] - entries.keys()
        # who has changed halves is in the other's set no more
        for other in HALVES:
            self._fields[key, other] -= entries.keys()
        if entries:
            self._cache.hset(key, mapping=entries)
        if gone:
            self._cache.hdel(key, *gone)
        self._fields[key, half] = set(entries)
