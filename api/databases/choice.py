"""Which database it is."""

from __future__ import annotations

from api.databases.database import Database
from api.databases.postgresql import PostgreSQL
from api.settings import Settings
from contract.connections import MARIADB, Connections


def database_of(connections: Connections, settings: Settings) -> Database:
    """Return the database that *connections* name; raises `BadConnection` where they name none."""
    if connections.database == MARIADB:
        from api.databases.mariadb import MariaDB  # noqa: PLC0415 - loads a driver that few need

        return MariaDB(connections, settings)
    return PostgreSQL(connections, settings)
