"""How the API reaches PostgreSQL, and what its errors mean."""

from __future__ import annotations

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.settings import Settings
from contract.connections import Connections

LOST_CONNECTION = (OSError, TimeoutError, sa.exc.DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What database work can raise when the database, not the program, is at fault."""

_REFUSALS = ("22", "23")  # data exception, integrity constraint violation
_DISCONNECTS = ("08", "57")  # connection exception, operator intervention


def engine_of(connections: Connections, settings: Settings, *, name: str, pool_size: int) -> AsyncEngine:
    """Return an engine with a pool of its own, in autocommit mode; connects when it is first used."""
    url, arguments = connections.psycopg_url, connect_arguments(settings, name)

    async def connect(**_: object) -> asyncpg.Connection:
        # SQLAlchemy takes URLs apart, and then asyncpg would not hear of `sslmode` and its like
        return await asyncpg.connect(url, **arguments)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=settings.sync_pool_timeout_s,
        pool_use_lifo=True,
    )


def connect_arguments(settings: Settings, name: str) -> dict[str, object]:
    """Return asyncpg's arguments besides the address."""
    return {
        "timeout": settings.database_connect_timeout_s,
        "command_timeout": settings.database_timeout_s,
        "server_settings": {"application_name": f"seawall-api-{name}"},
    }


def sql_state(error: BaseException) -> str:
    """Return the SQLSTATE that *error* carries, or an empty string."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def is_refusal(error: BaseException) -> bool:
    """Tell whether the database refuses the values themselves, now and for ever."""
    return sql_state(error)[:2] in _REFUSALS


def is_disconnect(error: BaseException) -> bool:
    """Tell whether the connection is gone, so that a new one may do better."""
    if isinstance(error, sa.exc.DBAPIError):
        return bool(error.connection_invalidated) or sql_state(error)[:2] in _DISCONNECTS
    if isinstance(error, asyncpg.PostgresError):
        return sql_state(error)[:2] in _DISCONNECTS
    return isinstance(error, (ConnectionError, asyncpg.InterfaceError))
