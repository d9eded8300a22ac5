"""A plain synchronous engine for set-up, and the rows with which every database begins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from contract import mariadb
from contract.connections import MARIADB, Connections
from contract.entities import ENTITIES
from contract.samples import base_records
from contract.tables import TABLES


def engine_of(connections: Connections, *, within_s: float = 60.0, **pool: Any) -> sa.Engine:
    """Return a plain synchronous engine, for set-up and never for measured work; *pool* is its own, if any.

    No statement of MariaDB takes longer than *within_s*; PostgreSQL has no such limit.
    """
    url, pool = connections.plain_database_url, pool or {"poolclass": sa.NullPool}
    if connections.database == MARIADB:
        return sa.create_engine(
            "mysql+pymysql://", creator=lambda: mariadb.connect(url, timeout_s=within_s, autocommit=False), **pool
        )
    return sa.create_engine(url.replace("postgresql", "postgresql+psycopg", 1), **pool)


def add_base_rows(connection: sa.Connection) -> None:
    """Insert the base rows that are not there yet."""
    for entity in ENTITIES.values():
        if not entity.base_rows:
            continue
        table = TABLES[entity.name]
        present = set(connection.scalars(sa.select(table.c.id)))
        rows = [
            {name: getattr(record, name) for name in entity.fields}
            for record in base_records(entity)
            if record.id not in present
        ]
        if rows:
            connection.execute(table.insert(), rows)
