"""Records as rows of an INSERT of MariaDB or MySQL, a batch's column at a time, and back.

Columns and not rows, so that the work is done by loops of the interpreter's own, and so that a new entity needs nothing
here. A row is its text in parentheses, an id 16 bytes in hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from contract.entities import ENTITIES, Entity, Record
from contract.tables import TABLES

_ID = slice(3, 35)
"""Behind ``(0x``."""
LONGEST_STATEMENT = 1 << 20
"""Bytes of rows in one INSERT: far below the least `max_allowed_packet` that servers are shipped with."""

Encode = Callable[[Sequence[Any]], Iterable[str]]


def _uuids(column: Sequence[UUID]) -> list[str]:
    return [f"0x{value.hex}" for value in column]


def _numbers(column: Sequence[int]) -> Iterable[str]:
    return map(str, column)


def _texts(column: Sequence[str]) -> list[str]:
    escaped = [value.replace("\\", "\\\\").replace("'", "\\'") for value in column]
    return [f"'{value}'" for value in escaped]


def _moments(column: Sequence[datetime]) -> list[str]:
    return [f"'{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'" for value in column]


_ENCODERS: Sequence[tuple[type[sa.types.TypeEngine[Any]], Encode]] = (
    (sa.Uuid, _uuids),
    (sa.Integer, _numbers),
    (sa.String, _texts),
    (sa.DateTime, _moments),
)


class RowText:
    """How records of one entity become rows of its table, and rows records.

    Two records are equal exactly if their rows are.
    """

    def __init__(self, entity: Entity) -> None:
        kinds = [TABLES[entity.name].c[name].type for name in entity.fields]
        self._entity = entity
        self._encoders = [next(encode for kind, encode in _ENCODERS if isinstance(one, kind)) for one in kinds]
        self._ids = [name for name, kind in zip(entity.fields, kinds, strict=True) if isinstance(kind, sa.Uuid)]
        self._moments = [name for name, kind in zip(entity.fields, kinds, strict=True) if isinstance(kind, sa.DateTime)]
        columns = ", ".join(entity.fields)
        self._insert = f"INSERT INTO {entity.name} ({columns}) VALUES ".encode()  # noqa: S608 - names of the contract
        self._select = f"SELECT {columns} FROM {entity.name} WHERE id IN (".encode()  # noqa: S608 - as above

    def rows(self, records: Sequence[Record]) -> list[bytes]:
        """Return a row for each of *records*."""
        if not records:
            return []
        columns = zip(*map(msgspec.structs.astuple, records), strict=True)
        fields = (encode(column) for encode, column in zip(self._encoders, columns, strict=True))
        return [f"({','.join(row)})".encode() for row in zip(*fields, strict=True)]

    def record(self, values: Sequence[Any]) -> Record:
        """Return the record of a stored row, whose *values* are as the clients of MariaDB give them."""
        fields = dict(zip(self._entity.fields, values, strict=True))
        for name in self._ids:
            fields[name] = UUID(bytes=fields[name])
        for name in self._moments:
            fields[name] = fields[name].replace(tzinfo=UTC)
        return self._entity.record(**fields)

    def inserts(self, rows: Sequence[bytes]) -> Iterator[bytes]:
        """Yield as few statements as insert *rows*; each leaves stored ids alone, and counts the others."""
        begin, size = 0, 0
        for end, row in enumerate(rows):
            if size and size + len(row) > LONGEST_STATEMENT:
                yield self._insert_of(rows[begin:end])
                begin, size = end, 0
            size += len(row) + 1
        if begin < len(rows):
            yield self._insert_of(rows[begin:])

    def select(self, identities: Iterable[bytes]) -> bytes:
        """Return the statement that reads the rows with these ids."""
        return self._select + b",".join(b"0x" + one.hex().encode() for one in identities) + b")"

    def _insert_of(self, rows: Sequence[bytes]) -> bytes:
        return self._insert + b",".join(rows) + b" ON DUPLICATE KEY UPDATE id = id"


def id_of(row: bytes) -> bytes:
    """Return the 16 bytes of the id in *row*."""
    return bytes.fromhex(row[_ID].decode())


ROW_TEXTS = {name: RowText(entity) for name, entity in ENTITIES.items()}
