"""Writes imported rows into their table: a batch a transaction, one COPY, and each id once.

COPY knows no ON CONFLICT. As the sink does, a batch is copied as it is, since ids that are stored already are rare;
where one is met it goes by a temporary table, and so do those after it, since such ids come in streaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psycopg

from contract.csv_rows import LINE_SHIFT, NUMBER, FileIdentity
from contract.ids import low_bits
from workers.csv_import.records import Chunk

_COLUMNS = "id, name, age, more"
_COPY = f"COPY csv_rows ({_COLUMNS}) FROM STDIN"
_STAGE = "CREATE TEMP TABLE IF NOT EXISTS csv_stage (LIKE csv_rows) ON COMMIT DELETE ROWS"
_COPY_STAGE = f"COPY csv_stage ({_COLUMNS}) FROM STDIN"
_FROM_STAGE = f"INSERT INTO csv_rows ({_COLUMNS}) SELECT {_COLUMNS} FROM csv_stage ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
_CAREFUL_BATCHES = 50
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = str.maketrans(_ESCAPES)
_CONNECT_S = 5


def lines_of(chunk: Chunk, identity: FileIdentity) -> str:
    """Return the rows of a *chunk* of one file in the text format of COPY."""
    high, base = f"{identity.run.high:016x}", low_bits(0, identity.user, NUMBER)
    rows, names = chunk.rows, "".join([name for _, name, _ in chunk.rows])
    if any(mark in names for mark in _ESCAPES):
        rows = [(line, escaped(name), age) for line, name, age in rows]
    others = chunk.others.decode().replace("\\", "\\\\").split("\n")  # of these marks JSON has no other
    return "".join(
        [
            f"{high}{base + (line << LINE_SHIFT):016x}\t{name}\t{age}\t{more}\n"
            for (line, name, age), more in zip(rows, others, strict=False)  # what follows the last line feed is no row
        ]
    )


def escaped(text: str) -> str:
    """Return *text* as COPY takes it."""
    return text.translate(_ESCAPED) if any(mark in text for mark in _ESCAPES) else text


class Table:
    """One connection to the table of imported rows."""

    def __init__(self, url: str, *, name: str) -> None:
        """Connect; raises `psycopg.Error`."""
        self.connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            application_name=f"seawall-{name}",
            client_encoding="utf8",
        )
        self._careful = 0

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def store(self, batch: Iterable[str], then: Callable[[psycopg.Cursor], None] = lambda _: None) -> int:
        """Store what *batch* yields, in COPY's format, and do *then*, all in one transaction; return how many were new.

        Text is sent while *batch* makes more of it, so client and server work side by side. Raises `psycopg.Error`.
        """
        sent: list[str] = []
        if not self._careful:
            try:
                with self.connection.transaction(), self.connection.cursor() as cursor:
                    with cursor.copy(_COPY) as copy:
                        for text in batch:
                            sent.append(text)
                            copy.write(text)
                    stored = cursor.rowcount
                    then(cursor)
            except psycopg.errors.UniqueViolation:
                self._careful = _CAREFUL_BATCHES
            else:
                return stored
        self._careful -= 1
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy(_COPY_STAGE) as copy:
                for text in sent or batch:
                    copy.write(text)
            cursor.execute(_FROM_STAGE)
            stored = cursor.rowcount
            then(cursor)
        return stored
