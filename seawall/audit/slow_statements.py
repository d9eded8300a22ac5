"""Statements that take time for other reasons than that they read a whole table, as far as the database counts these.

They write to temporary files what they sort or hash; an index leads them to rows of which a filter keeps few; they wait
for files. Nothing is changed, and nothing is executed but looks into the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg

from seawall.audit.conditions import columns_for_index, equal_columns
from seawall.audit.statement_counts import Plan, StatementCount, StatementCounts, connected, nodes_of
from seawall.result import PassedOver, SlowStatement

FEW = 0.1
"""Of the rows that an index led to: where a statement keeps more, the index does its work."""
LEAST_FETCHED = 100.0
"""Rows a call; fewer are no reason for anything."""
_SPILLING = {
    "Sort", "Incremental Sort", "Hash", "Aggregate", "Materialize", "WindowAgg", "SetOp", "CTE Scan", "Function Scan",
}  # fmt: skip
"""Nodes that write to temporary files what finds no room in memory."""
_KEEP_ROWS = {"Sort", "Gather", "Gather Merge"}
"""Nodes that hand on as many rows as they get."""
_BY_INDEX = {"Index Scan", "Bitmap Heap Scan"}
_FETCHES = re.compile(r"\b(select|update|delete|merge|conflict)\b", re.IGNORECASE)
_SETTINGS = """
SELECT current_setting('block_size')::int AS block_bytes, current_setting('work_mem') AS work_mem,
       current_setting('shared_buffers') AS shared_buffers
"""


class _Scan(NamedTuple):
    table: str
    by: str
    kept: str


def slow_statements(database_url: str, came: StatementCounts) -> list[SlowStatement]:
    """Return those of which a reason is known among what *came*, the ones that took most time first."""
    try:
        with connected(database_url) as database:
            settings = database.execute(_SETTINGS).fetchone()
            return [found for count in came.slow if (found := _slow(database, settings, count, came)) is not None]
    except psycopg.Error:
        return []


def _slow(
    database: psycopg.Connection[Any], settings: Any, count: StatementCount, came: StatementCounts
) -> SlowStatement | None:
    plan = Plan.of(database, count)
    # processes that share the work wait at the same time, and their waits are added up: then they say nothing
    waits_ms = count.waits_ms if count.waits_ms <= count.ms else 0.0
    passed_over = _passed_over(plan, count, came)
    if not count.temp_blocks and not waits_ms and passed_over is None:
        return None
    return SlowStatement(
        statement=count.text,
        calls=count.calls,
        mean_ms=round(count.ms / count.calls, 3),
        total_ms=round(count.ms, 3),
        rows_per_call=round(count.rows / count.calls, 3),
        temp_bytes_per_call=round(count.temp_blocks * settings.block_bytes / count.calls, 1),
        steps=list(_steps(plan)) if plan is not None and count.temp_blocks else [],
        work_mem=settings.work_mem,
        waits_ms=round(waits_ms / count.calls, 3),
        shared_buffers=settings.shared_buffers,
        passed_over=passed_over,
        plan=[] if plan is None else plan.lines,
    )


def _steps(plan: Plan) -> Iterator[str]:
    """Yield the nodes that may have written to temporary files."""
    for node in nodes_of(plan.root):
        if node["Node Type"] in _SPILLING and node.get("Strategy") not in ("Plain", "Sorted"):
            keys = node.get("Sort Key") or node.get("Group Key") or []
            yield f"{node['Node Type']} by {', '.join(keys)}" if keys else str(node["Node Type"])


def _passed_over(plan: Plan | None, count: StatementCount, came: StatementCounts) -> PassedOver | None:
    """Return the rows that an index led to in vain; None where that is not known, or they are few.

    The database counts by table what indexes have led to. So it is known where no other statement can have asked for
    rows of that table, and where the statement returns all rows that its filter keeps.
    """
    scan = None if plan is None else _scan(plan.root)
    if scan is None:
        return None
    named = re.compile(rf"\b{re.escape(scan.table)}\b")
    asking = [one for one in came.statements.values() if named.search(one.query) and _may_fetch(one.query)]
    fetched = came.fetched.get(scan.table, 0)
    if asking != [count] or fetched < LEAST_FETCHED * count.calls or count.rows > FEW * fetched:
        return None
    wanted = columns_for_index(f"{scan.by} AND {scan.kept}")
    better = len(wanted) > len(equal_columns(scan.by)) and not set(equal_columns(scan.by)).difference(wanted)
    return PassedOver(
        table=scan.table,
        fetched_per_call=round(fetched / count.calls, 1),
        led_by=scan.by,
        kept_by=scan.kept,
        index=f"CREATE INDEX ON {scan.table} ({', '.join(wanted)})" if better else "",
    )


def _scan(node: dict[str, Any]) -> _Scan | None:
    """Return the scan that is the whole plan, but for what only orders its rows; None where it is none by an index."""
    while node["Node Type"] in _KEEP_ROWS:
        (node,) = node["Plans"]
    if node["Node Type"] not in _BY_INDEX or "Filter" not in node:
        return None
    by = node.get("Index Cond") or node.get("Recheck Cond")
    return None if by is None else _Scan(node["Relation Name"], by, node["Filter"])


def _may_fetch(query: str) -> bool:
    return _FETCHES.search(query) is not None and not query.lstrip().lower().startswith("explain")
