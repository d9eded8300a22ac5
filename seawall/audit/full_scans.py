"""Statements that read a large table as a whole for few of its rows: what they cost, their plan, and the missing index.

Costs are the database's own count, plans those of the statement without its constants. Nothing is changed, and nothing
is executed but looks into the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg

from seawall.audit.conditions import columns_for_index
from seawall.audit.statement_counts import Plan, StatementCount, StatementCounts, connected, nodes_of
from seawall.result import FullScan

LARGE_ROWS = 10_000
"""Reading a smaller table as a whole is no harm that an index would undo."""
FEW = 0.1
"""Of a table's rows: where a statement needs more, reading all of them is right."""
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


class _Scan(NamedTuple):
    table: str
    condition: str
    rows: int


def full_scans(database_url: str, came: StatementCounts) -> list[FullScan]:
    """Return the full scans among what *came*, those that took most time first; none where nothing can be told."""
    try:
        with connected(database_url) as database:
            return [found for count in came.slow if (found := _full_scan(database, count)) is not None]
    except psycopg.Error:
        return []


def _full_scan(database: psycopg.Connection[Any], count: StatementCount) -> FullScan | None:
    """Return what is wrong with a statement; None where its plan reads no large table for few of its rows."""
    plan = Plan.of(database, count)
    if plan is None:
        return None
    for scan in _scans(plan.root):
        table = database.execute(_TABLE, (scan.table,)).fetchone()
        if table is None or table.rows < LARGE_ROWS or scan.rows > FEW * table.rows:
            continue
        return FullScan(
            statement=count.text,
            calls=count.calls,
            mean_ms=round(count.ms / count.calls, 3),
            total_ms=round(count.ms, 3),
            rows_per_call=round(count.rows / count.calls, 3),
            table=scan.table,
            table_rows=table.rows,
            kept_rows=scan.rows,
            condition=scan.condition,
            index=_index(database, scan),
            plan=plan.lines,
        )
    return None


def _scans(node: dict[str, Any]) -> Iterator[_Scan]:
    """Yield the scans of whole tables that leave rows out, the costliest first."""
    found = sorted(nodes_of(node), key=lambda one: -float(one["Total Cost"]))
    for one in found:
        if one["Node Type"] == "Seq Scan" and "Filter" in one:
            workers = 1 + int(one.get("Workers Planned", 0))
            yield _Scan(one["Relation Name"], one["Filter"], round(one["Plan Rows"] * workers))


def _index(database: psycopg.Connection[Any], scan: _Scan) -> str:
    """Return the index that leads to the rows of *scan*; empty where one is there, or the condition names no column."""
    wanted = columns_for_index(scan.condition)
    if not wanted:
        return ""
    free = {row.attname for row in database.execute(_LED, (scan.table, wanted)).fetchall()}
    if wanted[0] not in free:
        return ""
    return f"CREATE INDEX ON {scan.table} ({', '.join(wanted)})"
