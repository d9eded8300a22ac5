"""The yardstick of `benchmarks.sink`: COPY of rows that lie ready, as fast as PostgreSQL takes them."""

from __future__ import annotations

import struct
import time
from itertools import pairwise
from typing import NamedTuple

import psycopg
from psycopg import sql

from contract.entities import ENTITIES

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)


class CopyRun(NamedTuple):
    """What was copied after the first commit."""

    rows: int
    seconds: float


class Table:
    """The tables of the entities, seen by one client."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def empty(self) -> None:
        """Empty the tables, and let the server write now what it would write later."""
        names = sql.SQL(", ").join(map(sql.Identifier, ENTITIES))
        self._connection.execute(sql.SQL("TRUNCATE {}").format(names))
        self._connection.execute("CHECKPOINT")

    def count(self) -> int:
        """Return how many rows there are."""
        counts = [
            self._connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
            for name in ENTITIES
        ]
        return sum(int(row[0]) for row in counts if row)

    def batches(self, size: int) -> list[dict[str, bytes]]:
        """Return all rows in the order in which they were stored, cut into batches of *size*, ready to be copied."""
        rows = {name: self._rows(name) for name in ENTITIES}
        total = sum(map(len, rows.values()))
        cuts = [min(first, total) for first in range(0, total + size, size)]
        return [
            {
                name: _HEADER + b"".join(found[low * len(found) // total : high * len(found) // total]) + _TRAILER
                for name, found in rows.items()
            }
            for low, high in pairwise(cuts)
        ]

    def copy(self, batches: list[dict[str, bytes]], size: int) -> CopyRun:
        """Copy *batches*, a transaction each."""
        statements = {
            name: sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(name)) for name in ENTITIES
        }
        begun_s = 0.0
        for batch in batches:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for name, text in batch.items():
                    with cursor.copy(statements[name]) as copy:
                        copy.write(text)
            begun_s = begun_s or time.monotonic()
        return CopyRun(self.count() - size, time.monotonic() - begun_s)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rows(self, name: str) -> list[bytes]:
        with self._connection.cursor().copy(
            sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
        ) as copy:
            # the server sends each row by itself, the header with the first
            return [row for part in copy if (row := bytes(part).removeprefix(_HEADER)) not in (b"", _TRAILER)]
