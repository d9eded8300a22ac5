"""PostgreSQL, as an import uses it: one COPY a batch.

COPY knows no ON CONFLICT. As the sink does, a batch is copied as it is, since ids that are stored already are rare;
where one is met it goes by a temporary table, and so do those after it, since such ids come in streaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from contract.connections import Connections
from contract.csv_rows import FileIdentity
from contract.engine import engine_of
from contract.tables import csv_imports
from workers.csv_import.chunks import Rows
from workers.csv_import.columnar import escaped_texts, joined
from workers.csv_import.errors import DatabaseFailed, NoTables, Refused
from workers.csv_import.row_ids import digits_of
from workers.csv_import.table import Table
from workers.sink.writer import is_refusal

_COLUMNS = "id, name, age, more"
_COPY = f"COPY csv_rows ({_COLUMNS}) FROM STDIN"
_STAGE = "CREATE TEMP TABLE IF NOT EXISTS csv_stage (LIKE csv_rows) ON COMMIT DELETE ROWS"
_COPY_STAGE = f"COPY csv_stage ({_COLUMNS}) FROM STDIN"
_FROM_STAGE = f"INSERT INTO csv_rows ({_COLUMNS}) SELECT {_COLUMNS} FROM csv_stage ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
_CAREFUL_BATCHES = 50
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_ESCAPED = str.maketrans(dict(_ESCAPES))
_TAB, _LINE_FEED = map(pa.scalar, ("\t", "\n"))
_CONNECT_S = 5


class PostgreSQLTable(Table):
    """The one that *connections* name; rows are lines of COPY's text format."""

    def __init__(self, connections: Connections, name: str) -> None:
        asked = {"connect_timeout": _CONNECT_S, "application_name": f"seawall-{name}", "client_encoding": "utf8"}
        super().__init__(engine_of(connections, poolclass=sa.NullPool, connect_args=asked))
        self._careful = 0

    def stored(self, batch: Iterable[bytes], then: Callable[[sa.Connection], None]) -> int:
        """Store a batch; its text is sent while *batch* makes more of it, so client and server work side by side."""
        sent: list[bytes] = []
        if not self._careful:
            try:
                with self._connection.begin(), self._driver.cursor() as cursor:
                    with cursor.copy(_COPY) as copy:
                        for text in batch:
                            sent.append(text)
                            copy.write(text)
                    found = int(cursor.rowcount)
                    then(self._connection)
            except psycopg.errors.UniqueViolation:
                self._careful = _CAREFUL_BATCHES
            else:
                return found
        self._careful -= 1
        with self._connection.begin(), self._driver.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy(_COPY_STAGE) as copy:
                for text in sent or batch:
                    copy.write(text)
            cursor.execute(_FROM_STAGE)
            found = int(cursor.rowcount)
            then(self._connection)
        return found

    def texts_of(self, rows: Rows, identity: FileIdentity) -> bytes:
        """Return *rows* of one file in the text format of COPY."""
        names, others = (escaped_texts(column, _ESCAPES) for column in (rows.names, rows.others))
        return joined(digits_of(rows.lines, identity), _TAB, names, _TAB, rows.ages, _TAB, others, _LINE_FEED)

    def text_of(self, key: bytes, name: str, age: int, more: str) -> bytes:
        """Return one such line."""
        return f"{key.hex()}\t{_escaped(name)}\t{age}\t{_escaped(more)}\n".encode()

    def noting(self, values: dict[str, Any]) -> sa.Executable:
        """Return an INSERT that writes over what is there."""
        key = [column.name for column in csv_imports.primary_key]
        return insert(csv_imports).values(values).on_conflict_do_update(index_elements=key, set_=values)

    def locking(self, identity: FileIdentity) -> sa.Select[tuple[Any]]:
        """Return what asks for an advisory lock."""
        return sa.select(sa.func.pg_try_advisory_lock(identity.run.high >> 1))

    def failure(self, error: Exception) -> DatabaseFailed | None:
        """Tell what libpq says."""
        if not isinstance(error, psycopg.Error):
            return None
        if isinstance(error, psycopg.errors.UndefinedTable):
            return NoTables()
        said = str(error).strip()
        return Refused(said) if is_refusal(error) else DatabaseFailed(f"PostgreSQL: {said}")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED) if any(mark in text for mark, _ in _ESCAPES) else text
