"""What certain statements have cost the database, by its own account (the extension pg_stat_statements)."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from contract.connections import POSTGRESQL, Connections

_QUERY = """
SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0)::float8,
       coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query LIKE %(marked)s AND query NOT LIKE '%%pg_stat_statements%%'
"""


class StatementCost(NamedTuple):
    """Counts since the statistics were last reset."""

    calls: int
    ms: float
    """Spent executing them."""
    blocks: int
    """Read, from memory or the system."""

    def since(self, before: StatementCost) -> StatementCost:
        """Return what came on top of *before*."""
        return StatementCost(self.calls - before.calls, self.ms - before.ms, self.blocks - before.blocks)


def cost_of(connections: Connections, mark: str) -> StatementCost | None:
    """Return the cost of all statements with the text *mark* in them; None where the database does not tell."""
    if connections.database != POSTGRESQL:
        return None
    try:
        with psycopg.connect(connections.psycopg_url, autocommit=True, application_name="seawall-audit") as connection:
            row = connection.execute(_QUERY, {"marked": f"%{mark}%"}).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else StatementCost(*row)
