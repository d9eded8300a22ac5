"""How often the database was asked for users and products, by its own count."""

from __future__ import annotations

import psycopg

from contract.connections import POSTGRESQL, Connections

_READS = """
SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0)::float8 FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
AND query ~* '^\\s*\\(*select\\M' AND query !~* '\\mcount\\M' AND query ~ '\\m(users|products|user_grades)\\M'
"""


def statements_of_readers(connections: Connections) -> tuple[int, float] | None:
    """Return how many statements have read users, products or grades so far, and the ms that the server took for them.

    Those that count rows are the instrument's own, and left out. None where the server does not count statements
    (PostgreSQL's ``pg_stat_statements``), or not for this user.
    """
    if connections.database != POSTGRESQL:
        return None
    try:
        with psycopg.connect(connections.psycopg_url, autocommit=True, connect_timeout=3) as database:
            row = database.execute(_READS).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else (row[0], row[1])
