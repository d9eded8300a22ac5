"""Imported rows as the database holds them, and what its own loader makes of the same rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from contract.csv_rows import identify
from seawall.stack.errors import Unreachable

_LOADED = sql.Identifier("seawall_csv_loaded")
_PIECE_BYTES = 1 << 18
_CONNECT_S = 5


class Span(NamedTuple):
    """The ids of all rows that a file can have."""

    first: UUID
    last: UUID


def rows_of_file(database_url: str, span: Span) -> int:
    """Return how many rows of a file are in the table; raises `Unreachable`."""
    with _connected(database_url) as connection:
        return _number(connection.execute("SELECT count(*) FROM csv_rows WHERE id BETWEEN %s AND %s", list(span)))


def imports_of(database_url: str, path: Path) -> dict[str, bool]:
    """Return by which ways a file was imported before, and whether each came to its end.

    Raises `Unreachable`, or `OSError` where the file cannot be read.
    """
    file = identify(path).file
    with _connected(database_url) as connection:
        rows = connection.execute("SELECT way, finished FROM csv_imports WHERE file = %s", [file]).fetchall()
    return {str(way): bool(finished) for way, finished in rows}


def write_clean(database_url: str, span: Span, columns: Sequence[str], path: Path) -> int:
    """Write the rows of a file from the table to *path*, as a plain CSV file in UTF-8; return their number.

    *columns* are the file's columns beside name and age. Raises `Unreachable`.
    """
    chosen = sql.SQL(", ").join(
        [sql.SQL("name, age"), *(sql.SQL("more->>{}").format(sql.Literal(one)) for one in columns)]
    )
    copy_out = sql.SQL(
        "COPY (SELECT {} FROM csv_rows WHERE id BETWEEN {} AND {} ORDER BY id) TO STDOUT (FORMAT csv, HEADER true)"
    ).format(chosen, sql.Literal(span.first), sql.Literal(span.last))
    with _connected(database_url) as connection, connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(copy_out) as copy:
            for piece in copy:
                file.write(piece)
        return cursor.rowcount


def load(database_url: str, path: Path, columns: int) -> tuple[int, float]:
    """Have COPY load a CSV file of name, age and so many other *columns*; return rows, and seconds with the commit.

    It goes into a table with a key that numbers the rows, which is gone afterwards. Raises `Unreachable`.
    """
    others = sql.SQL("").join(sql.SQL(", {} text").format(sql.Identifier(f"c{number}")) for number in range(columns))
    fields = sql.SQL(", ").join([sql.SQL("name, age"), *(sql.Identifier(f"c{number}") for number in range(columns))])
    drop = sql.SQL("DROP TABLE IF EXISTS {}").format(_LOADED)
    with _connected(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(
            sql.SQL(
                "CREATE TABLE {} (line bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(200) NOT NULL,"
                " age integer NOT NULL{})"
            ).format(_LOADED, others)
        )
        try:
            begun_s = time.monotonic()
            into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true)").format(_LOADED, fields)
            with path.open("rb") as file, cursor.copy(into) as copy:
                while piece := file.read(_PIECE_BYTES):
                    copy.write(piece)
            return cursor.rowcount, time.monotonic() - begun_s
        finally:
            cursor.execute(drop)


@contextmanager
def _connected(database_url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(
            database_url, autocommit=True, connect_timeout=_CONNECT_S, client_encoding="utf8"
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise Unreachable(f"PostgreSQL: {str(error).strip()}; `bin/seawall doctor` says more") from None


def _number(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
