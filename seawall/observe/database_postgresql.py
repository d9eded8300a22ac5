"""PostgreSQL's statistics views."""

from __future__ import annotations

import psycopg

from seawall.observe.database import DatabaseCounts

_QUERY = """
SELECT xact_commit + xact_rollback AS transactions, xact_rollback AS rolled_back, deadlocks,
       tup_inserted AS inserted, tup_returned AS returned, blks_hit AS blocks_found, blks_read AS blocks_read,
       pg_database_size(datname) AS size_bytes,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active') AS active,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
           AS waiting_for_locks,
       (SELECT wal_bytes::bigint FROM pg_stat_wal) AS wal_bytes
FROM pg_stat_database WHERE datname = current_database()
"""
_LONGEST = "-c statement_timeout=5000"


class PostgreSQL:
    """The one at *url*."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None

    def counts(self) -> DatabaseCounts:
        """Ask; raises `psycopg.Error`."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, connect_timeout=3, autocommit=True, options=_LONGEST, application_name="seawall-observer"
            )
        with self._connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            found = cursor.execute(_QUERY).fetchone()
        assert found is not None
        return DatabaseCounts(**found)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
