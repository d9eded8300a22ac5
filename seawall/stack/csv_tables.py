"""Imported rows as the database holds them, and what its own loader makes of the same rows."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
import pymysql
import sqlalchemy as sa
from psycopg import sql

from contract import mariadb
from contract.connections import DATABASE_NAMES, MARIADB, Connections
from contract.csv_rows import AGE, NAME, identify
from contract.engine import engine_of
from contract.tables import csv_imports, csv_rows
from seawall.stack.errors import Unreachable

LOADERS = {"postgresql": "COPY", "mariadb": "LOAD DATA LOCAL"}
"""What a database's own loader is called."""
_LOADED = "seawall_csv_loaded"
_PIECE_BYTES, _FETCHED = 1 << 18, 5_000
_CONNECT_S = 5
_LOADED_WITHIN_S = 3_600.0
_NO_LOCAL_FILES = frozenset({1148, 3948, 4166})
"""By which MySQL and MariaDB refuse a file of the client's."""


class LoaderRefused(Unreachable):
    """The server does not let its own loader work; the message says what to set."""


class Span(NamedTuple):
    """The ids of all rows that a file can have."""

    first: UUID
    last: UUID


def rows_of_file(connections: Connections, span: Span) -> int:
    """Return how many rows of a file are in the table; raises `Unreachable`."""
    with _connected(connections) as connection:
        counted = sa.select(sa.func.count()).select_from(csv_rows).where(csv_rows.c.id.between(*span))
        return connection.scalar(counted) or 0


def imports_of(connections: Connections, path: Path) -> dict[str, bool]:
    """Return by which ways a file was imported before, and whether each came to its end.

    Raises `Unreachable`, or `OSError` where the file cannot be read.
    """
    file = identify(path).file
    notes = csv_imports.c
    with _connected(connections) as connection:
        rows = connection.execute(sa.select(notes.way, notes.finished).where(notes.file == file)).all()
    return {str(way): bool(finished) for way, finished in rows}


def write_clean(connections: Connections, span: Span, columns: Sequence[str], path: Path) -> int:
    """Write the rows of a file from the table to *path*, as a plain CSV file in UTF-8; return their number.

    *columns* are the file's columns beside name and age. Raises `Unreachable`.
    """
    count, stored = 0, csv_rows.c
    chosen = sa.select(stored.name, stored.age, stored.more).where(stored.id.between(*span)).order_by(stored.id)
    with _connected(connections) as connection, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((NAME, AGE, *columns))
        found = connection.execution_options(stream_results=True, yield_per=_FETCHED).execute(chosen)
        for part in found.partitions():
            writer.writerows((name, age, *(more[one] for one in columns)) for name, age, more in part)
            count += len(part)
    return count


def load(connections: Connections, path: Path, columns: int) -> tuple[int, float]:
    """Have the database load a CSV file of name, age and so many other *columns* by itself.

    Returns rows, and seconds with the commit. It goes into a table with a key that numbers the rows, which is gone
    afterwards. Raises `LoaderRefused`, `Unreachable`.
    """
    others = [f"c{number}" for number in range(columns)]
    if connections.database == MARIADB:
        return _load_data(connections.plain_database_url, path, others)
    return _copy(connections.psycopg_url, path, others)


def _copy(url: str, path: Path, others: Sequence[str]) -> tuple[int, float]:
    table, texts = sql.Identifier(_LOADED), [sql.Identifier(one) for one in others]
    drop = sql.SQL("DROP TABLE IF EXISTS {}").format(table)
    create = sql.SQL(
        "CREATE TABLE {} (line bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(200) NOT NULL,"
        " age integer NOT NULL{})"
    ).format(table, sql.SQL("").join(sql.SQL(", {} text").format(one) for one in texts))
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true)").format(
        table, sql.SQL(", ").join([sql.SQL("name, age"), *texts])
    )
    try:
        with (
            psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S, client_encoding="utf8") as connection,
            connection.cursor() as cursor,
        ):

            def copy() -> int:
                with path.open("rb") as file, cursor.copy(into) as pieces:
                    while piece := file.read(_PIECE_BYTES):
                        pieces.write(piece)
                return cursor.rowcount

            cursor.execute(drop)
            cursor.execute(create)
            try:
                return _timed(copy)
            finally:
                cursor.execute(drop)
    except psycopg.Error as error:
        raise _unreachable("postgresql", str(error).strip()) from None


def _load_data(url: str, path: Path, others: Sequence[str]) -> tuple[int, float]:
    texts = "".join(f", {one} text" for one in others)
    create = (
        f"CREATE TABLE {_LOADED} (line bigint AUTO_INCREMENT PRIMARY KEY, name varchar(200) NOT NULL, age int NOT NULL"
        f"{texts}) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )
    into = (
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {_LOADED} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','"
        " OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES"
        f" ({', '.join(('name', 'age', *others))})"
    )
    drop = f"DROP TABLE IF EXISTS {_LOADED}"
    try:
        with (
            mariadb.connect(url, timeout_s=_LOADED_WITHIN_S, local_infile=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(drop)
            cursor.execute(create)
            try:
                return _timed(lambda: cursor.execute(into, (str(path.absolute()),)))
            finally:
                cursor.execute(drop)
    except pymysql.MySQLError as error:
        if mariadb.number_of(error) in _NO_LOCAL_FILES:
            raise LoaderRefused("the server's own loader is left out: it needs local_infile there") from None
        raise _unreachable(MARIADB, mariadb.text_of(error)) from None


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    begun_s = time.monotonic()
    return work(), time.monotonic() - begun_s


@contextmanager
def _connected(connections: Connections) -> Iterator[sa.Connection]:
    try:
        with engine_of(connections, within_s=_LOADED_WITHIN_S).connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise _unreachable(connections.database, str(error.orig).strip()) from None


def _unreachable(database: str, said: str) -> Unreachable:
    return Unreachable(f"{DATABASE_NAMES[database]}: {said}; `bin/seawall doctor` says more")
