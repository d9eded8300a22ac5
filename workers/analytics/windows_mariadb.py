"""Windows by MariaDB or MySQL."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pymysql

from contract import mariadb
from contract.windows import TOP, WindowResult
from workers.analytics.window_tables import CONNECT_S, window_of

_QUERY = f"""
WITH /* seawall windows */ by_product AS (
    SELECT timestampdiff(MICROSECOND, '1970-01-01', placed_at) DIV %(size)s * %(size)s AS start_us, product_id,
           count(*) AS orders, sum(quantity) AS quantity, sum(total_cents) AS cents
    FROM orders WHERE placed_at >= %(since)s GROUP BY 1, 2
), ranked AS (
    SELECT by_product.*, row_number() OVER (PARTITION BY start_us ORDER BY cents DESC, product_id) AS place
    FROM by_product
)
SELECT start_us, sum(orders), sum(quantity), sum(cents),
       group_concat(CASE WHEN place <= {TOP} THEN hex(product_id) END ORDER BY place),
       group_concat(CASE WHEN place <= {TOP} THEN cents END ORDER BY place)
FROM ranked GROUP BY start_us ORDER BY start_us
"""  # noqa: S608 - a number of our own


class MariaDBWindows:
    """The table at *url*."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, url: str, size: timedelta) -> None:
        self._url, self._size_us = url, size // timedelta(microseconds=1)
        self._connection: pymysql.Connection[Any] | None = None

    def windows(self, since: datetime) -> list[WindowResult]:
        """Ask; raises `pymysql.MySQLError`."""
        if self._connection is None:
            self._connection = mariadb.connect(self._url, connect_timeout_s=CONNECT_S)
        with self._connection.cursor() as cursor:
            cursor.execute(_QUERY, {"size": self._size_us, "since": since.replace(tzinfo=None)})
            rows = cursor.fetchall()
        return [
            window_of(
                int(start_us),
                (int(orders), int(quantity), int(cents)),
                [str(UUID(one)) for one in products.split(",")],
                [int(one) for one in of_each.split(",")],
            )
            for start_us, orders, quantity, cents, products, of_each in rows
        ]

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()
