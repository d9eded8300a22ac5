"""Lookups that read from a replica: a small stack without Kafka, whose replica is held back, and dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
import redis

from contract.cache import EVERYTHING, INVALIDATION_CHANNEL, cache_key
from contract.entities import ENTITIES
from contract.ids import Run, base_id, mint
from contract.samples import sample_fields
from seawall.stack.errors import StackError
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
SETTLED_S = 1.1
"""So long after something was announced lookups keep to the primary."""


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack whose lookups have a replica."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("replicated")))
        running = Stack.up(StackOptions(kafka=False, replica=True), owner="tests")
        yield running
        running.down()


def replica_url(stack: Stack) -> str:
    """Return the replica's address."""
    url = stack.connections.database_replica_url
    assert url is not None
    return url.get_secret_value()


def within(seconds: float, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def reads(stack: Stack) -> int:
    """Return how many index look-ups of users the replica has made."""
    with psycopg.connect(replica_url(stack), autocommit=True) as replica:
        row = replica.execute("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'users'").fetchone()
    assert row is not None
    return int(row[0] or 0)


def path_of(identity: object) -> str:
    """Return where a user is read."""
    return f"/v1/users/{identity}"


def forget(stack: Stack, *keys: str) -> None:
    """Announce keys, and take them out of Valkey."""
    with redis.Redis.from_url(stack.connections.redis_url) as cache:
        cache.delete(*keys)
        for key in keys:
            cache.publish(INVALIDATION_CHANNEL, key)


def test_lookups_read_from_the_replica_and_the_primary_is_spared(replicated: Stack) -> None:
    """What neither cache has comes from there, once nothing was announced for a second."""
    identity = base_id(999, USERS.number)
    forget(replicated, cache_key(USERS, identity))
    time.sleep(SETTLED_S)
    before = reads(replicated)
    assert httpx.get(replicated.state.api_url + path_of(identity), headers=replicated.api_headers).json()["id"] == str(
        identity
    )
    within(10, lambda: reads(replicated) > before)


def test_what_the_replica_does_not_have_yet_is_found_all_the_same(replicated: Stack) -> None:
    """A replica that is held back makes nobody believe that a record is missing which was accepted."""
    time.sleep(SETTLED_S)
    identity = mint(Run(time.time_ns() // 1_000_000, 7), 1, 1, USERS.number)
    body = msgspec.json.encode({"id": identity, **sample_fields(USERS, 1, 1)[0]})
    with psycopg.connect(replica_url(replicated), autocommit=True) as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        try:
            answer = httpx.post(
                replicated.state.api_url + "/v1/sync/users",
                content=body,
                headers={"content-type": "application/json", **replicated.api_headers},
            )
            assert answer.status_code == httpx.codes.CREATED
            assert replica.execute("SELECT 1 FROM users WHERE id = %s", (identity,)).fetchone() is None
            assert (
                httpx.get(replicated.state.api_url + path_of(identity), headers=replicated.api_headers).status_code
                == httpx.codes.OK
            )
        finally:
            replica.execute("SELECT pg_wal_replay_resume()")


def test_after_an_announcement_a_late_replica_brings_nothing_old_back(replicated: Stack) -> None:
    """Nor does it answer who asks past the caches."""
    identity = base_id(5, USERS.number)
    url = replicated.state.api_url + path_of(identity)
    with (
        psycopg.connect(replica_url(replicated), autocommit=True) as replica,
        psycopg.connect(replicated.connections.psycopg_url, autocommit=True) as primary,
    ):
        replica.execute("SELECT pg_wal_replay_pause()")
        try:
            primary.execute("UPDATE users SET name = 'Changed' WHERE id = %s", (identity,))
            forget(replicated, cache_key(USERS, identity))
            within(1, lambda: httpx.get(url, headers=replicated.api_headers).json()["name"] == "Changed")
            time.sleep(SETTLED_S)
            assert httpx.get(url, headers=replicated.api_headers).json()["name"] == "Changed"
            primary.execute("UPDATE users SET name = 'Again' WHERE id = %s", (identity,))
            assert (
                httpx.get(url, headers={"cache-control": "no-cache", **replicated.api_headers}).json()["name"]
                == "Again"
            )
        finally:
            replica.execute("SELECT pg_wal_replay_resume()")


def test_fresh_state_is_fresh_on_the_replica_too(replicated: Stack) -> None:
    """It follows within moments."""
    replicated.fresh()
    with psycopg.connect(replica_url(replicated), autocommit=True) as replica:
        count = "SELECT count(*) FROM users"
        within(10, lambda: replica.execute(count).fetchone() == (USERS.base_rows,))


def test_a_replica_that_dies_is_left_out(replicated: Stack) -> None:
    """Lookups go on with the primary, and the API stays ready. The last test: the replica is not started again."""
    replicated.signal("postgres-replica", signal.SIGQUIT)
    within(20, lambda: replicated.state.services["postgres-replica"].pid is None)
    forget(replicated, EVERYTHING, *(cache_key(USERS, base_id(number, USERS.number)) for number in range(3)))
    time.sleep(SETTLED_S)
    for number in range(3):
        answer = httpx.get(
            replicated.state.api_url + path_of(base_id(number, USERS.number)),
            headers=replicated.api_headers,
            timeout=20,
        )
        assert answer.status_code == httpx.codes.OK
    assert httpx.get(replicated.state.api_url + "/readyz").status_code == httpx.codes.OK


def test_somebody_elses_database_gets_no_replica_of_ours(
    replicated: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to name one."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))
    monkeypatch.setenv("SEAWALL_DATABASE_URL", replicated.connections.psycopg_url)
    with pytest.raises(StackError, match="SEAWALL_DATABASE_REPLICA_URL"):
        Stack.up(StackOptions(kafka=False, replica=True), owner="tests")
