"""How long lookups go on answering what is true no more, measured beside the bounds that docs/lookups.md states."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

import numpy as np
import psycopg
import redis

from benchmarks.errors import ProcessFailed
from benchmarks.lookups_run import USERS, LookupServer, lookup_server
from benchmarks.report import Figure
from contract.cache import INVALIDATION_CHANNEL, cache_key
from contract.ids import Run, base_id, mint
from seawall.stack.stack import Stack

MEMORY_S, SHARED_S, NEGATIVE_S = 1.0, 1.0, 1.0
"""Times to live of the process that hears of nothing; those as shipped would take five minutes."""
SHORT_LIVED = {
    "SEAWALL_MEMORY_TTL_S": f"{MEMORY_S:g}",
    "SEAWALL_CACHE_TTL_S": f"{SHARED_S:g}",
    "SEAWALL_NEGATIVE_TTL_S": f"{NEGATIVE_S:g}",
}
MOST_ANNOUNCED_MS = 50.0
"""Of the p99 after an announcement: a round trip to Valkey and one of the event loop, and room for a busy machine."""
_RUN = Run(2, 0)
_PATIENCE_S = 10.0
_PAUSE_S = 0.0005


def staleness_figures(stack: Stack, changes: int) -> list[Figure]:
    """Return how old answers got: after *changes* that were announced, and a tenth as many that nobody heard of."""
    silent = max(3, changes // 10)
    with (
        psycopg.connect(stack.connections.psycopg_url, autocommit=True) as database,
        redis.Redis.from_url(stack.connections.redis_url) as cache,
        lookup_server(**SHORT_LIVED) as server,
    ):
        announced = [_changed(database, server, number, cache) for number in range(changes)]
        unheard = [_changed(database, server, number, None) for number in range(silent)]
        missing = [_written(database, server, number) for number in range(silent)]
    bound_ms = 1e3 * (MEMORY_S + SHARED_S)
    return [
        _figure(f"a change that is announced, p50 of {changes}", float(np.median(announced))),
        _figure(
            f"a change that is announced, p99 of {changes}", float(np.quantile(announced, 0.99)), MOST_ANNOUNCED_MS
        ),
        _figure(f"a change that nobody announces, most of {silent}", max(unheard), bound_ms),
        _figure(f"a row that was asked for before it was there, most of {silent}", max(missing), 1e3 * NEGATIVE_S),
    ]


def _figure(name: str, measured_ms: float, most_ms: float | None = None) -> Figure:
    # what is measured ends with an answer that is true again, so it holds one request and one pause more
    reached = None if most_ms is None else measured_ms <= most_ms * 1.02 + 5
    return Figure(
        name=f"stale after {name}",
        measured=measured_ms,
        unit="ms",
        asked="" if most_ms is None else f"at most {most_ms:,.0f} ms and a request",
        reached=reached,
    )


def _changed(
    database: psycopg.Connection, server: LookupServer, number: int, cache: redis.Redis | None
) -> float:  # fmt: skip
    """Change a base row behind the API's back, and return how long the old one was still answered, ms."""
    identity = base_id(number % USERS.base_rows, USERS.number)
    path, name = f"/v1/{USERS.name}/{identity}", f"Changed {number} {'heard' if cache else 'unheard'}"
    server.get(path)
    database.execute("UPDATE users SET name = %s WHERE id = %s", (name, identity))
    changed_s = time.perf_counter()
    if cache is not None:
        key = cache_key(USERS, identity)
        cache.unlink(key)
        cache.publish(INVALIDATION_CHANNEL, key)
    return _until(changed_s, lambda: name.encode() in server.get(path)[1])


def _written(database: psycopg.Connection, server: LookupServer, number: int) -> float:
    """Add a row that the API has just said is not there, and return how long it still said so, ms."""
    identity = mint(_RUN, number + 1, 0, USERS.number)
    path = f"/v1/{USERS.name}/{identity}"
    if server.get(path)[0] != http.client.NOT_FOUND:
        raise ProcessFailed(f"{path} is there before it was written: the figures say nothing")
    database.execute(
        "INSERT INTO users SELECT %s, name, age, email, country, city, created_at FROM users LIMIT 1", (identity,)
    )
    return _until(time.perf_counter(), lambda: server.get(path)[0] == http.client.OK)


def _until(since_s: float, is_true: Callable[[], bool]) -> float:
    while not is_true():
        if time.perf_counter() - since_s > _PATIENCE_S:
            raise ProcessFailed(f"after {_PATIENCE_S:g} s the API still answered what was true before")
        time.sleep(_PAUSE_S)
    return (time.perf_counter() - since_s) * 1e3
