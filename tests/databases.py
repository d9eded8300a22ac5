"""The databases of the contract suite, and what tests do in each by clients of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pymysql
import pytest
from pydantic import SecretStr

from contract import mariadb
from contract.connections import MARIADB, POSTGRESQL, Connections
from contract.engine import engine_of
from contract.entities import ENTITIES, Entity, Record
from contract.ids import FIRST_RUN_ID
from contract.mariadb_rows import ROW_TEXTS
from contract.migrate import upgrade
from contract.tables import TABLES, dead_letters, sink_offsets
from seawall.stack import places
from seawall.stack.children import LAUNCH
from seawall.stack.mariadb import CLIENTS, MariaDb
from seawall.stack.ports import HOST, free_ports
from seawall.stack.service import NotReady

_READY_S = 60.0
_PATIENCE_S = 5.0
SUITE = (POSTGRESQL, MARIADB)
LONG_ON_MARIADB = pytest.mark.parametrize(
    "servers", [POSTGRESQL, pytest.param(MARIADB, marks=pytest.mark.long)], indirect=True, scope="module"
)
"""Of the slowest tests, and of those that never come to the database: on the second they run with the long ones."""


class Session(Protocol):
    """A connection in autocommit mode; names that are words of SQL stand in double quotes, values as ``%s``."""

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none of a statement."""
        ...

    def records(self, entity: Entity, identities: Sequence[UUID] | None = None) -> list[Record]:
        """Return the rows with these ids, or all of them, as records in the order of their ids."""
        ...

    def insert(self, record: Record) -> None:
        """Store a record."""
        ...

    def sessions(self, sink: str) -> int:
        """Return how many sessions the sink of that name has, as far as sinks are told apart."""
        ...

    def end_others(self) -> None:
        """End all sessions of services, or of tests, but this one."""
        ...

    def lock(self, entity: Entity, *, readers_too: bool) -> None:
        """Lock a table until `unlock`."""
        ...

    def unlock(self) -> None:
        """Let go of all tables."""
        ...

    def waiting(self) -> int:
        """Return how many sessions wait for a lock."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...

    def empty(self) -> None:
        """Empty all tables that sinks write, but for the base rows."""
        for name in TABLES:
            self.ask(f"DELETE FROM {name} WHERE id >= %s", FIRST_RUN_ID)  # noqa: S608 - names of the contract
        for name in (dead_letters.name, sink_offsets.name):
            self.ask(f"DELETE FROM {name}")  # noqa: S608 - as above

    def count(self, entity: Entity) -> int:
        """Return how many rows there are."""
        ((found,),) = self.ask(f"SELECT count(*) FROM {entity.name}")  # noqa: S608 - as above
        return int(found)


class _Postgres(Session):
    def __init__(self, connections: Connections) -> None:
        self._connection = psycopg.connect(
            connections.psycopg_url, autocommit=True, options=f"-c lock_timeout={_PATIENCE_S}s"
        )

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        found = self._connection.execute(query.encode(), values or None)
        return found.fetchall() if found.description else []

    def records(self, entity: Entity, identities: Sequence[UUID] | None = None) -> list[Record]:
        chosen, values = ("", ()) if identities is None else (" WHERE id = ANY(%s)", (list(identities),))
        rows = self.ask(f"SELECT {', '.join(entity.fields)} FROM {entity.name}{chosen} ORDER BY id", *values)  # noqa: S608 - as above
        return [entity.record(**dict(zip(entity.fields, row, strict=True))) for row in rows]

    def insert(self, record: Record) -> None:
        entity = next(one for one in ENTITIES.values() if type(record) is one.record)
        marks = ", ".join(["%s"] * len(entity.fields))
        values = [getattr(record, name) for name in entity.fields]
        self.ask(f"INSERT INTO {entity.name} ({', '.join(entity.fields)}) VALUES ({marks})", *values)  # noqa: S608 - as above

    def sessions(self, sink: str) -> int:
        ((found,),) = self.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", f"seawall-{sink}")
        return int(found)

    def end_others(self) -> None:
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seawall-test'")

    def lock(self, entity: Entity, *, readers_too: bool) -> None:
        self.ask("BEGIN")
        self.ask(f"LOCK TABLE {entity.name} IN {'ACCESS EXCLUSIVE' if readers_too else 'EXCLUSIVE'} MODE")

    def unlock(self) -> None:
        self.ask("ROLLBACK")

    def waiting(self) -> int:
        ((found,),) = self.ask("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(found)

    def close(self) -> None:
        self._connection.close()


class _MariaDb(Session):
    def __init__(self, connections: Connections) -> None:
        self._connection = mariadb.connect(
            connections.plain_database_url, timeout_s=_PATIENCE_S, connect_timeout_s=_PATIENCE_S, binary_prefix=True
        )
        self.ask("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        plain = tuple(one.bytes if isinstance(one, UUID) else one for one in values)
        with self._connection.cursor() as cursor:
            cursor.execute(query, plain or None)
            return list(cursor.fetchall())

    def records(self, entity: Entity, identities: Sequence[UUID] | None = None) -> list[Record]:
        if identities is None:
            rows = self.ask(f"SELECT {', '.join(entity.fields)} FROM {entity.name}")  # noqa: S608 - as above
        else:
            rows = self.ask(ROW_TEXTS[entity.name].select(one.bytes for one in identities).decode())
        return sorted((ROW_TEXTS[entity.name].record(row) for row in rows), key=lambda one: one.id)

    def insert(self, record: Record) -> None:
        entity = next(one for one in ENTITIES.values() if type(record) is one.record)
        for statement in ROW_TEXTS[entity.name].inserts(ROW_TEXTS[entity.name].rows([record])):
            self.ask(statement.decode())

    def sessions(self, sink: str) -> int:  # noqa: ARG002 - sinks are not told apart
        return len(self._others())

    def end_others(self) -> None:
        for number in self._others():
            try:
                self.ask(f"KILL CONNECTION {number}")
            except pymysql.MySQLError as error:
                if mariadb.number_of(error) != mariadb.NO_SUCH_SESSION:
                    raise

    def _others(self) -> list[int]:
        query = "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND db = database()"
        return [number for (number,) in self.ask(query)]

    def lock(self, entity: Entity, *, readers_too: bool) -> None:
        self.ask(f"LOCK TABLES {entity.name} {'WRITE' if readers_too else 'READ'}")

    def unlock(self) -> None:
        self.ask("UNLOCK TABLES")

    def waiting(self) -> int:
        states = self.ask("SELECT state FROM information_schema.processlist")
        return sum(str(state).startswith("Waiting for table") for (state,) in states)

    def close(self) -> None:
        self._connection.close()


def session_of(connections: Connections) -> Session:
    """Return a session in the database of *connections*."""
    return _MariaDb(connections) if connections.database == MARIADB else _Postgres(connections)


def made_in(connections: Connections, name: str) -> Connections:
    """Make a database of that name, with our tables, on the server of *connections*, and return what leads there."""
    with closing(session_of(connections)) as administrator:
        administrator.ask(f"CREATE DATABASE {name}")
        if connections.database == MARIADB:
            for user in CLIENTS.values():
                administrator.ask(f"GRANT ALL PRIVILEGES ON {name}.* TO '{user}'@'{HOST}'")
    server, _, _ = connections.plain_database_url.rpartition("/")
    made = connections.model_copy(update={"database_url": SecretStr(f"{server}/{name}")})
    engine = engine_of(made)
    upgrade(engine)
    engine.dispose()
    return made


@contextmanager
def running_mariadb(*arguments: str) -> Iterator[Callable[[str], str]]:
    """Run an embedded MariaDB, and yield what gives its address for a client, or for who may do everything (``""``).

    It is told further *arguments*.
    """
    user = places.unprivileged_user()
    home = places.make_private(user, "test") if user else Path(tempfile.mkdtemp(prefix="seawall-test-"))
    log = Path(tempfile.mkdtemp(prefix="seawall-test-log-")) / "mariadb.log"
    (port,) = free_ports(1)
    server = MariaDb(directory=home, log=log, port=port, user=user)
    # it dies with this process, which may be killed
    launch = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGTERM)), "0", user or "-"]
    try:
        server.prepare()
        with (
            log.open("ab") as output,
            subprocess.Popen(
                [*launch, *server.command(), *arguments], env=server.environment(), stdout=output, stderr=output
            ) as process,
        ):
            try:
                _await_answer(server, process)
                yield lambda client: server.url_of(client) if client else server.url
            finally:
                process.send_signal(signal.SIGTERM)
    finally:
        print(log.read_text(encoding="utf-8", errors="replace")[-2_000:], file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(log.parent, ignore_errors=True)


def _await_answer(server: MariaDb, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _READY_S
    while True:
        try:
            server.answer()
        except NotReady:
            assert process.poll() is None, "MariaDB has ended"
            assert time.monotonic() < deadline_s, "MariaDB does not answer"
            time.sleep(0.05)
        else:
            return
