"""What each database says of itself: counts that grow with what is done, and a connection that is opened anew."""

from __future__ import annotations

from contextlib import closing

import pytest
from databases import session_of
from new_records import new_record

from contract.connections import POSTGRESQL, Connections
from contract.entities import ENTITIES
from seawall.observe.database import database_of, name_of

ORDERS = ENTITIES["orders"]


def test_counts_grow_with_what_is_done(servers: Connections) -> None:
    """Rows, transactions, what is read and written."""
    database = database_of(servers)
    assert database is not None
    with closing(session_of(servers)) as session, closing(database):
        before = database.counts()
        for _ in range(20):
            session.insert(new_record(ORDERS))
        session.count(ORDERS)
        if servers.database == POSTGRESQL:
            session.ask("SELECT pg_stat_force_next_flush()")
        session.ask("SELECT 1")
        after = database.counts()
        session.empty()
    assert after.inserted - before.inserted >= 20
    assert after.transactions - before.transactions >= 20
    assert after.returned > before.returned
    assert after.blocks_found > before.blocks_found
    assert after.wal_bytes > before.wal_bytes
    assert after.size_bytes > 0
    assert after.connections >= 2
    assert after.active >= 1
    assert (after.waiting_for_locks, after.deadlocks) == (0, before.deadlocks)


def test_a_connection_that_is_ended_is_opened_anew(servers: Connections) -> None:
    """After the error was told, once."""
    database = database_of(servers)
    assert database is not None
    with closing(session_of(servers)) as session, closing(database):
        database.counts()
        if servers.database == POSTGRESQL:
            session.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seawall-observer'"
            )
        else:
            session.end_others()
        with pytest.raises(database.errors):
            database.counts()
        assert database.counts().connections >= 1
    assert name_of(servers) in ("PostgreSQL", "MariaDB or MySQL")
    assert database_of(Connections()) is None
