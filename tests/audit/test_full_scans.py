"""Statements that read whole tables, planted in a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from planted_parcels import ASKED, ROWS, TABLE, Database, came_of, planted_parcels, tell

from seawall.audit.conditions import equal_columns, range_columns
from seawall.audit.full_scans import LARGE_ROWS, full_scans
from seawall.audit.statement_counts import StatementCounts, statement_counts
from seawall.result import FullScan
from seawall.stack.stack import Stack

SLOW = f"SELECT number, note FROM {TABLE} WHERE country = %s AND weight > %s ORDER BY number"  # noqa: S608 - our own name


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """Give a table in which all parcels of a country weigh the same."""
    with planted_parcels(stack, countries=500, weight="n % 100") as connection:
        yield connection


def found(stack: Stack, database: Database, statement: str, *values: object) -> list[FullScan]:
    """Return the full scans of the planted table while a statement was asked many times."""
    came = came_of(stack, database, (statement, values))
    return [scan for scan in full_scans(stack.connections.psycopg_url, came) if scan.table == TABLE]


def test_a_statement_without_an_index_is_found_with_its_plan_and_the_index(stack: Stack, database: Database) -> None:
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


def test_a_condition_that_an_ordinary_index_does_not_serve_gets_none(stack: Stack, database: Database) -> None:
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
    stack: Stack, database: Database, statement: str, values: tuple[object, ...]
) -> None:
    """However long they take."""
    assert found(stack, database, statement, *values) == []


def test_small_tables_are_left_out(stack: Stack, database: Database) -> None:
    """Reading them as a whole is what one does."""
    database.execute(f"DELETE FROM {TABLE} WHERE number > {LARGE_ROWS // 2}".encode())  # noqa: S608
    tell(database)
    database.execute(f"VACUUM FULL ANALYZE {TABLE}".encode())
    assert found(stack, database, SLOW, "c7", 50) == []


def test_a_database_that_does_not_tell_says_nothing() -> None:
    """Nobody listens there."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    assert statement_counts(url) is None
    assert full_scans(url, StatementCounts({}, {})) == []


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
    assert equal_columns(condition) == equal
    assert range_columns(condition) == within
