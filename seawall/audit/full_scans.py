"""Statements that read a large table as a whole for few of its rows: what they cost, their plan, and the missing index.

Costs are the database's own count (``pg_stat_statements``). Plans are those of the statement without its constants,
which nobody has to run (``EXPLAIN (GENERIC_PLAN)``, PostgreSQL 16). Nothing is changed, and nothing is executed but
looks into the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

from seawall.result import FullScan

LARGE_ROWS = 10_000
"""Reading a smaller table as a whole is no harm that an index would undo."""
FEW = 0.1
"""Of a table's rows: where a statement needs more, reading all of them is right."""
LEAST_MEAN_MS = 1.0
_MOST_PLANS = 10
"""Are asked for, of those statements that took most time."""
_LONGEST_TEXT = 1_000
_PATIENCE = "SET statement_timeout = '2s'; SET default_transaction_read_only = on"
_COUNTS = """
SELECT queryid, calls, total_exec_time AS ms, rows, query FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~* '^\\s*\\(*\\s*(select|with|update|delete)\\M' AND queryid IS NOT NULL AND toplevel
"""
_TABLE = """
SELECT greatest(reltuples::bigint, coalesce(pg_stat_get_live_tuples(oid), 0)) AS rows FROM pg_class
WHERE oid = to_regclass(quote_ident(%s)) AND relkind = 'r'
"""
_LED = """
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass(quote_ident(%s)) AND a.attnum > 0
  AND NOT a.attisdropped AND a.attname = ANY(%s)
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
                  AND i.indisvalid AND i.indpred IS NULL)
"""
_COLUMN = r"(?<!\w)\((?:(?:\w+\.)?(\w+)|\((?:\w+\.)?(\w+)\)::[\w ]+) "
"""As plans write one, alone or as another type: ``(country``, ``((country)::text``; not one within a function."""
_EQUAL = re.compile(_COLUMN + r"= (?:ANY \()?\(?\$\d+")
_RANGE = re.compile(_COLUMN + r"(?:<|>|<=|>=) \(?\$\d+")


class StatementCount(NamedTuple):
    """What one statement came to since the statistics began."""

    queryid: int
    calls: int
    ms: float
    rows: int
    query: str


StatementCounts = dict[int, StatementCount]


class _Scan(NamedTuple):
    table: str
    condition: str
    rows: int


def statement_counts(database_url: str) -> StatementCounts | None:
    """Return the counts of every statement that reads, by its number; None where the database does not tell."""
    try:
        with _connected(database_url) as database:
            rows = database.execute(_COUNTS).fetchall()
    except psycopg.Error:
        return None
    found: StatementCounts = {}
    for row in rows:
        earlier = found.get(row.queryid, StatementCount(row.queryid, 0, 0.0, 0, row.query))
        found[row.queryid] = earlier._replace(
            calls=earlier.calls + row.calls, ms=earlier.ms + row.ms, rows=earlier.rows + row.rows
        )
    return found


def full_scans(database_url: str, before: StatementCounts | None) -> list[FullScan]:
    """Return the full scans since *before*, those that took most time first; none where nothing can be told."""
    after = None if before is None else statement_counts(database_url)
    if before is None or after is None:
        return []
    came = [_since(count, before.get(count.queryid)) for count in after.values()]
    slow = [count for count in came if count.calls and count.ms / count.calls >= LEAST_MEAN_MS]
    slow.sort(key=lambda count: count.ms, reverse=True)
    try:
        with _connected(database_url) as database:
            return [found for count in slow[:_MOST_PLANS] if (found := _full_scan(database, count)) is not None]
    except psycopg.Error:
        return []


def _since(count: StatementCount, earlier: StatementCount | None) -> StatementCount:
    if earlier is None or earlier.calls > count.calls:
        return count
    return count._replace(calls=count.calls - earlier.calls, ms=count.ms - earlier.ms, rows=count.rows - earlier.rows)


def _connected(database_url: str) -> psycopg.Connection[Any]:
    database: psycopg.Connection[Any] = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=3,
        application_name="seawall-advice",
        row_factory=namedtuple_row,
    )
    database.execute(_PATIENCE)
    return database


def _full_scan(database: psycopg.Connection[Any], count: StatementCount) -> FullScan | None:
    """Return what is wrong with a statement; None where its plan reads no large table for few of its rows."""
    # The text comes out of the server's own statistics, and with EXPLAIN in front nobody executes it.
    text = count.query.encode()
    try:
        row = database.execute(b"EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + text).fetchone()
        lines = [str(line[0]) for line in database.execute(b"EXPLAIN (GENERIC_PLAN) " + text).fetchall()]
    except psycopg.Error:
        return None  # parameters whose types cannot be told, a table that is gone, a server before 16
    for scan in _scans(row[0][0]["Plan"] if row else {}):
        table = database.execute(_TABLE, (scan.table,)).fetchone()
        if table is None or table.rows < LARGE_ROWS or scan.rows > FEW * table.rows:
            continue
        return FullScan(
            statement=" ".join(count.query.split())[:_LONGEST_TEXT],
            calls=count.calls,
            mean_ms=round(count.ms / count.calls, 3),
            total_ms=round(count.ms, 3),
            rows_per_call=round(count.rows / count.calls, 3),
            table=scan.table,
            table_rows=table.rows,
            kept_rows=scan.rows,
            condition=scan.condition,
            index=_index(database, scan),
            plan=lines,
        )
    return None


def _scans(node: dict[str, Any]) -> Iterator[_Scan]:
    """Yield the scans of whole tables that leave rows out, the costliest first."""
    found = sorted(_below(node), key=lambda one: -float(one["Total Cost"]))
    for one in found:
        if one["Node Type"] == "Seq Scan" and "Filter" in one:
            workers = 1 + int(one.get("Workers Planned", 0))
            yield _Scan(one["Relation Name"], one["Filter"], round(one["Plan Rows"] * workers))


def _below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node:
        yield node
    for one in node.get("Plans", ()):
        # of a scan that workers share, each plans for its part
        yield from _below({"Workers Planned": node.get("Workers Planned", 0), **one})


def _index(database: psycopg.Connection[Any], scan: _Scan) -> str:
    """Return the index that leads to the rows of *scan*; empty where one is there, or the condition names no column.

    Columns that have to be equal to something come first, then one that has to lie in a range.
    """
    if " OR " in scan.condition:
        return ""
    equal = _columns(_EQUAL, scan.condition)
    within = [name for name in _columns(_RANGE, scan.condition) if name not in equal][:1]
    wanted = [*equal, *within]
    if not wanted:
        return ""
    free = {row.attname for row in database.execute(_LED, (scan.table, wanted)).fetchall()}
    if wanted[0] not in free:
        return ""
    return f"CREATE INDEX ON {scan.table} ({', '.join(wanted)})"


def _columns(pattern: re.Pattern[str], condition: str) -> list[str]:
    """Return the columns that *pattern* finds, each once."""
    return list(dict.fromkeys(alone or as_type for alone, as_type in pattern.findall(condition)))
