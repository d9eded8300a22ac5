"""Types of columns that hold the same values in PostgreSQL and in MariaDB or MySQL.

In PostgreSQL they are its own. Elsewhere a UUID is 16 bytes, which sort as UUIDs do (MariaDB's type sorts by version,
MySQL has none), a moment is the wall clock of UTC in microseconds, and text is compared byte by byte.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.compiler import DDLCompiler

DIALECTS = ("mysql", "mariadb")
"""SQLAlchemy's names of those that are not PostgreSQL."""


class _Bytes16(sa.types.TypeDecorator[UUID]):
    impl = mysql.BINARY
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(16)

    def process_bind_param(self, value: UUID | None, dialect: sa.Dialect) -> bytes | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value.bytes

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> UUID | None:  # noqa: ARG002 - as above
        return None if value is None else UUID(bytes=value)


class _WallClockOfUtc(sa.types.TypeDecorator[datetime]):
    impl = mysql.DATETIME
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(fsp=6)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - as above
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - as above
        return None if value is None else value.replace(tzinfo=UTC)


def identity() -> sa.Uuid[UUID]:
    """Return the type of a UUID."""
    return sa.Uuid().with_variant(_Bytes16(), *DIALECTS)


def moment() -> sa.DateTime:
    """Return the type of a moment, to the microsecond."""
    return sa.DateTime(timezone=True).with_variant(_WallClockOfUtc(), *DIALECTS)


def content() -> sa.LargeBinary:
    """Return the type of bytes of any length."""
    return sa.LargeBinary().with_variant(mysql.LONGBLOB(), *DIALECTS)


def rendered(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Return how a new migration writes a type of this module; False where it is SQLAlchemy's own (Alembic's hook)."""
    known = {sa.Uuid: identity, sa.DateTime: moment, sa.LargeBinary: content}
    if kind != "type" or type(item) not in known:
        return False
    context.imports.add("from contract import columns")
    return f"columns.{known[type(item)].__name__}()"


@compiles(CreateTable, *DIALECTS)
def _create_table(element: CreateTable, compiler: DDLCompiler, **options: Any) -> str:
    """Say what a server may have other defaults for, since records are of any language, and topics not its words."""
    text = compiler.visit_create_table(element, **options).rstrip()  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
    return f"{text} ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
