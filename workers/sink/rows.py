"""Records as rows in PostgreSQL's binary COPY format, a batch's column at a time.

Columns and not rows, so that the work is done by loops of the interpreter's own, and so that a new entity needs nothing
here. The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from contract.entities import ENTITIES, Entity, Record
from contract.tables import TABLES

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
"""What a COPY begins with: the signature, no flags, no extension."""
TRAILER = struct.pack(">h", -1)
"""What it ends with, in the place of a row."""

# Each field is its length, a 32-bit number, and its bytes.
_length = struct.Struct(">i").pack
_integer = struct.Struct(">ii").pack
_bigint = struct.Struct(">iq").pack
_UUID_LENGTH = 16 << 128  # as the upper bits of one number with the UUID
_ID = slice(6, 22)  # behind the number of fields and the length
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Encode = Callable[[Sequence[Any]], Iterable[bytes]]


def _uuids(column: Sequence[UUID]) -> list[bytes]:
    return [(_UUID_LENGTH | value.int).to_bytes(20, "big") for value in column]


def _integers(column: Sequence[int]) -> Iterable[bytes]:
    return map(_integer, repeat(4), column)


def _bigints(column: Sequence[int]) -> Iterable[bytes]:
    return map(_bigint, repeat(8), column)


def _texts(column: Sequence[str]) -> Iterable[bytes]:
    encoded = list(map(str.encode, column))
    return map(bytes.__add__, map(_length, map(len, encoded)), encoded)


def _moments(column: Sequence[datetime]) -> Iterable[bytes]:
    """Encode as microseconds since 2000."""
    since = [value - _EPOCH for value in column]
    micros = [(one.days * 86_400 + one.seconds) * 1_000_000 + one.microseconds for one in since]
    return map(_bigint, repeat(8), micros)


_ENCODERS: Sequence[tuple[type[sa.types.TypeEngine[Any]], Encode]] = (
    (sa.Uuid, _uuids),
    (sa.BigInteger, _bigints),  # before its base class
    (sa.Integer, _integers),
    (sa.String, _texts),
    (sa.DateTime, _moments),
)


class RowFormat:
    """How records of one entity become rows of its table.

    Two records are equal exactly if their rows are, and so are a record and what `COPY ... TO` says of a stored row.
    """

    def __init__(self, entity: Entity) -> None:
        columns = [TABLES[entity.name].c[name].type for name in entity.fields]
        self._encoders = [next(encode for kind, encode in _ENCODERS if isinstance(one, kind)) for one in columns]
        self._head = struct.pack(">h", len(columns))

    def rows(self, records: Sequence[Record]) -> list[bytes]:
        """Return a row for each of *records*."""
        if not records:
            return []
        columns = zip(*map(msgspec.structs.astuple, records), strict=True)
        fields = (encode(column) for encode, column in zip(self._encoders, columns, strict=True))
        return list(map(b"".join, zip(repeat(self._head), *fields, strict=False)))


def id_of(row: bytes) -> bytes:
    """Return the 16 bytes of the id in *row*."""
    return row[_ID]


ROW_FORMATS = {name: RowFormat(entity) for name, entity in ENTITIES.items()}
