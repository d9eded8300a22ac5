"""The rows that a run left in MariaDB or MySQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pymysql
from pymysql.cursors import SSCursor

from contract import mariadb
from contract.entities import Entity, field_type
from contract.ids import Run
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Int64s
from seawall.audit.rows import DeadLetters, RowReader, Rows, uuid_text

_PATIENCE_S = 600.0
_BLOCK_ROWS = 50_000
_ROW = np.dtype([("low", ">u8"), ("digest", ">i8")])


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except pymysql.MySQLError as error:
        raise AuditFailed(f"{what} could not be read from the database: {mariadb.text_of(error)}") from None


class MariaDbRows(RowReader):
    """Reads them a block at a time: id and digest are one value, which costs the client least."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._connection = self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def refresh(self) -> None:
        """Connect again where the database has dropped the connection since it was last used."""
        try:
            self._connection.ping(reconnect=False)
        except pymysql.MySQLError:
            self._connection = self._connect()

    def rows(self, entity: Entity, run: Run) -> Rows:
        """Return all rows of *run* in the table of *entity*."""
        query = (
            f"SELECT CONCAT(RIGHT(id, 8), {_digest_of(entity)}) FROM {entity.name}"  # noqa: S608 - names of the contract
            f" WHERE id BETWEEN 0x{run.high:016x}{0:016x} AND 0x{run.high:016x}{2**64 - 1:016x} ORDER BY id"
        )
        blocks = [np.zeros(0, dtype=_ROW)]
        with _reading("rows"), self._connection.cursor(SSCursor) as cursor:
            cursor.execute(query)
            while found := cursor.fetchmany(_BLOCK_ROWS):
                blocks.append(_decoded(found))
        whole = np.concatenate(blocks)
        return Rows.sorted(whole["low"].astype(np.uint64), whole["digest"].astype(np.int64))

    def dead_letters(self, topic: str, run: Run) -> DeadLetters:
        """Return the run's records in the table of dead letters, with the places that they say to come from."""
        prefix = uuid_text(run.high, 0)[:19].encode()
        with _reading("dead letters"), self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT `key`, `partition`, `offset` FROM dead_letters WHERE topic = %s"
                " AND LENGTH(`key`) = 36 AND LEFT(`key`, 19) = %s ORDER BY `partition`, `offset`",
                (topic, prefix),
            )
            return DeadLetters.of((key.decode("ascii", "replace"), *place) for key, *place in cursor.fetchall())

    def digests_of(self, entity: Entity, contents: Iterable[Mapping[str, Any]]) -> Int64s:
        """Return the digest of each of *contents*, which a table of this session alone holds for the moment."""
        columns = ", ".join(name for name in entity.fields if name != "id")
        marks = ", ".join(["%s"] * len(entity.fields))  # the index takes the place of the id
        rows = [
            (*(_given(fields[name]) for name in entity.fields if name != "id"), index)
            for index, fields in enumerate(contents)
        ]
        with _reading("digests"), self._connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE seawall_expected AS SELECT {columns} FROM {entity.name} LIMIT 0")  # noqa: S608 - as above
            try:
                cursor.execute("ALTER TABLE seawall_expected ADD COLUMN seawall_index INT")
                cursor.executemany(
                    f"INSERT INTO seawall_expected ({columns}, seawall_index) VALUES ({marks})",  # noqa: S608 - as above
                    rows,
                )
                cursor.execute(
                    f"SELECT CONCAT(REPEAT(CHAR(0), 8), {_digest_of(entity)}) FROM seawall_expected"  # noqa: S608 - as above
                    " ORDER BY seawall_index"
                )
                return _decoded(cursor.fetchall())["digest"].astype(np.int64)
            finally:
                cursor.execute("DROP TEMPORARY TABLE seawall_expected")

    def _connect(self) -> pymysql.Connection[Any]:
        with _reading("rows"):
            return mariadb.connect(self._url, timeout_s=_PATIENCE_S, binary_prefix=True)


def _decoded(found: Iterable[tuple[bytes]]) -> npt.NDArray[np.void]:
    return np.frombuffer(b"".join(value for (value,) in found), dtype=_ROW)


def _digest_of(entity: Entity) -> str:
    """Return the SQL of a 64-bit digest over all fields but the id, whose bits the audit knows already.

    NUL stands between the fields, which no text of a record holds.
    """
    fields = ", ".join(
        f"HEX({name})" if field_type(entity.record, name)[0] is UUID else name for name in entity.fields if name != "id"
    )
    return f"UNHEX(LEFT(MD5(CONCAT_WS(CHAR(0), {fields})), 16))"


def _given(value: Any) -> Any:
    """Return *value* as the client takes it."""
    if isinstance(value, UUID):
        return value.bytes
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
