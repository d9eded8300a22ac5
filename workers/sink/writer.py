"""Writes batches into PostgreSQL: all entities of a batch in one transaction, each with one COPY.

COPY knows no ON CONFLICT. So a batch is copied as it is, on the quick path, since ids that are stored already are rare.
Where one is met, the batch is copied again on the careful path: look which ids are stored, leave them out. Such ids
come in streaks (a sink begins again behind its offsets, a producer sends a file twice), and rows of a COPY that failed
stay behind as dead space; so the batches after it go the careful path from the start.

The quick path is one query of as many COPY as there are tables, which is one transaction of its own. The server works
at the last one, the largest, and commits, while the client does something else. For this, libpq is used below psycopg.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from contract.entities import ENTITIES, Entity
from workers.sink.batches import CONFLICT, REASON_CHARACTERS, Batch, DeadLetter, Rows
from workers.sink.database import Fenced, Outcome
from workers.sink.offset_table import is_fence, moved
from workers.sink.rows import HEADER, TRAILER, id_of

_REFUSALS = ("22", "23")  # data exception, integrity constraint violation
_NOT_OUR_FORMAT = "22P03"  # a column is of another type than in the contract: that is no flaw of the record
_CAREFUL_BATCHES = 50


class Writer:
    """One connection, opened when it is needed."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, *, name: str, timeout_s: float, group: str = "") -> None:
        """*group* is whose offsets are moved, where batches ask for it."""
        self._url = url
        self._name, self._group = name, group
        self._timeout_ms = int(timeout_s * 1000)
        self._connection: psycopg.Connection | None = None
        self._begun: Batch | None = None
        self._careful = 0  # batches that go the careful path from the start

    def begin(self, batch: Batch) -> None:
        """Send as much of *batch* as is possible without waiting for the server; `write` has to come next."""
        if self._careful or batch.letters or not batch.size:
            return
        try:
            self._begin(batch)
        except psycopg.errors.UniqueViolation:
            self._careful = _CAREFUL_BATCHES
        except psycopg.Error:
            pass  # `write` raises it, if it lasts

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*; a record that is stored already is absorbed, one that contradicts becomes a dead letter.

        Raises `psycopg.Error`; `is_refusal` tells whether it will be raised again for the same batch. Raises `Fenced`.
        """
        if not batch.size and not batch.letters and not batch.ends:
            return Outcome(0, 0, [])  # the server takes a query without a statement for a fault
        try:
            if self._careful == 0 and batch.size and not batch.letters:
                try:
                    return self._quickly(batch)
                except psycopg.errors.UniqueViolation:
                    self._careful = _CAREFUL_BATCHES
            self._careful = max(self._careful - 1, 0)
            return self._carefully(batch)
        except psycopg.Error as error:
            if is_fence(error):
                raise Fenced("another sink has gone on with a partition of this one") from None
            if not is_refusal(error):
                self.close()
            raise

    def refusal(self, error: Exception) -> str:
        """Return why the database refuses the values themselves; empty where it does not."""
        if not isinstance(error, psycopg.Error) or not is_refusal(error):
            return ""
        return f"the database refuses it: {error.diag.message_primary or type(error).__name__}"

    def close(self) -> None:
        """Close the connection."""
        self._begun = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _begin(self, batch: Batch) -> None:
        if self._begun is batch:
            return
        server = self._connected().pgconn
        # the largest comes last, which is the one that nobody waits for here
        tables = sorted(batch.tables, key=lambda table: len(table.rows))
        try:
            statements = [_COPY_IN[table.entity.name] for table in tables]
            if batch.ends:
                statements.append(moved(self._group, batch.ends).as_bytes())
            server.send_query(b";".join(statements))
            for table in tables:
                _expect(server, ExecStatus.COPY_IN)
                server.put_copy_data(b"".join([HEADER, *table.rows, TRAILER]))
                server.put_copy_end()
                if table is not tables[-1]:
                    _expect(server, ExecStatus.COMMAND_OK)
        except psycopg.Error as error:
            if not is_refusal(error):
                self.close()
            raise
        self._begun = batch

    def _quickly(self, batch: Batch) -> Outcome:
        """Copy all rows; raises `psycopg.errors.UniqueViolation` where one of the ids is stored or comes twice."""
        self._begin(batch)
        self._begun = None
        server = self._connected().pgconn
        _expect(server, ExecStatus.COMMAND_OK)
        if batch.ends:
            _expect(server, ExecStatus.COMMAND_OK)
        while server.get_result() is not None:
            pass
        return Outcome(batch.size, 0, [])

    def _carefully(self, batch: Batch) -> Outcome:
        """Copy the rows whose ids are not stored yet, each once."""
        connection = self._connected()
        stored, duplicates, letters = 0, 0, list(batch.letters)
        with connection.transaction(), connection.cursor() as cursor:
            for table in batch.tables:
                fresh, known, conflicts = _sift(cursor, table)
                _copy(cursor, table.entity, fresh)
                stored, duplicates = stored + len(fresh), duplicates + known
                letters += conflicts
            _insert_letters(cursor, letters)
            if batch.ends:
                cursor.execute(moved(self._group, batch.ends))
        return Outcome(stored, duplicates, letters)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                connect_timeout=3,
                application_name=f"seawall-{self._name}",
                options=f"-c statement_timeout={self._timeout_ms}",
                # a server that vanished without a word must not hold a batch for ever
                tcp_user_timeout=self._timeout_ms,
                autocommit=True,
            )
            self._connection.pgconn.nonblocking = 0
        return self._connection


def is_refusal(error: psycopg.Error) -> bool:
    """Tell whether the database refuses the values themselves, now and for ever."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)  # refused by the driver before it was sent
    if isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name in _PRIMARY_KEYS:
        return False  # another sink was quicker; the next look will find its row
    return error.sqlstate[:2] in _REFUSALS and error.sqlstate != _NOT_OUR_FORMAT


def _expect(server: PGconn, status: ExecStatus) -> None:
    """Wait for the next result of a query; raises its error, and takes what else the query brought."""
    result = server.get_result()
    if result is None:
        raise psycopg.OperationalError("the server has no answer")
    if result.status == status:
        return
    while server.get_result() is not None:
        pass
    raise psycopg.errors.error_from_result(result)


def _copy(cursor: psycopg.Cursor, entity: Entity, rows: Sequence[bytes]) -> None:
    if rows:
        with cursor.copy(_COPY_IN[entity.name].decode()) as copy:
            copy.write(b"".join([HEADER, *rows, TRAILER]))


def _sift(cursor: psycopg.Cursor, table: Rows) -> tuple[list[bytes], int, list[DeadLetter]]:
    """Return the rows whose ids are new, how many others are duplicates, and those that contradict the first."""
    known = _stored(cursor, table)
    fresh, duplicates, conflicts = [], 0, []
    for row, message in zip(table.rows, table.messages, strict=True):
        first = known.setdefault(id_of(row), row)
        if first is row:
            fresh.append(row)
        elif first == row:
            duplicates += 1
        else:
            conflicts.append(DeadLetter(message, CONFLICT))
    return fresh, duplicates, conflicts


def _stored(cursor: psycopg.Cursor, table: Rows) -> dict[bytes, bytes]:
    """Return the stored rows with the ids of *table*, in the format of its own rows, by id."""
    ids = "{" + ",".join(id_of(row).hex() for row in table.rows) + "}"
    with cursor.copy(_COPY_OUT[table.entity.name], [ids]) as copy:
        # each row comes by itself, the header with the first, or with the trailer if there is none
        found = [bytes(row).removeprefix(HEADER) for row in copy]
    return {id_of(row): row for row in found if row and row != TRAILER}


def _insert_letters(cursor: psycopg.Cursor, letters: Iterable[DeadLetter]) -> None:
    if not letters:
        return
    now = datetime.now(UTC)
    cursor.executemany(
        "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            (*letter.place, letter.message.key(), letter.message.value(), letter.reason[:REASON_CHARACTERS], now)
            for letter in letters
        ],
    )


def _columns(entity: Entity) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, entity.fields))


_COPY_IN = {
    name: sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(name), _columns(entity)).as_bytes()
    for name, entity in ENTITIES.items()
}
_COPY_OUT = {
    name: sql.SQL("COPY (SELECT {} FROM {} WHERE id = ANY(%s::uuid[])) TO STDOUT (FORMAT binary)")
    .format(_columns(entity), sql.Identifier(name))
    .as_string()
    for name, entity in ENTITIES.items()
}
_PRIMARY_KEYS = {f"{name}_pkey" for name in ENTITIES}
