"""The rows that a run left in PostgreSQL, by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import pq, sql
from psycopg.rows import TupleRow

from contract.entities import Entity
from contract.ids import Run
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Int64s, UInt64s
from seawall.audit.rows import DeadLetters, RowReader, Rows, uuid_text

_COPY_HEADER_BYTES = 19
_BLOCK_ROWS = 50_000
_ROW = np.dtype([
    ("fields", ">i2"),
    ("id_size", ">i4"), ("high", ">u8"), ("low", ">u8"),
    ("digest_size", ">i4"), ("digest", ">i8"),
])  # fmt: skip


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise AuditFailed(f"{what} could not be read from the database: {str(error).strip()}") from None


class PostgresRows(RowReader):
    """Reads them through libpq."""

    def __init__(self, psycopg_url: str) -> None:
        super().__init__()
        self._url = psycopg_url
        self._connection = self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def refresh(self) -> None:
        """Connect again where the database has dropped the connection since it was last used."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.OperationalError:
            self._connection.close()
            self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[TupleRow]:
        with _reading("rows"):
            return psycopg.connect(self._url, autocommit=True, application_name="seawall-audit")

    def rows(self, entity: Entity, run: Run) -> Rows:
        """Return all rows of *run* in the table of *entity*."""
        low, digest = self._copy(
            sql.SQL(
                "COPY (SELECT id, {digest} FROM {table} WHERE id BETWEEN {first} AND {last}) TO STDOUT BINARY"
            ).format(
                digest=_digest_of(entity),
                table=sql.Identifier(entity.name),
                first=sql.Literal(uuid_text(run.high, 0)),
                last=sql.Literal(uuid_text(run.high, 2**64 - 1)),
            )
        )
        return Rows.sorted(low, digest)

    def dead_letters(self, topic: str, run: Run) -> DeadLetters:
        """Return the run's records in the table of dead letters, with the places that they say to come from."""
        prefix = uuid_text(run.high, 0)[:19]
        with _reading("dead letters"):
            letters = self._connection.execute(
                "SELECT encode(key, 'escape'), partition, \"offset\" FROM dead_letters WHERE topic = %s"
                " AND octet_length(key) = 36 AND left(encode(key, 'escape'), 19) = %s ORDER BY partition, \"offset\"",
                (topic, prefix),
            ).fetchall()
        return DeadLetters.of(letters)

    def digests_of(self, entity: Entity, contents: Iterable[Mapping[str, Any]]) -> Int64s:
        """Return the digest of each of *contents*, which a table of this session alone holds for the moment."""
        columns = [name for name in entity.fields if name != "id"]
        with _reading("digests"), self._connection.transaction(), self._connection.cursor() as cursor:
            expected = sql.Identifier("seawall_expected")
            table = sql.Identifier(entity.name)
            cursor.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DROP").format(expected, table))
            cursor.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN id DROP NOT NULL").format(expected))
            cursor.execute(sql.SQL("ALTER TABLE {} ADD COLUMN seawall_index int").format(expected))
            names = sql.SQL(", ").join(map(sql.Identifier, [*columns, "seawall_index"]))
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(expected, names)) as copy:
                for index, fields in enumerate(contents):
                    copy.write_row([*(fields[name] for name in columns), index])
            cursor.execute(sql.SQL("SELECT {} FROM {} ORDER BY seawall_index").format(_digest_of(entity), expected))
            return np.array([digest for (digest,) in cursor.fetchall()], dtype=np.int64)

    def _copy(self, query: sql.Composed) -> tuple[UInt64s, Int64s]:
        """Return ids and digests, decoded block by block as they come."""
        low, digest, tail = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.int64)], b""
        with _reading("rows"):
            messages = _copied(self._connection, query)
            tail = next(messages)[_COPY_HEADER_BYTES:]
            while block := list(islice(messages, _BLOCK_ROWS)):
                content = tail + b"".join(block)
                whole = len(content) // _ROW.itemsize
                rows: npt.NDArray[np.void] = np.frombuffer(content, dtype=_ROW, count=whole)
                tail = content[whole * _ROW.itemsize :]
                low.append(rows["low"].astype(np.uint64))
                digest.append(rows["digest"].astype(np.int64))
        return np.concatenate(low), np.concatenate(digest)


def _copied(connection: psycopg.Connection, query: sql.Composed) -> Iterator[bytes]:
    """Yield what ``COPY ... TO STDOUT`` sends, a message a row.

    Straight over libpq: psycopg makes an object of each message that the garbage collector has to follow, and ten
    million of these cost more than all the rest.
    """
    server = connection.pgconn
    result = server.exec_(query.as_bytes(connection))
    if result.status == pq.ExecStatus.COPY_OUT:
        while True:
            size, message = server.get_copy_data(0)
            if size <= 0:
                break
            yield bytes(message)
        ended = server.get_result()
        while (following := server.get_result()) is not None:
            ended = following
        if ended is None or ended.status == pq.ExecStatus.COMMAND_OK:
            return
        result = ended
    raise psycopg.OperationalError(result.error_message.decode(errors="replace"))


def _digest_of(entity: Entity) -> sql.Composed:
    """Return the SQL of a 64-bit digest over all fields but the id, whose bits the audit knows already."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in entity.fields if name != "id")
    return sql.SQL("hash_record_extended(ROW({}), 0)").format(columns)
