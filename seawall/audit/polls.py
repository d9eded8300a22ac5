"""How the independent reader asks each database which rows are there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg import pq, sql

from contract import mariadb
from contract.entities import Entity
from seawall.audit.follow import Encode, Wanted, hexadecimal_list, uuid_array

_PATIENCE_S = 5
_SETTINGS = f"-c enable_seqscan=off -c enable_bitmapscan=off -c jit=off -c statement_timeout={_PATIENCE_S}s"
"""A plan made for an empty table must not scan it when it is full."""


class Polls(Protocol):
    """One connection, which is opened again when it is lost."""

    errors: tuple[type[Exception], ...]
    encode: Encode

    def first_from(self, identity: UUID) -> UUID | None:
        """Return the first id of a table's rows from *identity* on; None where there is none."""
        ...

    def seen(self, wanted: Sequence[Wanted]) -> list[int]:
        """Return the lower bits of the wanted ids, which come entity by entity, that have a row."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def polls_of(url: str, entities: Sequence[Entity]) -> Polls:
    """Return what asks the tables of *entities* in the database at *url*."""
    return MariaDbPolls(url, entities) if url.startswith(mariadb.SCHEMES) else PostgresPolls(url, entities)


class PostgresPolls:
    """By a prepared statement."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    encode: Encode = staticmethod(uuid_array)

    def __init__(self, url: str, entities: Sequence[Entity]) -> None:
        self._url, self._entities = url, entities
        self._connection: psycopg.Connection | None = None

    def first_from(self, identity: UUID) -> UUID | None:
        """Return the first id of the first table that has one."""
        for entity in self._entities:
            statement = sql.SQL("SELECT id FROM {} WHERE id >= %s ORDER BY id LIMIT 1")
            found = self._connected().execute(statement.format(sql.Identifier(entity.name)), (identity,)).fetchone()
            if found is not None:
                return UUID(int=found[0].int)
        return None

    def seen(self, wanted: Sequence[Wanted]) -> list[int]:
        """Return the lower bits of those that have a row.

        Straight over libpq: encoding a hundred UUIDs a poll one by one would cost more than the database's answer.
        """
        parameters = [one.encoded for one in wanted]
        result = self._connected().pgconn.exec_prepared(b"poll", parameters, [1] * len(parameters), 1)
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
        values = [result.get_value(row, 0) for row in range(result.ntuples)]
        return [int.from_bytes(value[8:], "big") for value in values if value is not None]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(psycopg.Error):
                connection.close()

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, application_name="seawall-reader", options=_SETTINGS
            )
            # One statement for all tables, so that a poll is one question.
            query = " UNION ALL ".join(
                f'SELECT id FROM "{entity.name}" WHERE id = ANY(${number}::uuid[])'  # noqa: S608 - names of the contract
                for number, entity in enumerate(self._entities, 1)
            )
            prepared = self._connection.pgconn.prepare(b"poll", query.encode())
            if prepared.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.OperationalError(prepared.error_message.decode(errors="replace"))
        return self._connection


class MariaDbPolls:
    """By a statement that holds the ids."""

    errors: tuple[type[Exception], ...] = ()
    encode: Encode = staticmethod(hexadecimal_list)

    def __init__(self, url: str, entities: Sequence[Entity]) -> None:
        import pymysql  # noqa: PLC0415 - few need it

        self.errors = (pymysql.MySQLError,)
        self._url, self._entities = url, entities
        self._connection: pymysql.Connection[Any] | None = None

    def first_from(self, identity: UUID) -> UUID | None:
        """Return the first id of the first table that has one."""
        with self._connected().cursor() as cursor:
            for entity in self._entities:
                cursor.execute(
                    f"SELECT id FROM {entity.name} WHERE id >= 0x{identity.hex} ORDER BY id LIMIT 1"  # noqa: S608 - as above
                )
                found = cursor.fetchone()
                if found is not None:
                    return UUID(bytes=found[0])
        return None

    def seen(self, wanted: Sequence[Wanted]) -> list[int]:
        """Return the lower bits of those that have a row."""
        query = b" UNION ALL ".join(
            b"SELECT RIGHT(id, 8) FROM %s FORCE INDEX (PRIMARY) WHERE id IN (%s)" % (entity.name.encode(), one.encoded)
            for entity, one in zip(self._entities, wanted, strict=True)
        )
        with self._connected().cursor() as cursor:
            cursor.execute(query)
            return [int.from_bytes(value, "big") for (value,) in cursor.fetchall()]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(*self.errors, OSError):
                connection.close()

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = mariadb.connect(self._url, timeout_s=_PATIENCE_S, connect_timeout_s=3)
        return self._connection
