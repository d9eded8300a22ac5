"""A table of parcels in a real database, and what statements on it came to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from seawall.audit.statement_counts import StatementCounts, statement_counts
from seawall.stack.stack import Stack

TABLE = "planted_parcels"
ROWS = 60_000
ASKED = 20
Database = psycopg.Connection[tuple[object, ...]]


@contextmanager
def planted_parcels(stack: Stack, *, countries: int, weight: str) -> Iterator[Database]:
    """Yield a connection to a database with the table, which has no index but its key's, and is gone afterwards."""
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}".encode())
        connection.execute(
            f"CREATE TABLE {TABLE} (number int PRIMARY KEY, country text, weight int, note text)".encode()
        )
        rows = f"SELECT n, 'c' || n % {countries}, {weight}, repeat('x', 200) FROM generate_series(1, {ROWS}) n"  # noqa: S608 - our own numbers
        connection.execute(f"INSERT INTO {TABLE} {rows}".encode())
        tell(connection)
        connection.execute(f"ANALYZE {TABLE}".encode())
        yield connection
        connection.execute(f"DROP TABLE {TABLE}".encode())


def tell(database: Database) -> None:
    """Have a connection's counts be known to all now: what it tells only after an ANALYZE would count twice."""
    database.execute("SELECT pg_stat_force_next_flush()")


def came_of(stack: Stack, database: Database, *asked: tuple[str, tuple[Any, ...]]) -> StatementCounts:
    """Return what came while statements were *asked* many times, each with its values."""
    url = stack.connections.psycopg_url
    before = statement_counts(url)
    assert before is not None
    for statement, values in asked:
        for _ in range(ASKED):
            database.execute(statement.encode(), values)
    tell(database)
    after = statement_counts(url)
    assert after is not None
    return after.since(before)
