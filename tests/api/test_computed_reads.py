"""Recommendations and analytics: answers that are computed from records, and cached like them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from databases import Session, session_of
from new_records import new_record
from scrapes import scrape
from service_processes import eventually, free_port, running_api

from contract.connections import Connections
from contract.entities import ENTITIES, Record
from contract.ids import base_id
from seawall.stack.stack import Stack

USERS, PRODUCTS, ORDERS = (ENTITIES[name] for name in ("users", "products", "orders"))


@pytest.fixture(scope="module")
def database(servers: Connections) -> Iterator[Session]:
    """Return a session in the database that is looked at."""
    with contextlib.closing(session_of(servers)) as found:
        yield found


@pytest.fixture(scope="module")
def client(
    stack: Stack, servers: Connections, database: Session, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Return a client of an API whose answers live for half a second, and empty the tables in the end."""
    stack.fresh()
    database.empty()
    short = {"SEAWALL_RECOMMENDATIONS_TTL_S": "0.5", "SEAWALL_ANALYTICS_TTL_S": "0.5"}
    with running_api(servers, tmp_path_factory.mktemp("api"), **short) as (found, _):
        yield found
    database.empty()
    stack.fresh()


def _product(number: int) -> Any:
    return base_id(number, PRODUCTS.number)


def _order(client: httpx.Client, **fields: Any) -> Record:
    order = new_record(ORDERS, **fields)
    answer = client.post(
        "/v1/sync/orders", content=msgspec.json.encode(order), headers={"content-type": "application/json"}
    )
    assert answer.is_success, answer.text
    return order


def test_what_a_country_orders_is_recommended_to_all_of_it(client: httpx.Client, database: Session) -> None:
    """The most frequent first, equals by id; users of other countries hear nothing of it."""
    rows: list[Any] = [(user.id, msgspec.structs.asdict(user)["country"]) for user in database.records(USERS)]
    buyer, country = rows[0]
    neighbour = next(user for user, of in rows[1:] if of == country)
    stranger = next(user for user, of in rows if of != country)
    for number in (7, 5, 5, 6):
        _order(client, user_id=buyer, product_id=_product(number))
    wanted = [{"product_id": str(_product(number)), "orders": orders} for number, orders in ((5, 2), (6, 1), (7, 1))]
    for user in (buyer, neighbour):
        eventually(
            lambda user=user: (
                client.get(f"/v1/users/{user}/recommendations").json()  # type: ignore[misc]
                == {"user_id": str(user), "products": wanted}
            )
        )
    assert client.get(f"/v1/users/{stranger}/recommendations").json()["products"] == []
    assert client.get(f"/v1/users/{new_record(USERS).id}/recommendations").status_code == 404


def test_top_products_are_sums_over_all_orders(client: httpx.Client, database: Session) -> None:
    """Quantities decide; amounts and orders are added up; an answer lives for a while and then is computed anew."""
    database.ask("DELETE FROM orders")
    for number, quantity in ((1, 2), (2, 9), (1, 4)):
        _order(client, user_id=base_id(0, USERS.number), product_id=_product(number), quantity=quantity, total_cents=50)
    wanted = [
        {"product_id": str(_product(2)), "orders": 1, "quantity": 9, "total_cents": 50},
        {"product_id": str(_product(1)), "orders": 2, "quantity": 6, "total_cents": 100},
    ]
    eventually(lambda: client.get("/v1/analytics/top-products").json() == {"products": wanted})
    eventually(lambda: client.get("/v1/analytics/top-products?limit=1").json() == {"products": wanted[:1]})
    answer = client.get("/v1/analytics/top-products")
    again = client.get("/v1/analytics/top-products", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    _order(client, user_id=base_id(0, USERS.number), product_id=_product(3), quantity=99)
    eventually(lambda: client.get("/v1/analytics/top-products").json()["products"][0]["quantity"] == 99)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1.0", "%C2%B2", "1_0", "9" * 5000])
def test_a_limit_that_is_none_is_refused(client: httpx.Client, limit: str) -> None:
    """A problem document says what may stand there."""
    answer = client.get(f"/v1/analytics/top-products?limit={limit}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "1 to 100" in answer.json()["detail"]


@pytest.mark.long
def test_an_aggregate_is_computed_once_for_all_and_given_up_in_time(
    stack: Stack, servers: Connections, database: Session, tmp_path: Path
) -> None:
    """Thirty who ask while the first statement runs share the second; one that takes too long is 503."""
    port = free_port()
    settings = {"SEAWALL_METRICS_PORT": str(port), "SEAWALL_ANALYTICS_TTL_S": "60"}
    with running_api(servers, tmp_path, SEAWALL_DATABASE_TIMEOUT_S="4", **settings) as (client, _):

        async def ask_all() -> list[int]:
            async with httpx.AsyncClient(base_url=client.base_url, timeout=20) as many:
                paths = [f"/v1/analytics/top-products?limit={number}" for number in range(1, 31)]
                asking = asyncio.gather(*(many.get(path) for path in paths))
                await asyncio.sleep(1)
                database.unlock()
                return [answer.status_code for answer in await asking]

        stack.fresh()
        database.lock(ORDERS, readers_too=True)
        assert asyncio.run(ask_all()) == [200] * 30
        found = scrape(f"http://127.0.0.1:{port}/metrics")
        assert found["seawall_lookup_queries_total{top-products}"] <= 2
        assert found["seawall_lookups_total{database,top-products}"] == 30

        database.lock(ORDERS, readers_too=True)
        began_s = time.monotonic()
        answer = client.get("/v1/analytics/top-products?limit=99")
        assert time.monotonic() - began_s < 15
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        database.unlock()
