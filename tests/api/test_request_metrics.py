"""`/metrics`: rate, errors and durations of requests, and where records wait."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from new_records import new_record
from scrapes import scrape
from service_processes import eventually, free_port, gate_to, running_api

from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Return a client of the stack's API."""
    with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as found:
        yield found


def _now(stack: Stack) -> dict[str, float]:
    return scrape(stack.state.services["api"].metrics_url)


def _grown(stack: Stack, before: dict[str, float], prefix: str) -> dict[str, float]:
    """Return the samples whose names begin with *prefix* and that are larger than *before*, by how much."""
    after = _now(stack)
    return {
        name: after[name] - before[name] for name in after if name.startswith(prefix) and after[name] > before[name]
    }


@pytest.mark.parametrize("path", ["sync", "grouped", "kafka"])
def test_each_write_is_counted_once_with_its_path_entity_and_class(
    stack: Stack, client: httpx.Client, path: str
) -> None:
    """By the short cut and by the long way alike; both have a duration."""
    before = _now(stack)
    for _ in range(3):  # the first one's head is not known yet
        body = msgspec.json.encode(new_record(USERS))
        assert client.post(f"/v1/{path}/users", content=body, headers=JSON).is_success
    assert client.post(f"/v1/{path}/users", content=b"{}", headers=JSON).status_code == 422
    assert client.post(f"/v1/{path}/users", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert _grown(stack, before, "seawall_requests_total{") == {
        f"seawall_requests_total{{2xx,{path},users}}": 3,
        f"seawall_requests_total{{4xx,{path},users}}": 2,
    }
    assert _grown(stack, before, "seawall_request_seconds_count{") == {
        f"seawall_request_seconds_count{{{path},users}}": 5
    }
    assert _grown(stack, before, "seawall_problems_total{") == {
        "seawall_problems_total{415}": 1,
        "seawall_problems_total{422}": 1,
    }
    assert not any(value for name, value in _now(stack).items() if name.startswith("seawall_requests_under_way"))


def test_reads_are_counted_by_what_they_read(stack: Stack, client: httpx.Client) -> None:
    """From memory or not, found or not; what is no endpoint counts as other, whatever its path."""
    client.get("/v1/nothing/0")  # whatever connecting makes of it
    user = base_id(1, USERS.number)
    before = _now(stack)
    for _ in range(3):
        assert client.get(f"/v1/users/{user}").is_success
    assert client.get(f"/v1/users/{new_record(USERS).id}").status_code == 404
    assert client.get(f"/v1/users/{user}/recommendations").is_success
    assert client.get("/v1/analytics/top-products").is_success
    for number in range(4):
        assert client.get(f"/v1/nothing/{number}").status_code == 404
    assert _grown(stack, before, "seawall_requests_total{") == {
        "seawall_requests_total{2xx,lookup,users}": 3,
        "seawall_requests_total{4xx,lookup,users}": 1,
        "seawall_requests_total{2xx,lookup,recommendations}": 1,
        "seawall_requests_total{2xx,lookup,top-products}": 1,
        "seawall_requests_total{,4xx,other}": 4,
    }


def test_what_is_no_request_is_counted_as_turned_away(stack: Stack) -> None:
    """Its answer comes from no endpoint."""
    before = _now(stack)
    place = urlsplit(stack.state.api_url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as raw:
        raw.sendall(b"NONSENSE\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert _grown(stack, before, "seawall_requests_total{") == {"seawall_requests_total{,4xx,other}": 1}
    assert _grown(stack, before, "seawall_problems_total{") == {"seawall_problems_total{400}": 1}


def test_stages_batches_pools_and_the_producer_are_shown(stack: Stack, client: httpx.Client) -> None:
    """Each path counts its own stages, `kafka` of one record in seven; the producer says itself what it sent."""
    before = _now(stack)
    for path in ("sync", "grouped", *["kafka"] * 7):
        assert client.post(f"/v1/{path}/users", content=msgspec.json.encode(new_record(USERS)), headers=JSON).is_success
    assert _grown(stack, before, "seawall_stage_seconds_count{") == {
        "seawall_stage_seconds_count{connection,sync}": 1,
        "seawall_stage_seconds_count{statement,sync}": 1,
        "seawall_stage_seconds_count{grouped,wait}": 1,
        "seawall_stage_seconds_count{commit,grouped}": 1,
        "seawall_stage_seconds_count{ack,kafka}": 1,
    }
    assert _grown(stack, before, "seawall_batch_records_sum{") == {"seawall_batch_records_sum{grouped}": 1}
    name = "seawall_producer_records_total{}"
    eventually(lambda: _now(stack)[name] == before[name] + 7)
    found = _now(stack)
    assert found["seawall_pool_size{sync}"] == 16
    assert found["seawall_pool_connections{in_use,sync}"] == 0
    assert found["seawall_pool_connections{idle,sync}"] >= 1
    assert found["seawall_producer_brokers_up{}"] == 1
    assert found["seawall_waiting_records{kafka}"] == 0


@pytest.mark.long
def test_a_database_that_is_gone_shows_as_errors_of_its_paths(stack: Stack, tmp_path: Path) -> None:
    """The process goes on to show its metrics."""
    port = free_port()
    with (
        gate_to(stack.connections.psycopg_url) as (database, url),
        running_api(stack.connections, tmp_path, SEAWALL_DATABASE_URL=url, SEAWALL_METRICS_PORT=str(port)) as (
            client,
            _,
        ),
    ):
        database.cut()
        for path in ("sync", "grouped"):
            body = msgspec.json.encode(new_record(USERS))
            assert client.post(f"/v1/{path}/users", content=body, headers=JSON).status_code == 503
        found = scrape(f"http://127.0.0.1:{port}/metrics")
    assert found["seawall_requests_total{5xx,sync,users}"] == found["seawall_requests_total{5xx,grouped,users}"] == 1
    assert found["seawall_problems_total{503}"] == 2


@pytest.mark.long
def test_without_a_port_nothing_is_counted_around_the_hot_path(stack: Stack, tmp_path: Path) -> None:
    """So a request costs what it always did; the service works all the same."""
    with running_api(stack.connections, tmp_path, SEAWALL_METRICS_PORT=None) as (client, _):
        for _ in range(2):
            body = msgspec.json.encode(new_record(USERS))
            assert client.post("/v1/kafka/users", content=body, headers=JSON).status_code == 202
        assert client.get(f"/v1/users/{base_id(1, USERS.number)}").is_success
