"""The levels of a lookup, seen from outside."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import pytest
import redis
from databases import Session, session_of
from new_records import new_record
from service_processes import eventually, gate_to, running_api

from contract.cache import EVERYTHING, INVALIDATION_CHANNEL, cache_key
from contract.connections import Connections
from contract.entities import ENTITIES, Record
from contract.ids import base_id
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]


@pytest.fixture(scope="module")
def database(servers: Connections) -> Iterator[Session]:
    """Return a session in the database that is looked at."""
    with contextlib.closing(session_of(servers)) as found:
        yield found
        found.empty()


@pytest.fixture(scope="module")
def client(stack: Stack, servers: Connections, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the stack's API, or of one with the other database, and empty the tables in the end."""
    if servers.database != stack.connections.database:
        with running_api(servers, tmp_path_factory.mktemp("lookups")) as (found, _):
            yield found
    else:
        with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as found:
            yield found
    stack.fresh()


@pytest.fixture(scope="module")
def cache(stack: Stack) -> Iterator[redis.Redis]:
    """Return a client of the stack's Valkey."""
    with redis.Redis.from_url(stack.connections.redis_url) as found:
        yield found


def _get(client: httpx.Client, user: Record) -> httpx.Response:
    return client.get(f"/v1/users/{user.id}")


def test_a_record_comes_back_as_it_was_sent(client: httpx.Client, database: Session) -> None:
    """What GET returns parses to the record, and says how it may be cached."""
    user = new_record(USERS)
    database.insert(user)
    answer = _get(client, user)
    assert msgspec.json.decode(answer.content, type=USERS.record) == user
    assert answer.headers["etag"].startswith('"')
    assert "max-age=" in answer.headers["cache-control"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_client_that_has_the_record_gets_no_body(client: httpx.Client, form: str) -> None:
    """If-None-Match is answered with 304 and the same tag."""
    path = f"/v1/users/{base_id(3, USERS.number)}"
    etag = client.get(path).headers["etag"]
    again = client.get(path, headers={"if-none-match": form.format(etag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (HTTPStatus.NOT_MODIFIED, b"", etag)
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == HTTPStatus.OK


@pytest.mark.parametrize("identity", ["1", "x" * 36, "{12345678-1234-8234-8234-123456789012}", "%00"])
def test_what_is_no_uuid_is_refused(client: httpx.Client, identity: str) -> None:
    """A path without a UUID gets a problem document."""
    answer = client.get(f"/v1/users/{identity}")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_shared_cache_is_asked_before_the_database(client: httpx.Client, cache: redis.Redis) -> None:
    """A record that only Valkey knows is found; the process remembers it until it is told to forget."""
    user = new_record(USERS)
    cache.set(cache_key(USERS, user.id), msgspec.json.encode(user), px=60_000)
    assert _get(client, user).status_code == HTTPStatus.OK
    cache.delete(cache_key(USERS, user.id))
    assert _get(client, user).status_code == HTTPStatus.OK
    cache.publish(INVALIDATION_CHANNEL, cache_key(USERS, user.id))
    eventually(lambda: _get(client, user).status_code == HTTPStatus.NOT_FOUND)


def test_everything_can_be_forgotten_at_once(client: httpx.Client, cache: redis.Redis) -> None:
    """One announcement empties the processes' own caches."""
    users = [new_record(USERS) for _ in range(3)]
    for user in users:
        cache.set(cache_key(USERS, user.id), msgspec.json.encode(user), px=60_000)
        assert _get(client, user).status_code == HTTPStatus.OK
        cache.delete(cache_key(USERS, user.id))
    cache.publish(INVALIDATION_CHANNEL, EVERYTHING)
    for user in users:
        eventually(lambda user=user: _get(client, user).status_code == HTTPStatus.NOT_FOUND)  # type: ignore[misc]


def test_the_database_fills_the_shared_cache(client: httpx.Client, cache: redis.Redis, database: Session) -> None:
    """A record that was read from the database is in Valkey for the next process, and not for ever."""
    user = new_record(USERS)
    database.insert(user)
    assert _get(client, user).status_code == HTTPStatus.OK
    assert msgspec.json.decode(cache.get(cache_key(USERS, user.id)) or b"", type=USERS.record) == user
    assert 0 < int(cache.pttl(cache_key(USERS, user.id))) < 10**6


def test_a_record_that_appears_is_seen_within_seconds(client: httpx.Client, database: Session) -> None:
    """That there is no such record is believed for a second at most."""
    user = new_record(USERS)
    assert _get(client, user).status_code == HTTPStatus.NOT_FOUND
    assert _get(client, user).headers["cache-control"] == "no-store"
    database.insert(user)
    eventually(lambda: _get(client, user).status_code == HTTPStatus.OK, within_s=5)


def test_no_cache_asks_the_database_and_tells_both_caches(
    client: httpx.Client, cache: redis.Redis, database: Session
) -> None:
    """A record that changed behind everybody's back is seen anew, and from then on by those who do not insist, too."""
    user = new_record(USERS)
    database.insert(user)
    assert _get(client, user).json()["age"] == user.age  # type: ignore[attr-defined]  # a user has one
    database.ask("UPDATE users SET age = 150 WHERE id = %s", user.id)
    assert _get(client, user).json()["age"] != 150
    anew = client.get(f"/v1/users/{user.id}", headers={"cache-control": "max-age=0, No-Cache"})
    assert anew.json()["age"] == 150
    assert msgspec.json.decode(cache.get(cache_key(USERS, user.id)) or b"", type=USERS.record).age == 150  # type: ignore[attr-defined]
    assert _get(client, user).json()["age"] == 150


def test_no_cache_ends_what_both_caches_believe_of_a_record_that_is_gone(
    client: httpx.Client, cache: redis.Redis, database: Session
) -> None:
    """What the database does not have leaves the caches."""
    user = new_record(USERS)
    database.insert(user)
    assert _get(client, user).is_success
    database.ask("DELETE FROM users WHERE id = %s", user.id)
    assert _get(client, user).is_success
    anew = client.get(f"/v1/users/{user.id}", headers={"cache-control": "no-cache"})
    assert anew.status_code == HTTPStatus.NOT_FOUND
    assert cache.get(cache_key(USERS, user.id)) is None
    assert _get(client, user).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", ["sync", "grouped"])
def test_who_writes_reads_the_own_write(client: httpx.Client, path: str) -> None:
    """A write through the process ends what it believed to be missing."""
    user = new_record(USERS)
    assert _get(client, user).status_code == HTTPStatus.NOT_FOUND
    body = msgspec.json.encode(user)
    assert client.post(f"/v1/{path}/users", content=body, headers={"content-type": "application/json"}).is_success
    assert _get(client, user).status_code == HTTPStatus.OK


def test_concurrent_misses_of_one_key_share_one_query(servers: Connections, database: Session, tmp_path: Path) -> None:
    """Fifty requests for a record that nobody has cached need one database connection, not a pool of them."""
    identity = base_id(5, USERS.number)
    settings = {"SEAWALL_CACHE_URL": None, "SEAWALL_WARM_ENTRIES": "0"}
    with running_api(servers, tmp_path, **settings) as (client, _):

        async def get_all() -> set[int]:
            async with httpx.AsyncClient(base_url=client.base_url, timeout=20) as many:
                answers = await asyncio.gather(*(many.get(f"/v1/users/{identity}") for _ in range(50)))
            return {answer.status_code for answer in answers}

        # the lock holds the query up until all fifty have come
        database.lock(USERS, readers_too=True)
        with contextlib.closing(session_of(servers)) as other:
            waiting = asyncio.new_event_loop()
            task = waiting.create_task(get_all())
            waiting.run_until_complete(asyncio.sleep(1))
            assert not task.done()
            count = other.waiting()
            database.unlock()
            assert waiting.run_until_complete(task) == {HTTPStatus.OK}
            waiting.close()
        assert count == 1


def test_memory_answers_when_nobody_else_does(servers: Connections, tmp_path: Path) -> None:
    """What the process knows it serves with database and Valkey gone; what it does not know is 503, not 404."""
    with (
        gate_to(servers.plain_database_url) as (gate, database_url),
        gate_to(servers.redis_url) as (cache, cache_url),
        running_api(
            servers,
            tmp_path,
            SEAWALL_DATABASE_URL=database_url,
            SEAWALL_CACHE_URL=cache_url,
            SEAWALL_WARM_ENTRIES="0",
        ) as (client, _),
    ):
        known, unknown = base_id(7, USERS.number), base_id(8, USERS.number)
        eventually(lambda: client.get("/readyz").is_success)
        time.sleep(0.2)  # the subscription begins by forgetting everything
        assert client.get(f"/v1/users/{known}").status_code == HTTPStatus.OK
        gate.cut()
        cache.cut()
        assert client.get(f"/v1/users/{known}").status_code == HTTPStatus.OK
        assert client.get(f"/v1/users/{unknown}").status_code == HTTPStatus.SERVICE_UNAVAILABLE
        cache.mend()
        # announcements were missed, so what was known is not trusted any more once they are heard again
        eventually(lambda: client.get(f"/v1/users/{known}").status_code == HTTPStatus.SERVICE_UNAVAILABLE)
        gate.mend()
        assert client.get(f"/v1/users/{known}").status_code == HTTPStatus.OK
