"""`/metrics`: what the lookups count, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
import redis
from new_records import new_record
from scrapes import scrape
from service_processes import eventually, free_port, gate_to, running_api

from contract.cache import INVALIDATION_CHANNEL, cache_key
from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def _metrics_url(stack: Stack) -> str:
    return stack.state.services["api"].metrics_url


def test_a_stack_says_where_the_metrics_of_its_api_are(stack: Stack) -> None:
    """Prometheus finds there what every process shows, too, and nothing else is served."""
    found = scrape(_metrics_url(stack))
    assert found["process_resident_memory_bytes{}"] > 0
    assert any(name.startswith("python_gc_collections_total") for name in found)
    base = _metrics_url(stack).removesuffix("/metrics")
    assert httpx.get(f"{base}/v1/users/1").status_code == 404
    assert httpx.post(f"{base}/metrics").status_code == 405
    assert httpx.get(f"{stack.state.api_url}/metrics", headers=stack.api_headers).status_code == 404


def test_each_lookup_is_counted_once_by_the_level_that_answered(stack: Stack) -> None:
    """Database, memory, and, once the memory has forgotten it, Valkey; one statement for all of them."""
    user = new_record(USERS)
    with (
        httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as client,
        redis.Redis.from_url(stack.connections.redis_url) as cache,
    ):
        body = msgspec.json.encode(user)
        assert client.post("/v1/sync/users", content=body, headers={"content-type": "application/json"}).is_success
        before = scrape(_metrics_url(stack))
        for _ in range(3):
            assert client.get(f"/v1/users/{user.id}").is_success
        cache.publish(INVALIDATION_CHANNEL, cache_key(USERS, user.id))
        name = "seawall_lookup_invalidations_total{}"
        eventually(lambda: scrape(_metrics_url(stack))[name] == before[name] + 1)
        assert client.get(f"/v1/users/{user.id}").is_success
    after = scrape(_metrics_url(stack))
    counted = {level: f"seawall_lookups_total{{{level},users}}" for level in ("memory", "shared", "database", "nobody")}
    assert {level: after[name] - before[name] for level, name in counted.items()} == {
        "memory": 2,
        "shared": 1,
        "database": 1,
        "nobody": 0,
    }
    for level, name in counted.items():
        timed = f"seawall_lookup_seconds_count{{{level},users}}"
        assert after[timed] - before[timed] == after[name] - before[name]
        assert after[f"seawall_lookup_seconds_bucket{{+Inf,{level},users}}"] == after[timed]
    for name in ("seawall_lookup_queries_total{users}", "seawall_lookup_rows_total{users}"):
        assert after[name] - before[name] == 1


def test_the_bounds_on_staleness_are_shown(stack: Stack) -> None:
    """What memory takes from Valkey may have been there for its whole time."""
    found = scrape(_metrics_url(stack))
    bounds = {
        labels: found[f"seawall_lookup_staleness_bound_seconds{{{labels}}}"]
        for labels in ("shared,users", "memory,users", "memory,recommendations", "memory,top-products")
    }
    assert bounds == {"shared,users": 300, "memory,users": 330, "memory,recommendations": 30, "memory,top-products": 5}


def test_failures_of_the_cache_and_unanswered_lookups_are_counted(stack: Stack, tmp_path: Path) -> None:
    """One failure, then nobody asks Valkey for a while; with the database gone as well nobody answers."""
    port = free_port()
    with (
        gate_to(stack.connections.psycopg_url) as (database, database_url),
        gate_to(stack.connections.redis_url) as (cache, cache_url),
        running_api(
            stack.connections,
            tmp_path,
            SEAWALL_DATABASE_URL=database_url,
            SEAWALL_CACHE_URL=cache_url,
            SEAWALL_CACHE_PAUSE_S="60",
            SEAWALL_WARM_ENTRIES="0",
            SEAWALL_METRICS_PORT=str(port),
        ) as (client, _),
    ):
        database.cut()
        cache.cut()
        for number in range(3):
            assert client.get(f"/v1/users/{base_id(number, USERS.number)}").status_code == 503
        found = scrape(f"http://127.0.0.1:{port}/metrics")
    assert found["seawall_cache_failures_total{}"] == 1
    assert found["seawall_cache_skipped_total{}"] == 2
    assert found["seawall_lookups_total{nobody,users}"] == 3


@pytest.mark.parametrize("missing", ["", "database", "cache", "everything"])
def test_the_first_request_finds_a_warm_memory(stack: Stack, tmp_path: Path, missing: str) -> None:
    """Base rows are there before anybody asks; a server that is down delays no start, and costs only the warmth."""
    port = free_port()
    with (
        gate_to(stack.connections.psycopg_url) as (database, database_url),
        gate_to(stack.connections.redis_url) as (cache, cache_url),
    ):
        stack.fresh()
        if missing == "database":  # then Valkey knows what other processes have used
            with redis.Redis.from_url(stack.connections.redis_url) as cache_client:
                cache_client.mset({cache_key(USERS, base_id(number, USERS.number)): b"{}" for number in range(1_000)})
        if missing in ("database", "everything"):
            database.cut()
        if missing in ("cache", "everything"):
            cache.cut()
        with running_api(
            stack.connections,
            tmp_path,
            SEAWALL_DATABASE_URL=database_url,
            SEAWALL_CACHE_URL=cache_url,
            SEAWALL_METRICS_PORT=str(port),
        ) as (client, _):
            found = scrape(f"http://127.0.0.1:{port}/metrics")
            warm = missing != "everything"
            status = client.get(f"/v1/users/{base_id(999, USERS.number)}").status_code
            assert status == (200 if warm else 503)
            after = scrape(f"http://127.0.0.1:{port}/metrics")
            assert after["seawall_lookups_total{memory,users}"] == (1 if warm else 0)
    entries = {"": 1_200, "cache": 1_200, "database": 1_000, "everything": 0}[missing]
    assert found["seawall_lookup_entries{}"] == entries
