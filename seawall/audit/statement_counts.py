"""What each statement has come to since the database's statistics began, and how many rows indexes have led to.

Both are the database's own counts, ``pg_stat_statements`` and ``pg_stat_user_tables``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

LEAST_MEAN_MS = 1.0
MOST_LOOKED_AT = 10
"""Of those that took most time."""
_LONGEST_TEXT = 1_000
_PATIENCE = "SET statement_timeout = '2s'; SET default_transaction_read_only = on"
_COUNTS = """
SELECT queryid, toplevel, calls, total_exec_time AS ms, rows, temp_blks_written AS temp_blocks, {waits} AS waits_ms,
       query
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL
"""
_WAITS = {
    170_000: (
        "shared_blk_read_time + shared_blk_write_time + local_blk_read_time + local_blk_write_time"
        " + temp_blk_read_time + temp_blk_write_time"
    ),
    150_000: "blk_read_time + blk_write_time + temp_blk_read_time + temp_blk_write_time",
    0: "blk_read_time + blk_write_time",
}
"""What times of reading and writing are called, from which version on."""
_FETCHED = "SELECT relname, coalesce(idx_tup_fetch, 0) AS rows FROM pg_stat_user_tables"
_READS = re.compile(r"\s*\(*\s*(select|with|update|delete)\b", re.IGNORECASE)


class StatementCount(NamedTuple):
    """What one statement came to."""

    calls: int
    ms: float
    """In the database, all calls together, as all that follows."""
    rows: int
    temp_blocks: int
    """Written to temporary files."""
    waits_ms: float
    """Of *ms*, for reading and writing of files; 0 where the database does not time them (``track_io_timing``)."""
    query: str
    """Without its constants."""
    reads: bool
    """Whether it reads, and was sent as it stands: then its plan tells something."""

    def since(self, earlier: StatementCount | None) -> StatementCount:
        """Return what came on top of *earlier*; all of it where the statistics began anew since then."""
        if earlier is None or earlier.calls > self.calls:
            return self
        return self._replace(
            calls=self.calls - earlier.calls,
            ms=self.ms - earlier.ms,
            rows=self.rows - earlier.rows,
            temp_blocks=self.temp_blocks - earlier.temp_blocks,
            waits_ms=self.waits_ms - earlier.waits_ms,
        )

    @property
    def text(self) -> str:
        """The statement on one line, as far as it is shown."""
        return " ".join(self.query.split())[:_LONGEST_TEXT]


class StatementCounts(NamedTuple):
    """Of a moment, or of the time since one."""

    statements: dict[tuple[int, bool], StatementCount]
    """By their numbers, and whether they were sent as they stand, and by no function."""
    fetched: dict[str, int]
    """Live rows that scans of indexes have led to, by table. Connections tell theirs with a delay of a second or so,
    and of up to ten once they are idle."""

    def since(self, earlier: StatementCounts) -> StatementCounts:
        """Return what came on top of *earlier*: statements that were called meanwhile."""
        came = {number: count.since(earlier.statements.get(number)) for number, count in self.statements.items()}
        fetched = {table: rows - earlier.fetched.get(table, 0) for table, rows in self.fetched.items()}
        return StatementCounts({number: count for number, count in came.items() if count.calls}, fetched)

    @property
    def slow(self) -> list[StatementCount]:
        """Those that read and are not done in no time, the ones that took most time first."""
        slow = [one for one in self.statements.values() if one.reads and one.ms / one.calls >= LEAST_MEAN_MS]
        return sorted(slow, key=lambda count: count.ms, reverse=True)[:MOST_LOOKED_AT]


def statement_counts(database_url: str) -> StatementCounts | None:
    """Return the counts of every statement; None where the database does not tell."""
    try:
        with connected(database_url) as database:
            waits = next(names for version, names in _WAITS.items() if database.info.server_version >= version)
            rows = database.execute(_COUNTS.format(waits=waits).encode()).fetchall()
            fetched = database.execute(_FETCHED).fetchall()
    except psycopg.Error:
        return None
    found: dict[tuple[int, bool], StatementCount] = {}
    for row in rows:  # one for each user
        key, reads = (row.queryid, row.toplevel), row.toplevel and _READS.match(row.query) is not None
        earlier = found.get(key, StatementCount(0, 0.0, 0, 0, 0.0, row.query, reads))
        found[key] = earlier._replace(
            calls=earlier.calls + row.calls,
            ms=earlier.ms + row.ms,
            rows=earlier.rows + row.rows,
            temp_blocks=earlier.temp_blocks + row.temp_blocks,
            waits_ms=earlier.waits_ms + row.waits_ms,
        )
    return StatementCounts(found, {row.relname: row.rows for row in fetched})


def connected(database_url: str) -> psycopg.Connection[Any]:
    """Return a connection that changes nothing and waits for nothing long; raises `psycopg.Error`."""
    database: psycopg.Connection[Any] = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=3,
        application_name="seawall-advice",
        row_factory=namedtuple_row,
    )
    database.execute(_PATIENCE)
    return database


class Plan(NamedTuple):
    """How the database would answer a statement whose constants it does not know."""

    root: dict[str, Any]
    lines: list[str]
    """As people read it."""

    @classmethod
    def of(cls, database: psycopg.Connection[Any], count: StatementCount) -> Plan | None:
        """Ask for it, which nobody has to run for (``EXPLAIN (GENERIC_PLAN)``, PostgreSQL 16); None where it has none.

        As where the types of parameters cannot be told, or a table is gone.
        """
        # The text comes out of the server's own statistics, and with EXPLAIN in front nobody executes it.
        text = count.query.encode()
        try:
            row = database.execute(b"EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + text).fetchone()
            lines = [str(line[0]) for line in database.execute(b"EXPLAIN (GENERIC_PLAN) " + text).fetchall()]
        except psycopg.Error:
            return None
        return None if row is None else cls(row[0][0]["Plan"], lines)


def nodes_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes, each before those below it."""
    yield node
    for one in node.get("Plans", ()):
        # of a scan that workers share, each plans for its part
        yield from nodes_of({"Workers Planned": node.get("Workers Planned", 0), **one})
