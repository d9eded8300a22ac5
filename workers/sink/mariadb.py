"""MariaDB or MySQL, as a sink uses it: all entities of a batch in one transaction, each with INSERTs of many rows.

An INSERT passes over ids that are stored and says how many rows were new. Only where some were not, the stored ones are
read, to tell what is a duplicate from what contradicts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pymysql

from contract import mariadb
from contract.journal import Span
from contract.mariadb_rows import ROW_TEXTS, id_of
from workers.sink.batches import CONFLICT, REASON_CHARACTERS, Batch, DeadLetter, RowFormat, Rows
from workers.sink.database import Fenced, Outcome
from workers.sink.offset_table import ends_of
from workers.sink.settings import Settings

_WITHIN_S = 5.0
_NULL_REFUSED = 1048
_TAKEN = "the database refuses it: a value that has to be unique there is another row's"
_FENCE = "next_offset"
_LETTER = (
    "INSERT INTO dead_letters (topic, `partition`, `offset`, `key`, value, reason, buried_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE topic = topic"
)
_LOOK = "SELECT topic, `partition`, next_offset FROM sink_offsets WHERE sink_group = %s"
# the first assignment still sees the offset as it was; NULL breaks the column's rule, which is the fence
_MOVE = (
    "INSERT INTO sink_offsets (sink_group, topic, `partition`, batch_offset, next_offset) VALUES (%s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE next_offset ="
    " IF(next_offset <= VALUES(batch_offset) OR next_offset = VALUES(next_offset), VALUES(next_offset), NULL),"
    " batch_offset = VALUES(batch_offset)"
)


class MariaDB:
    """The one at *url*."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)
    formats: Mapping[str, RowFormat] = ROW_TEXTS

    def __init__(self, url: str) -> None:
        self.url = url

    def writer(self, settings: Settings) -> MariaDBWriter:
        """Return what writes by INSERTs of many rows."""
        return MariaDBWriter(self.url, timeout_s=settings.sink_database_timeout_s, group=settings.sink_group)

    def kept_offsets(self, group: str, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return where the *group* goes on; raises `pymysql.MySQLError`."""
        wanted = set(pairs)
        with mariadb.connect(self.url, timeout_s=_WITHIN_S) as connection, connection.cursor() as cursor:
            cursor.execute(_LOOK, (group,))
            found: Sequence[Any] = cursor.fetchall()
        return {(topic, partition): offset for topic, partition, offset in found if (topic, partition) in wanted}


class MariaDBWriter:
    """One connection, opened when it is needed."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, url: str, *, timeout_s: float, group: str = "") -> None:
        """*group* is whose offsets are moved, where batches ask for it."""
        self._url, self._timeout_s, self._group = url, timeout_s, group
        self._connection: pymysql.Connection[Any] | None = None

    def begin(self, batch: Batch) -> None:
        """Send nothing: the client reads each answer before it sends more."""

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*; a record that is stored already is absorbed, one that contradicts becomes a dead letter.

        Raises `pymysql.MySQLError`, and `Fenced`.
        """
        if not batch.size and not batch.letters and not batch.ends:
            return Outcome(0, 0, [])
        try:
            return self._commit(batch)
        except pymysql.MySQLError as error:
            fenced = _is_fence(error)
            if fenced or self.refusal(error):
                self._roll_back()
            else:
                self.close()
            if fenced:
                raise Fenced("another sink has gone on with a partition of this one") from None
            raise

    def refusal(self, error: Exception) -> str:
        """Return why the database refuses the values themselves; empty where it does not."""
        if mariadb.number_of(error) not in mariadb.REFUSALS:
            return ""
        return f"the database refuses it: {mariadb.text_of(error)}"

    def close(self) -> None:
        """Close the connection, and with it what has been begun."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()

    def _commit(self, batch: Batch) -> Outcome:
        connection = self._connected()
        letters = list(batch.letters)
        with connection.cursor() as cursor:
            new = [_insert(cursor, table) for table in batch.tables]
            # after the last INSERT, since the first look settles which rows the transaction sees
            for table, count in zip(batch.tables, new, strict=True):
                if count < len(table.rows):
                    letters += _contradictions(cursor, table)
            if letters:
                cursor.executemany(_LETTER, _letter_rows(letters))
            if batch.ends:
                cursor.executemany(_MOVE, _offset_rows(self._group, batch.ends))
        connection.commit()
        stored = sum(new)
        return Outcome(stored, batch.size + len(batch.letters) - stored - len(letters), letters)

    def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except pymysql.MySQLError:
            self.close()

    def _connected(self) -> pymysql.Connection[Any]:
        if self._connection is None:
            self._connection = mariadb.connect(
                self._url, timeout_s=self._timeout_s, connect_timeout_s=3, autocommit=False, binary_prefix=True
            )
        return self._connection


def _is_fence(error: pymysql.MySQLError) -> bool:
    """Tell whether the database refused to move an offset that another sink has moved."""
    return mariadb.number_of(error) == _NULL_REFUSED and _FENCE in mariadb.text_of(error)


def _insert(cursor: Any, table: Rows) -> int:
    """Insert the rows whose ids are not stored, and return how many that were."""
    return sum(cursor.execute(statement) for statement in ROW_TEXTS[table.entity.name].inserts(table.rows))


def _contradictions(cursor: Any, table: Rows) -> list[DeadLetter]:
    """Return those of *table* under whose ids something else is stored, or that another rule kept out."""
    text = ROW_TEXTS[table.entity.name]
    cursor.execute(text.select({id_of(row) for row in table.rows}))
    stored = {id_of(row): row for row in text.rows([text.record(values) for values in cursor.fetchall()])}
    return [
        DeadLetter(message, CONFLICT if id_of(row) in stored else _TAKEN)
        for row, message in zip(table.rows, table.messages, strict=True)
        if stored.get(id_of(row)) != row
    ]


def _letter_rows(letters: Sequence[DeadLetter]) -> list[tuple[Any, ...]]:
    now = datetime.now(UTC).replace(tzinfo=None)
    return [
        (*letter.place, letter.message.key(), letter.message.value(), letter.reason[:REASON_CHARACTERS], now)
        for letter in letters
    ]


def _offset_rows(group: str, spans: Sequence[Span]) -> list[tuple[Any, ...]]:
    return [(group, *pair, *ends) for pair, ends in ends_of(spans).items()]
