"""What scenarios do to the table of orders: an index for a while, copies for other readers, and its loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from contract import mariadb
from contract.connections import DATABASE_NAMES, MARIADB, Connections
from contract.engine import engine_of
from contract.entities import ENTITIES
from seawall.stack.errors import Unreachable

_INDEX = "seawall_orders_placed"
_COPYING = "seawall_copy_orders"
_NO_TRIGGERS = 1419
"""By which a server with a binary log refuses a trigger."""
_FIELDS = ENTITIES["orders"].fields


@contextmanager
def placed_index(connections: Connections) -> Iterator[None]:
    """Give the table an index on `placed_at`, and take it away in the end; raises `Unreachable`."""
    drop = f"DROP INDEX {_INDEX}" + (" ON orders" if connections.database == MARIADB else "")
    if not _has_index(connections):
        _execute(connections, f"CREATE INDEX {_INDEX} ON orders (placed_at)")
    try:
        yield
    finally:
        if _has_index(connections):
            _execute(connections, drop)


@contextmanager
def copies_of_orders(connections: Connections, queues: Sequence[str]) -> Iterator[None]:
    """Have each new row copied into a table for each of *queues*, in its transaction; raises `Unreachable`.

    A queue numbers its rows, and who reads them deletes them. In the end the queues and their trigger are gone.
    PostgreSQL copies the rows of a statement at once, MariaDB one by one, since it has no other triggers.
    """
    copying = _copying_in_mariadb if connections.database == MARIADB else _copying_in_postgresql
    _execute(connections, *_removing(connections, queues))
    try:
        _execute(connections, *copying(queues))
        yield
    finally:
        _execute(connections, *_removing(connections, queues))


def rows_in(connections: Connections, table: str) -> int:
    """Return how many rows *table* has; raises `Unreachable`."""
    return _execute(connections, f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of our own


def lose_orders(connections: Connections) -> None:
    """Remove every row of the table, as an accident would; raises `Unreachable`."""
    _execute(connections, "TRUNCATE TABLE orders")


def _copying_in_postgresql(queues: Sequence[str]) -> Iterator[str]:
    columns = ", ".join(_FIELDS)
    for queue in queues:
        yield f"CREATE TABLE {queue} (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, LIKE orders)"
    copies = " ".join(f"INSERT INTO {queue} ({columns}) SELECT {columns} FROM fresh;" for queue in queues)  # noqa: S608 - as above
    yield f"CREATE FUNCTION {_COPYING}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {copies} RETURN NULL; END'"
    yield (
        f"CREATE TRIGGER {_COPYING} AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {_COPYING}()"
    )


def _copying_in_mariadb(queues: Sequence[str]) -> Iterator[str]:
    columns, values = ", ".join(_FIELDS), ", ".join(f"NEW.{name}" for name in _FIELDS)
    for queue in queues:
        yield (
            f"CREATE TABLE {queue} (position bigint NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB"  # noqa: S608 - as above
            f" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin AS SELECT {columns} FROM orders LIMIT 0"
        )
    copies = " ".join(f"INSERT INTO {queue} ({columns}) VALUES ({values});" for queue in queues)  # noqa: S608 - as above
    yield f"CREATE TRIGGER {_COPYING} AFTER INSERT ON orders FOR EACH ROW BEGIN {copies} END"


def _removing(connections: Connections, queues: Sequence[str]) -> Iterator[str]:
    if connections.database == MARIADB:
        yield f"DROP TRIGGER IF EXISTS {_COPYING}"
    else:
        yield f"DROP TRIGGER IF EXISTS {_COPYING} ON orders"
        yield f"DROP FUNCTION IF EXISTS {_COPYING}()"
    for queue in queues:
        yield f"DROP TABLE IF EXISTS {queue}"


def _has_index(connections: Connections) -> bool:
    with _connected(connections) as connection:
        return any(one["name"] == _INDEX for one in sa.inspect(connection).get_indexes("orders"))


def _execute(connections: Connections, *statements: str) -> int:
    """Execute each; return the first figure of the last one's answer, or 0 where there is none."""
    figure = 0
    with _connected(connections) as connection:
        for statement in statements:
            answer = connection.exec_driver_sql(statement)
            figure = int(answer.scalar() or 0) if answer.returns_rows else 0
    return figure


@contextmanager
def _connected(connections: Connections) -> Iterator[sa.Connection]:
    try:
        with engine_of(connections).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        said = f"{DATABASE_NAMES[connections.database]}: {str(error.orig).strip()}"
        if mariadb.number_of(error) == _NO_TRIGGERS:
            raise Unreachable(f"{said}; its binary log needs log_bin_trust_function_creators=1") from None
        raise Unreachable(f"{said}; its user has to own the table of orders") from None
