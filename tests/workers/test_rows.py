"""Rows as sinks write them: what each database makes of them, and what it says of stored ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import psycopg
import pytest
from new_records import new_record
from psycopg import sql

from contract import mariadb
from contract.entities import EARLIEST, ENTITIES, LATEST, Entity, Record
from contract.mariadb_rows import ROW_TEXTS
from contract.samples import sample_fields
from seawall.stack.stack import Stack
from workers.sink.rows import HEADER, ROW_FORMATS, TRAILER, id_of

_LAST = LATEST - timedelta(microseconds=1)
_LONG = "가" * 4000
_WIDE = "😀" * 200

EXTREMES: dict[str, list[dict[str, Any]]] = {
    "products": [
        {"description": "", "stock": 0, "price_cents": 0, "created_at": EARLIEST},
        {
            "description": _LONG,
            "name": _WIDE,
            "sku": "ÿ" * 40,
            "price_cents": 10**12,
            "stock": 10**9,
            "created_at": _LAST,
        },
        {"description": 'tab\tnew\nline\\. \\N "quoted" \'; --', "name": "\x01\x7f\u2028", "category": "\\."},
    ],
    "users": [
        {"name": _WIDE, "age": 0, "email": f"{'é' * 252}@a", "city": "\\N", "created_at": _LAST},
        {"age": 150, "email": "a@b", "created_at": datetime(1970, 1, 1, 0, 30, tzinfo=UTC)},
    ],
    "orders": [
        {
            "note": "",
            "quantity": 1,
            "total_cents": 0,
            "placed_at": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        },
        {"note": _LONG, "quantity": 10_000, "total_cents": 10**12, "placed_at": datetime(2000, 1, 1, tzinfo=UTC)},
        {"status": "cancelled", "placed_at": datetime(2026, 2, 28, 23, 0, 0, 1, tzinfo=timezone(timedelta(hours=-9)))},
    ],
    "reviews": [
        {"review_text": _LONG, "rating": 1, "review_id": 0, "written_at": EARLIEST},
        {"review_text": _WIDE, "rating": 5, "review_id": 10**12, "written_at": _LAST},
        {"review_text": 'tab\tnew\nline\\. \\N "quoted" \'; --'},
    ],
}


@pytest.fixture
def table(stack: Stack) -> Iterator[psycopg.Connection]:
    """Yield a connection whose changes are taken back."""
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection
        connection.rollback()


def _records(entity: Entity) -> list[Record]:
    drawn = [new_record(entity, **fields) for fields in sample_fields(entity, 5, 50)]
    return drawn + [new_record(entity, **fields) for fields in EXTREMES[entity.name]]


def _named(statement: str, entity: Entity) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, entity.fields))
    return sql.SQL(statement).format(table=sql.Identifier(entity.name), columns=columns)


def _copy_in(table: psycopg.Connection, entity: Entity, rows: list[bytes]) -> None:
    with table.cursor().copy(_named("COPY {table} ({columns}) FROM STDIN (FORMAT binary)", entity)) as copy:
        copy.write(HEADER + b"".join(rows) + TRAILER)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_a_row_is_stored_field_by_field_as_an_insert_stores_it(table: psycopg.Connection, entity: Entity) -> None:
    """Drawn and extreme values come out as the record that went in, and PostgreSQL finds no difference to an INSERT."""
    records = _records(entity)
    _copy_in(table, entity, ROW_FORMATS[entity.name].rows(records))
    select = _named("SELECT {columns} FROM {table} WHERE id = ANY(%s)", entity)
    ids = [record.id for record in records]
    copied = {row[0]: row for row in table.execute(select, [ids])}
    assert [entity.record(**dict(zip(entity.fields, copied[one], strict=True))) for one in ids] == records

    table.execute(_named("DELETE FROM {table} WHERE id = ANY(%s)", entity), [ids])
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(entity.fields))
    insert = _named("INSERT INTO {table} ({columns}) VALUES ", entity) + sql.SQL("({})").format(marks)
    table.cursor().executemany(insert, [msgspec.structs.astuple(record) for record in records])
    assert {row[0]: row for row in table.execute(select, [ids])} == copied


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_a_stored_row_reads_as_it_was_written(table: psycopg.Connection, entity: Entity) -> None:
    """What COPY says of a stored row is byte for byte the row, so two of them can be compared without decoding."""
    rows = ROW_FORMATS[entity.name].rows(_records(entity))
    _copy_in(table, entity, rows)
    query = "COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT binary)"
    with table.cursor().copy(_named(query, entity)) as copy:
        found = {bytes(part).removeprefix(HEADER) for part in copy}
    assert set(rows) <= found


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_a_row_of_an_insert_is_stored_and_read_as_it_was_written(mariadb_url: str, entity: Entity) -> None:
    """In MariaDB: as the record that went in, as rows that equal the first, and not a second time."""
    text, records = ROW_TEXTS[entity.name], _records(entity)
    rows = text.rows(records)
    with mariadb.connect(mariadb_url, autocommit=False) as connection, connection.cursor() as cursor:
        for again in (False, True):
            counts = [cursor.execute(statement) for statement in text.inserts(rows)]
            assert sum(counts) == (0 if again else len(rows))
        cursor.execute(text.select(one.id.bytes for one in records))
        stored = {record.id: record for record in map(text.record, cursor.fetchall())}
        connection.rollback()
    assert [stored[one.id] for one in records] == records
    assert set(text.rows(list(stored.values()))) == set(rows)


def test_the_id_of_a_row_is_that_of_its_record() -> None:
    """For every entity, since the id is its first field."""
    for entity in ENTITIES.values():
        records = _records(entity)
        assert [id_of(row) for row in ROW_FORMATS[entity.name].rows(records)] == [one.id.bytes for one in records]


def test_no_records_make_no_rows() -> None:
    """An entity whose messages are all dead letters has nothing to copy."""
    assert ROW_FORMATS["users"].rows([]) == []
