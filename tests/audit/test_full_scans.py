"""Statements that read whole tables, planted in a real database."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from seawall.audit.full_scans import _EQUAL, _RANGE, LARGE_ROWS, _columns, full_scans, statement_counts
from seawall.result import FullScan
from seawall.stack.stack import Stack

TABLE = "planted_parcels"
ROWS = 60_000
ASKED = 20
SLOW = f"SELECT number, note FROM {TABLE} WHERE country = %s AND weight > %s ORDER BY number"  # noqa: S608 - our own name


@pytest.fixture
def database(stack: Stack) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Return a connection to a database with a table that has no index but its key's, and is gone afterwards."""
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.execute(f"CREATE TABLE {TABLE} (number int PRIMARY KEY, country text, weight int, note text)")
        rows = f"SELECT n, 'c' || n % 500, n % 100, repeat('x', 200) FROM generate_series(1, {ROWS}) n"  # noqa: S608 - our own numbers
        connection.execute(f"INSERT INTO {TABLE} {rows}".encode())
        connection.execute(f"ANALYZE {TABLE}")
        yield connection
        connection.execute(f"DROP TABLE {TABLE}")


def found(
    stack: Stack, database: psycopg.Connection[tuple[object, ...]], statement: str, *values: object
) -> list[FullScan]:
    """Return the full scans of the planted table while a statement was asked many times."""
    url = stack.connections.psycopg_url
    before = statement_counts(url)
    assert before is not None
    for _ in range(ASKED):
        database.execute(statement.encode(), values)
    return [scan for scan in full_scans(url, before) if scan.table == TABLE]


def test_a_statement_without_an_index_is_found_with_its_plan_and_the_index(
    stack: Stack, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    """As often as it was asked, with what it returned; and no more once the index is there."""
    (scan,) = found(stack, database, SLOW, "c7", 50)
    assert scan.calls == ASKED
    assert scan.rows_per_call == 0  # none of that country weighs so much: 7 % 100, and every 500th after it
    assert scan.mean_ms > 0
    assert scan.table_rows == ROWS
    assert scan.kept_rows < ROWS / 10
    assert "country" in scan.condition
    assert scan.index == f"CREATE INDEX ON {TABLE} (country, weight)"
    assert scan.statement.startswith("SELECT number, note FROM planted_parcels WHERE country = $1")
    assert "c7" not in scan.statement
    assert any(f"Seq Scan on {TABLE}" in line for line in scan.plan)
    database.execute(scan.index.encode())
    database.execute(f"ANALYZE {TABLE}".encode())
    assert found(stack, database, SLOW, "c7", 50) == []


def test_a_condition_that_an_ordinary_index_does_not_serve_gets_none(
    stack: Stack, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    """The scan is told of all the same."""
    (scan,) = found(stack, database, f"SELECT number FROM {TABLE} WHERE lower(note) = %s", "y")  # noqa: S608
    assert scan.index == ""


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        pytest.param(f"SELECT note FROM {TABLE} WHERE number = %s", (7,), id="the key leads to it"),  # noqa: S608
        pytest.param(f"SELECT count(*) FROM {TABLE}", (), id="all rows are needed"),  # noqa: S608
        pytest.param(f"SELECT sum(weight) FROM {TABLE} WHERE weight > %s", (5,), id="a third of them, it plans"),  # noqa: S608
    ],
)
def test_statements_that_no_index_would_help_are_left_out(
    stack: Stack, database: psycopg.Connection[tuple[object, ...]], statement: str, values: tuple[object, ...]
) -> None:
    """However long they take."""
    assert found(stack, database, statement, *values) == []


def test_small_tables_are_left_out(stack: Stack, database: psycopg.Connection[tuple[object, ...]]) -> None:
    """Reading them as a whole is what one does."""
    database.execute(f"DELETE FROM {TABLE} WHERE number > {LARGE_ROWS // 2}".encode())  # noqa: S608
    database.execute(f"VACUUM FULL ANALYZE {TABLE}".encode())
    assert found(stack, database, SLOW, "c7", 50) == []


def test_a_database_that_does_not_tell_says_nothing() -> None:
    """Nobody listens there."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    assert statement_counts(url) is None
    assert full_scans(url, {}) == []
    assert full_scans(url, None) == []


@pytest.mark.parametrize(
    ("condition", "equal", "within"),
    [
        ("(user_id = $1)", ["user_id"], []),
        ("((country)::text = ($1)::text)", ["country"], []),
        ("((kind = ANY ($1)) AND (o.placed_at >= $2) AND (o.placed_at < $3))", ["kind"], ["placed_at"]),
        ("((name)::character varying = $1)", ["name"], []),
        ("(lower((note)::text) = $1)", [], []),
        ("((total - paid) > $1)", [], []),
        ("(a = b)", [], []),
    ],
)
def test_columns_are_read_out_of_a_plan(condition: str, equal: list[str], within: list[str]) -> None:
    """What a function or a sum is made of is none, as an index on it would not be used."""
    assert _columns(_EQUAL, condition) == equal
    assert _columns(_RANGE, condition) == within
