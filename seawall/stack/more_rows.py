"""Fills a database with as many rows as an experiment asks for, beside the base rows; none of them is of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from contract import mariadb
from contract.connections import MARIADB, Connections
from contract.entities import ENTITIES
from contract.ids import Run, base_id, low_bits, mint
from contract.tables import TABLES

_RUN = Run(1, 0)
_ROWS_A_WRITE = 10_000
_PATIENCE_S = 600.0
_USERS, _PRODUCTS, _ORDERS = (ENTITIES[name] for name in ("users", "products", "orders"))
OnRows = Callable[[int], None]


def _ignore(_rows: int) -> None:
    """Take no notice."""


def add_users(connections: Connections, count: int, on_rows: OnRows = _ignore) -> None:
    """Add *count* users to the base rows; *on_rows* hears how many are written so far."""
    tail = "\t{0}\tuser{1}@example.org\tKR\tTown {2}\t2026-01-01T00:00:00Z\n"
    _copy(
        connections,
        "users",
        (
            f"{_hex(number, _USERS.number)}\tUser {number}" + tail.format(number % 90 + 10, number, number % 1000)
            for number in range(count)
        ),
        on_rows,
    )


def add_products(connections: Connections, count: int, on_rows: OnRows = _ignore) -> None:
    """Add *count* products to the base rows."""
    _copy(
        connections,
        "products",
        (
            f"{_hex(number, _PRODUCTS.number)}\tSKU-{number}\tProduct {number}\t\tthings\t{100 + number}\tEUR\t1000"
            "\t2026-01-01T00:00:00Z\n"
            for number in range(count)
        ),
        on_rows,
    )


def add_orders(connections: Connections, buyers: int, on_rows: OnRows = _ignore) -> int:
    """Add orders of the first *buyers* users, one to six each, and return how many."""
    lines = [
        f"{user_id(buyer)}\t{base_id(buyer % _PRODUCTS.base_rows, _PRODUCTS.number)}"
        for buyer in range(buyers)
        for _ in range(1 + buyer % 6)
    ]
    _copy(
        connections,
        "orders",
        (
            f"{_hex(number, _ORDERS.number)}\t{line}\t1\t100\tpaid\t\t2026-01-01T00:00:00Z\n"
            for number, line in enumerate(lines)
        ),
        on_rows,
    )
    return len(lines)


def user_id(number: int) -> UUID:
    """Return the id of the user with this number: first come the base rows, then those of `add_users`."""
    if number < _USERS.base_rows:
        return base_id(number, _USERS.number)
    return mint(_RUN, number - _USERS.base_rows, 0, _USERS.number)


def _hex(number: int, entity: int) -> str:
    return f"{_RUN.high:016x}{low_bits(number, 0, entity):016x}"


def _copy(connections: Connections, table: str, lines: Iterator[str], on_rows: OnRows) -> None:
    """Write *lines* of COPY's text format, in which no field has a mark that would have to be escaped."""
    write = _insert if connections.database == MARIADB else _copy_in
    write(connections, table, lines, on_rows)


def _blocks(lines: Iterator[str], size: int) -> Iterator[list[str]]:
    while block := list(islice(lines, size)):
        yield block


def _copy_in(connections: Connections, table: str, lines: Iterator[str], on_rows: OnRows) -> None:
    with psycopg.connect(connections.psycopg_url, autocommit=True, application_name="seawall-rows") as database:
        written = 0
        with database.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for block in _blocks(lines, _ROWS_A_WRITE):
                copy.write("".join(block))
                written += len(block)
                on_rows(written)
        database.execute(f"ANALYZE {table}")


def _insert(connections: Connections, table: str, lines: Iterator[str], on_rows: OnRows) -> None:
    forms = [_form_of(column.type) for column in TABLES[table].columns]
    insert, written = f"INSERT INTO {table} VALUES ", 0  # noqa: S608 - a name of the contract
    with (
        mariadb.connect(connections.plain_database_url, timeout_s=_PATIENCE_S) as database,
        database.cursor() as cursor,
    ):
        for block in _blocks(lines, _ROWS_A_WRITE):
            rows = (line.rstrip("\n").split("\t") for line in block)
            values = (",".join(form(one) for form, one in zip(forms, row, strict=True)) for row in rows)
            cursor.execute(insert + ",".join(f"({one})" for one in values))
            written += len(block)
            on_rows(written)
        cursor.execute(f"ANALYZE TABLE {table}")


def _form_of(kind: sa.types.TypeEngine[Any]) -> Callable[[str], str]:
    """Return how a field of COPY's format is said in an INSERT of MariaDB."""
    if isinstance(kind, sa.Uuid):
        return lambda text: f"0x{text.replace('-', '')}"
    if isinstance(kind, sa.DateTime):
        return lambda text: f"'{text.removesuffix('Z').replace('T', ' ')}'"
    return str if isinstance(kind, sa.Integer) else lambda text: f"'{text}'"
