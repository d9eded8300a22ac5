"""The table of orders, asked for windows; what differs between databases stands behind this."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from contract.connections import MARIADB, Connections
from contract.windows import TopProduct, WindowResult

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONNECT_S = 3


class WindowTable(Protocol):
    """Asks over one connection, which is opened when it is needed."""

    errors: tuple[type[Exception], ...]
    """What the work with the database raises where that is at fault."""

    def windows(self, since: datetime) -> list[WindowResult]:
        """Return the windows of orders from *since* on, in their order; raises `errors`."""
        ...

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        ...


def table_of(connections: Connections, size: timedelta) -> WindowTable:
    """Return the table of the database that *connections* name, for windows of that *size*."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from workers.analytics.windows_mariadb import MariaDBWindows  # noqa: PLC0415

        return MariaDBWindows(connections.plain_database_url, size)
    from workers.analytics.windows_postgresql import PostgreSQLWindows  # noqa: PLC0415

    return PostgreSQLWindows(connections.psycopg_url, size)


def window_of(start_us: int, sums: tuple[int, int, int], products: list[str], of_each: list[int]) -> WindowResult:
    """Return a window by its orders, quantity and cents, and the *products* with the most cents *of each*."""
    orders, quantity, cents = sums
    top = [TopProduct(*one) for one in zip(products, of_each, strict=True)]
    return WindowResult(start_us=start_us, orders=orders, quantity=quantity, total_cents=cents, top=top)
