"""Windows by PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from contract.windows import TOP, WindowResult
from workers.analytics.window_tables import CONNECT_S, EPOCH, window_of

_QUERY = f"""
WITH /* seawall windows */ by_product AS (
    SELECT date_bin(%(size)s, placed_at, 'epoch'::timestamptz) AS start, product_id,
           count(*) AS orders, sum(quantity) AS quantity, sum(total_cents) AS cents
    FROM orders WHERE placed_at >= %(since)s GROUP BY 1, 2
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY start ORDER BY cents DESC, product_id) AS place FROM by_product
)
SELECT start, sum(orders)::bigint, sum(quantity)::bigint, sum(cents)::bigint,
       array_agg(product_id::text ORDER BY place) FILTER (WHERE place <= {TOP}),
       array_agg(cents::bigint ORDER BY place) FILTER (WHERE place <= {TOP})
FROM ranked GROUP BY start ORDER BY start
"""  # noqa: S608 - a number of our own


class PostgreSQLWindows:
    """The table at *url*."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, size: timedelta) -> None:
        self._url, self._size = url, size
        self._connection: psycopg.Connection | None = None

    def windows(self, since: datetime) -> list[WindowResult]:
        """Ask; raises `psycopg.Error`."""
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_S, application_name="seawall-windows"
            )
        rows = self._connection.execute(_QUERY, {"size": self._size, "since": since}).fetchall()
        return [
            window_of((start - EPOCH) // timedelta(microseconds=1), (orders, quantity, cents), products, of_each)
            for start, orders, quantity, cents, products, of_each in rows
        ]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
