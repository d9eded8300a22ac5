"""Writes batches into PostgreSQL: all entities of a batch in one transaction, each with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql.base import PGDialect

from contract.entities import ENTITIES, Entity, Record
from contract.tables import TABLES
from workers.sink.batches import Batch, DeadLetter, Row

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left its constructor untyped
_REASON_CHARACTERS = 500
_REFUSALS = ("22", "23")  # data exception, integrity constraint violation
_CONFLICT = "conflict: another record with this id is stored"


class Outcome(NamedTuple):
    """What one committed batch came to."""

    stored: int
    duplicates: int
    letters: Sequence[DeadLetter]


class Writer:
    """One connection, opened when it is needed."""

    def __init__(self, url: str, *, name: str, timeout_s: float) -> None:
        self._url = url
        self._name = name
        self._timeout_ms = int(timeout_s * 1000)
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*; a record that is stored already is absorbed, one that contradicts becomes a dead letter.

        Raises `psycopg.Error`; `is_refusal` tells whether it will be raised again for the same batch.
        """
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                stored, conflicts = _insert_rows(cursor, batch.rows)
                letters = [*batch.letters, *conflicts]
                if letters:
                    _insert_letters(cursor, letters)
            return Outcome(stored, len(batch.rows) - stored - len(conflicts), letters)
        except psycopg.Error as error:
            if not is_refusal(error):
                self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _connected(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                row_factory=dict_row,
                connect_timeout=3,
                application_name=f"seawall-{self._name}",
                options=f"-c statement_timeout={self._timeout_ms}",
                # a server that vanished without a word must not hold a batch for ever
                tcp_user_timeout=self._timeout_ms,
            )
            self._connection.prepare_threshold = 1
        return self._connection


def is_refusal(error: psycopg.Error) -> bool:
    """Tell whether the database refuses the values themselves, now and for ever."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)  # refused by the driver before it was sent
    return error.sqlstate[:2] in _REFUSALS


def _insert_rows(cursor: psycopg.Cursor[dict[str, Any]], rows: Iterable[Row]) -> tuple[int, list[DeadLetter]]:
    """Insert *rows*; return how many were new, and those that contradict what is stored."""
    by_entity: dict[str, list[Row]] = {}
    for row in rows:
        by_entity.setdefault(row.entity.name, []).append(row)
    stored, conflicts = 0, []
    # in the same order in every sink, so that two of them cannot deadlock over entities
    for name in sorted(by_entity):
        first: dict[UUID, Record] = {}
        for row in by_entity[name]:
            first.setdefault(row.record.id, row.record)
        cursor.execute(_INSERT[name], list(map(list, zip(*map(msgspec.structs.astuple, first.values()), strict=True))))
        new = {row["id"] for row in cursor}
        stored += len(new)
        if len(new) == len(by_entity[name]):
            continue
        present = {identity: record for identity, record in first.items() if identity in new}
        if old := [identity for identity in first if identity not in new]:
            cursor.execute(_SELECT[name], [old])
            make = ENTITIES[name].record
            present.update({found["id"]: make(**found) for found in cursor})
        conflicts += [
            DeadLetter(row.place, _CONFLICT, row.message)
            for row in by_entity[name]
            if present.get(row.record.id) != row.record
        ]
    return stored, conflicts


def _insert_letters(cursor: psycopg.Cursor[dict[str, Any]], letters: Iterable[DeadLetter]) -> None:
    now = datetime.now(UTC)
    cursor.executemany(
        "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            (*letter.place, letter.message.key(), letter.message.value(), letter.reason[:_REASON_CHARACTERS], now)
            for letter in letters
        ],
    )


def _array_type(entity: Entity, name: str) -> str:
    """Return the parameter's type; text has no length here, as a cast to a shorter one would cut it silently."""
    kind = str(TABLES[entity.name].c[name].type.compile(_DIALECT))
    return "TEXT[]" if kind.startswith("VARCHAR") else f"{kind}[]"


def _insert_of(entity: Entity) -> str:
    parameters = ", ".join(f"%s::{_array_type(entity, name)}" for name in entity.fields)
    columns = ", ".join(entity.fields)
    return (
        f"INSERT INTO {entity.name} ({columns}) SELECT * FROM unnest({parameters}) "  # noqa: S608 - names of the contract
        "ON CONFLICT (id) DO NOTHING RETURNING id"
    )


_INSERT = {name: _insert_of(entity) for name, entity in ENTITIES.items()}
_SELECT = {
    name: f"SELECT {', '.join(entity.fields)} FROM {name} WHERE id = ANY(%s::UUID[])"  # noqa: S608 - as above
    for name, entity in ENTITIES.items()
}
