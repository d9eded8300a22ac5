"""A queue that a trigger fills, in each database: rows come in order, once, and again where work on them failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import closing

import pytest
from databases import Session, session_of
from new_records import new_record

from contract.connections import Connections
from contract.entities import ENTITIES
from seawall.audit.group_letters import letters_of_queue
from seawall.stack.errors import Unreachable
from seawall.stack.orders_table import copies_of_orders, lose_orders, placed_index, rows_in
from workers.groups.queue_tables import queue_of

ORDERS = ENTITIES["orders"]
QUEUES = ("test_queue_one", "test_queue_two")


@pytest.fixture
def session(servers: Connections) -> Iterator[Session]:
    """Give a database without orders or dead letters, before and afterwards."""
    with closing(session_of(servers)) as found:
        found.empty()
        yield found
        found.empty()


def test_each_queue_has_each_row_once(servers: Connections, session: Session) -> None:
    """What is stored already is not copied; what a transaction that failed took comes again; nothing remains."""
    records = [new_record(ORDERS) for _ in range(5)]
    session.insert(records[0])
    with copies_of_orders(servers, QUEUES):
        for record in records[1:]:
            session.insert(record)
        assert [rows_in(servers, name) for name in (*QUEUES, "orders")] == [4, 4, 5]
        queue = queue_of(servers, QUEUES[0])
        with queue.connected() as one, queue.connected() as other:
            with contextlib.suppress(ZeroDivisionError), one.transaction():
                assert len(one.take(3)) == 3
                raise ZeroDivisionError
            with one.transaction(), other.transaction():
                first, second = one.take(3), other.take(3)
        assert [row.record for row in (*first, *second)] == records[1:]
        assert [row.position for row in first] == sorted(row.position for row in first)
        assert [rows_in(servers, name) for name in QUEUES] == [0, 4]
    session.insert(new_record(ORDERS))
    with pytest.raises(Unreachable, match=QUEUES[0]):
        rows_in(servers, QUEUES[0])


def test_a_row_can_be_buried(servers: Connections, session: Session) -> None:
    """Under the name of its queue, once; the audit reads its id."""
    with copies_of_orders(servers, QUEUES):
        record = new_record(ORDERS)
        session.insert(record)
        queue = queue_of(servers, QUEUES[1])
        with queue.connected() as one, one.transaction():
            (row,) = one.take(10)
            one.bury(row, "test: refused")
            one.bury(row, "test: refused")
    assert letters_of_queue(servers, QUEUES[1]) == {str(record.id)}
    assert session.ask("SELECT reason FROM dead_letters") == [("test: refused",)]


def test_an_index_and_a_loss(servers: Connections, session: Session) -> None:
    """The index is gone afterwards, and so are the orders."""
    session.insert(new_record(ORDERS))
    for _ in range(2):
        with placed_index(servers):
            assert rows_in(servers, "orders") == 1
    lose_orders(servers)
    assert rows_in(servers, "orders") == 0
