"""Statements that take long for other reasons than a full scan, planted in a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from planted_parcels import ASKED, ROWS, TABLE, Database, came_of, planted_parcels

from seawall.audit.slow_statements import slow_statements
from seawall.audit.statement_counts import StatementCounts
from seawall.result import SlowStatement
from seawall.stack.stack import Stack

COUNTRIES = 100
SORTED = f"SELECT count(*) FROM (SELECT note FROM {TABLE} ORDER BY note, number OFFSET 0) AS parcels"  # noqa: S608 - our own name
# so long a text that a row takes some time to be passed over
PICKED = f"SELECT number FROM {TABLE} WHERE country = %s AND weight > %s AND length(repeat(note, 200)) = %s"  # noqa: S608
READ = "SELECT sum(length(note)) FROM read_parcels"


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """Give a table in which every country has parcels of every weight."""
    with planted_parcels(stack, countries=COUNTRIES, weight=f"(n / {COUNTRIES}) % 100") as connection:
        yield connection


def found(stack: Stack, came: StatementCounts) -> list[SlowStatement]:
    """Return the slow statements on parcels."""
    return [one for one in slow_statements(stack.connections.psycopg_url, came) if "parcels" in one.statement]


def test_a_sort_that_finds_no_room_is_told_by_what_it_wrote(stack: Stack, database: Database) -> None:
    """At each call, with the step of its plan and the setting; with more memory there is nothing to tell."""
    (slow,) = found(stack, came_of(stack, database, (SORTED, ())))
    assert slow.calls == ASKED
    assert slow.temp_bytes_per_call > 200 * ROWS
    assert slow.temp_bytes_per_call % 8192 == 0
    assert slow.steps == [f"Sort by {TABLE}.note, {TABLE}.number"]
    assert slow.work_mem == "4MB"
    assert slow.passed_over is None
    assert any("Sort Key" in line for line in slow.plan)
    database.execute("SET work_mem = '64MB'")
    assert found(stack, came_of(stack, database, (SORTED, ()))) == []


def test_rows_that_an_index_led_to_in_vain_are_counted(stack: Stack, database: Database) -> None:
    """As many as the database counted, with the index that holds both conditions."""
    database.execute(f"CREATE INDEX ON {TABLE} (country)".encode())
    asked = (PICKED, ("c7", 50, 1))
    (slow,) = found(stack, came_of(stack, database, asked))
    assert slow.passed_over is not None
    assert slow.passed_over.fetched_per_call == ROWS / COUNTRIES
    assert slow.rows_per_call == 0
    assert "country" in slow.passed_over.led_by
    assert "weight" in slow.passed_over.kept_by
    assert slow.passed_over.index == f"CREATE INDEX ON {TABLE} (country, weight)"
    assert slow.temp_bytes_per_call == 0
    # where somebody else asks for rows of the table, too, nobody knows whose they were
    other = (f"SELECT note FROM {TABLE} WHERE number = %s", (7,))  # noqa: S608
    assert not any(one.passed_over for one in found(stack, came_of(stack, database, asked, other)))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(PICKED.replace("= %s", ">= %s"), id="it returns half of them"),
        pytest.param(PICKED.replace("number", "count(*)", 1), id="nobody knows how many it kept, as it counts them"),
    ],
)
def test_an_index_that_may_do_its_work_is_left_in_peace(stack: Stack, database: Database, statement: str) -> None:
    """Whatever else the statement does."""
    database.execute(f"CREATE INDEX ON {TABLE} (country)".encode())
    came = came_of(stack, database, (statement.replace("country >= %s", "country = %s"), ("c7", 50, 1)))
    assert not any(one.passed_over for one in found(stack, came))


def test_waits_for_files_are_told_where_the_database_times_them(stack: Stack, database: Database) -> None:
    """Of a table that is larger than the memory for it; else nothing is told, nor of statements that have no plan."""
    database.execute("SET temp_buffers = '800kB'")
    database.execute(f"CREATE TEMP TABLE read_parcels AS SELECT * FROM {TABLE}".encode())  # noqa: S608
    assert found(stack, came_of(stack, database, (READ, ()))) == []
    database.execute("SET track_io_timing = on")
    (slow,) = found(stack, came_of(stack, database, (READ, ())))
    assert 0 < slow.waits_ms <= slow.mean_ms
    assert slow.shared_buffers == "256MB"
    assert slow.plan == []  # nobody else sees a temporary table


def test_a_database_that_does_not_tell_says_nothing() -> None:
    """Nobody listens there."""
    assert slow_statements("postgresql://nobody@127.0.0.1:1/none", StatementCounts({}, {})) == []
