"""What scenarios do to the table of orders: an index for a while, copies for other readers, and its loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from contract.entities import ENTITIES
from seawall.stack.errors import Unreachable

_INDEX = "seawall_orders_placed"
_COPYING = sql.Identifier("seawall_copy_orders")
_ORDERS = sql.Identifier("orders")


@contextmanager
def placed_index(database_url: str) -> Iterator[None]:
    """Give the table an index on `placed_at`, and take it away in the end; raises `Unreachable`."""
    index = sql.Identifier(_INDEX)
    _execute(database_url, sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} (placed_at)").format(index, _ORDERS))
    try:
        yield
    finally:
        _execute(database_url, sql.SQL("DROP INDEX IF EXISTS {}").format(index))


@contextmanager
def copies_of_orders(database_url: str, queues: Sequence[str]) -> Iterator[None]:
    """Have each new row copied into a table for each of *queues*, in its transaction; raises `Unreachable`.

    A queue numbers its rows, and who reads them deletes them. In the end the queues and their trigger are gone.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, ENTITIES["orders"].fields))
    _remove(database_url, queues)
    try:
        for queue in queues:
            _execute(
                database_url,
                sql.SQL("CREATE TABLE {} (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, LIKE {})").format(
                    sql.Identifier(queue), _ORDERS
                ),
            )
        copies = sql.SQL(" ").join(
            sql.SQL("INSERT INTO {queue} ({columns}) SELECT {columns} FROM fresh;").format(
                queue=sql.Identifier(queue), columns=columns
            )
            for queue in queues
        )
        body = sql.SQL("BEGIN {} RETURN NULL; END").format(copies)
        _execute(
            database_url,
            sql.SQL("CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}").format(
                _COPYING, sql.Literal(body.as_string())
            ),
        )
        _execute(
            database_url,
            sql.SQL(
                "CREATE TRIGGER {name} AFTER INSERT ON {orders} REFERENCING NEW TABLE AS fresh"
                " FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            ).format(name=_COPYING, orders=_ORDERS),
        )
        yield
    finally:
        _remove(database_url, queues)


def rows_in(database_url: str, table: str) -> int:
    """Return how many rows *table* has; raises `Unreachable`."""
    return _execute(database_url, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))


def lose_orders(database_url: str) -> None:
    """Remove every row of the table, as an accident would; raises `Unreachable`."""
    _execute(database_url, sql.SQL("TRUNCATE {}").format(_ORDERS))


def _remove(database_url: str, queues: Sequence[str]) -> None:
    _execute(database_url, sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(_COPYING, _ORDERS))
    _execute(database_url, sql.SQL("DROP FUNCTION IF EXISTS {}()").format(_COPYING))
    for queue in queues:
        _execute(database_url, sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(queue)))


def _execute(database_url: str, statement: sql.Composed) -> int:
    """Return the first figure of the answer, or 0 where there is none."""
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
            answer = connection.execute(statement)
            row = answer.fetchone() if answer.description else None
            return int(row[0]) if row else 0
    except psycopg.Error as error:
        raise Unreachable(f"PostgreSQL: {str(error).strip()}; its user has to own the table of orders") from None
