"""Windows by queries, in each database, are those that the audit finds in the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from databases import session_of
from new_records import new_record

from contract.connections import Connections
from contract.entities import ENTITIES, Order
from contract.windows import TOP
from seawall.audit.group_results import OrderRows
from seawall.audit.windows import windows_of_table
from workers.analytics.window_tables import EPOCH, table_of

SIZE = timedelta(seconds=5)
BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def orders(servers: Connections) -> Iterator[list[Order]]:
    """Give orders of three windows, with equal sums and more products than a window names."""
    made = []
    for number in range(40):
        placed_at = BEGIN + timedelta(seconds=number * 0.375, microseconds=number)
        order = new_record(ENTITIES["orders"], placed_at=placed_at, total_cents=100 + number % 3, quantity=2)
        assert isinstance(order, Order)
        made.append(order)
    with closing(session_of(servers)) as session:
        session.empty()
        for one in made:
            session.insert(one)
        yield made
        session.empty()


def test_queries_and_the_audit_find_the_same(servers: Connections, orders: list[Order]) -> None:
    """All windows, those since a moment, and those without some orders."""
    table, size_us = table_of(servers, SIZE), SIZE // timedelta(microseconds=1)
    with closing(table):
        found = table.windows(EPOCH)
        assert {one.start_us: one for one in found} == windows_of_table(servers, size_us)
        assert [one.start_us for one in found] == sorted(one.start_us for one in found)
        assert sum(one.orders for one in found) == len(orders)
        assert sum(one.quantity for one in found) == 2 * len(orders)
        assert sum(one.total_cents for one in found) == sum(order.total_cents for order in orders)
        assert {len(one.top) for one in found} == {TOP}
        assert table.windows(BEGIN + SIZE) == found[1:]
        table.close()
        assert table.windows(EPOCH) == found
    without = [str(order.id) for order in orders[:5]]
    fewer = windows_of_table(servers, size_us, without)
    assert sum(one.orders for one in fewer.values()) == len(orders) - 5


def test_the_audit_reads_orders_as_plain_values(servers: Connections, orders: list[Order]) -> None:
    """Ids as texts, moments with their zone."""
    rows = OrderRows(servers)
    wanted = {
        str(order.id): {
            name: str(getattr(order, name)) if name in ("id", "user_id", "product_id") else getattr(order, name)
            for name in ENTITIES["orders"].fields
        }
        for order in orders
    }
    assert rows.by_id == wanted
    assert rows.without([str(orders[0].id)]) == wanted.keys() - {str(orders[0].id)}
