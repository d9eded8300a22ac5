"""An HTTP cache in front of the API: a small stack without Kafka, with nginx where it is installed."""

from __future__ import annotations

import shutil
import signal
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest

from contract.entities import ENTITIES
from contract.ids import Run, base_id, mint
from contract.samples import sample_fields
from seawall.stack import http_cache
from seawall.stack.errors import ServerFailed, StackError
from seawall.stack.lookup_samples import read_lookups
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
MAX_AGE_S = 5
needs_nginx = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin") is None,
    reason="nginx is not installed",
)


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack with an HTTP cache, and TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_HOME", str(tmp_path_factory.mktemp("cached")))
        running = Stack.up(StackOptions(kafka=False, http_cache=True, tls=True), owner="tests")
        yield running
        running.down()


def url_of(stack: Stack, number: int) -> str:
    """Return where a base user is read."""
    return f"{stack.state.api_url}/v1/users/{base_id(number, USERS.number)}"


def told(stack: Stack, url: str, **headers: str) -> str:
    """Return what the cache says of its answer to a request."""
    answer = httpx.get(url, headers={**stack.api_headers, **headers}, timeout=20)
    assert answer.status_code == httpx.codes.OK
    return answer.headers["cache-status"]


def asked_of_the_api(stack: Stack) -> float:
    """Return how many lookups have reached the API."""
    found = read_lookups([stack.state.services["api"].metrics_url])
    assert found is not None
    return found.total("seawall_lookups_total")


@needs_nginx
def test_what_was_read_once_is_answered_without_the_api(cached: Stack) -> None:
    """It says so, by the words of RFC 9211."""
    before = asked_of_the_api(cached)
    assert [told(cached, url_of(cached, 1)) for _ in range(4)] == ["nginx; fwd=uri-miss", *["nginx; hit"] * 3]
    assert asked_of_the_api(cached) == before + 1


@needs_nginx
def test_what_is_cached_for_one_key_is_not_told_without_it(cached: Stack) -> None:
    """Each key has its own copies, and who has none is sent to the API, which refuses."""
    url = url_of(cached, 6)
    assert [told(cached, url) for _ in range(2)] == ["nginx; fwd=uri-miss", "nginx; hit"]
    for headers in ({}, {"authorization": "Bearer guessed"}):
        answer = httpx.get(url, headers=headers, timeout=20)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert answer.headers["cache-status"] == "nginx; fwd=uri-miss"
    assert told(cached, url) == "nginx; hit"


@needs_nginx
def test_who_asks_past_the_caches_gets_through_and_the_cache_learns(cached: Stack) -> None:
    """The answer takes the old one's place."""
    url = url_of(cached, 2)
    told(cached, url)
    with psycopg.connect(cached.connections.psycopg_url, autocommit=True) as database:
        database.execute("UPDATE users SET name = 'Changed' WHERE id = %s", (base_id(2, USERS.number),))
    assert told(cached, url, **{"cache-control": "no-cache"}) == "nginx; fwd=request"
    answer = httpx.get(url, headers=cached.api_headers)
    assert (answer.headers["cache-status"], answer.json()["name"]) == ("nginx; hit", "Changed")


@needs_nginx
@pytest.mark.long
def test_an_answer_is_as_old_as_the_api_allows_and_no_older(cached: Stack) -> None:
    """Then the API is asked whether it still holds."""
    url = url_of(cached, 3)
    begun = time.monotonic()
    told(cached, url)
    time.sleep(MAX_AGE_S + 1.5 - (time.monotonic() - begun))
    assert told(cached, url) == "nginx; fwd=stale; fwd-status=304"
    assert told(cached, url) == "nginx; hit"


@needs_nginx
def test_writes_go_through_and_so_does_what_they_wrote(cached: Stack) -> None:
    """A record that was asked for in vain is found as soon as it is written."""
    identity = mint(Run(time.time_ns() // 1_000_000, 7), 1, 1, USERS.number)
    url = f"{cached.state.api_url}/v1/users/{identity}"
    assert httpx.get(url, headers=cached.api_headers).status_code == httpx.codes.NOT_FOUND
    body = msgspec.json.encode({"id": identity, **sample_fields(USERS, 1, 1)[0]})
    headers = {"content-type": "application/json", **cached.api_headers}
    for _ in range(2):
        answer = httpx.post(f"{cached.state.api_url}/v1/grouped/users", content=body, headers=headers)
        assert (answer.status_code, answer.headers.get("cache-status")) == (httpx.codes.CREATED, None)
    assert httpx.get(url, headers=cached.api_headers).status_code == httpx.codes.OK


@needs_nginx
def test_limits_are_those_of_the_api(cached: Stack) -> None:
    """A record that is too large is refused by the API, in its own words."""
    url, key = f"{cached.state.api_url}/v1/sync/users", cached.api_headers
    answer = httpx.post(url, content=b"x" * 1_000_000, headers=key, timeout=20)
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert answer.headers["content-type"] == "application/problem+json"


@needs_nginx
def test_it_serves_tls_and_the_api_behind_it_stays_plain(cached: Stack) -> None:
    """Whoever trusts the stack's authority gets the same answers."""
    trusting = ssl.create_default_context(cafile=cached.state.api_tls_authority)
    plain = url_of(cached, 4)
    secure = plain.replace(cached.state.api_url, cached.state.api_tls_url)
    told(cached, plain)
    answer = httpx.get(secure, headers=cached.api_headers, verify=trusting)
    assert (answer.status_code, answer.headers["cache-status"]) == (httpx.codes.OK, "nginx; hit")


@needs_nginx
def test_fresh_state_is_fresh_there_too(cached: Stack) -> None:
    """Nothing that was cached before is answered."""
    told(cached, url_of(cached, 5))
    assert told(cached, url_of(cached, 5)) == "nginx; hit"
    cached.fresh()
    assert told(cached, url_of(cached, 5)) == "nginx; fwd=uri-miss"


@needs_nginx
def test_it_is_one_of_the_stacks_services(cached: Stack) -> None:
    """Its use is counted, its version noted, and after its death it is started again."""
    assert cached.settings()["http-cache"]["version"].startswith("nginx 1.")
    assert cached.resources()["http-cache"].rss_bytes > 0
    cached.signal("http-cache", signal.SIGKILL)
    deadline = time.monotonic() + 20
    while cached.state.services["http-cache"].restarts == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        assert client.get(f"{cached.state.api_url}/livez", timeout=20).status_code == httpx.codes.OK


def test_without_nginx_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And that one can do without."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(http_cache, "_SYSTEM_PROGRAMS", ())
    with pytest.raises(ServerFailed, match="nginx, which is not installed"):
        http_cache.program()


def test_an_old_nginx_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would not know all that it is told to do."""
    program = tmp_path / "nginx"
    program.write_text("#!/bin/sh\necho nginx version: nginx/1.9.3 >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ServerFailed, match=r"not nginx 1\.9\.3"):
        http_cache.program()


def test_somebody_elses_service_gets_none_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says what to leave out."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))
    monkeypatch.setenv("SEAWALL_API_URL", "http://127.0.0.1:9")
    with pytest.raises(StackError, match="--http-cache"):
        Stack.up(StackOptions(kafka=False, http_cache=True), owner="tests")
