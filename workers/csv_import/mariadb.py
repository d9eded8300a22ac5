"""MariaDB or MySQL, as an import uses it: INSERTs of many rows, each of which passes over ids that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pymysql
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert

from contract import mariadb
from contract.connections import Connections
from contract.csv_rows import FileIdentity
from contract.engine import engine_of
from contract.tables import csv_imports
from workers.csv_import.chunks import Rows
from workers.csv_import.columnar import escaped_texts, joined
from workers.csv_import.errors import DatabaseFailed, NoTables, Refused
from workers.csv_import.row_ids import digits_of
from workers.csv_import.table import Table

_INSERT = b"INSERT INTO csv_rows (id, name, age, more) VALUES "
_PASS_OVER = b" ON DUPLICATE KEY UPDATE id = id"
_ESCAPES = (("\\", "\\\\"), ("'", "\\'"))
_ESCAPED = str.maketrans(dict(_ESCAPES))
_BEFORE_ID, _BEFORE_NAME, _BEFORE_AGE, _BEFORE_MORE, _END = map(pa.scalar, ("(0x", ",'", "',", ",'", "'),"))
_NO_SUCH_TABLE = 1146
_WITHIN_S = 3_600.0
"""To forget a large file takes a while."""


class MariaDBTable(Table):
    """The one that *connections* name; a row is its values in parentheses, and a comma."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(engine_of(connections, within_s=_WITHIN_S))

    def stored(self, batch: Iterable[bytes], then: Callable[[sa.Connection], None]) -> int:
        """Store a batch, a statement for each text that *batch* yields."""
        with self._connection.begin(), self._driver.cursor() as cursor:
            found = sum(int(cursor.execute(_INSERT + text[:-1] + _PASS_OVER)) for text in batch if text)
            then(self._connection)
        return found

    def texts_of(self, rows: Rows, identity: FileIdentity) -> bytes:
        """Return *rows* of one file as values of an INSERT."""
        names, others = (escaped_texts(column, _ESCAPES) for column in (rows.names, rows.others))
        ids = digits_of(rows.lines, identity)
        return joined(_BEFORE_ID, ids, _BEFORE_NAME, names, _BEFORE_AGE, rows.ages, _BEFORE_MORE, others, _END)

    def text_of(self, key: bytes, name: str, age: int, more: str) -> bytes:
        """Return one such row."""
        return f"(0x{key.hex()},'{name.translate(_ESCAPED)}',{age},'{more.translate(_ESCAPED)}'),".encode()

    def noting(self, values: dict[str, Any]) -> sa.Executable:
        """Return an INSERT that writes over what is there."""
        return insert(csv_imports).values(values).on_duplicate_key_update(values)

    def locking(self, identity: FileIdentity) -> sa.Select[tuple[Any]]:
        """Return what asks for a named lock."""
        of_database = sa.func.left(sa.func.sha1(sa.func.database()), 16)  # names of locks are the whole server's
        return sa.select(sa.func.get_lock(sa.func.concat(f"seawall-csv-{identity.run.high:x}-", of_database), 0))

    def failure(self, error: Exception) -> DatabaseFailed | None:
        """Tell what PyMySQL says."""
        if not isinstance(error, pymysql.MySQLError):
            return None
        number, said = mariadb.number_of(error), mariadb.text_of(error)
        if number == _NO_SUCH_TABLE:
            return NoTables()
        return Refused(said) if number in mariadb.REFUSALS else DatabaseFailed(f"MariaDB: {said}")
