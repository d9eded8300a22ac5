"""Settings that running servers take without a restart: changed for an arm of an experiment, and set back.

Of PostgreSQL by ``ALTER SYSTEM`` and a reload, of MariaDB by ``SET GLOBAL``, of our topics and brokers by Kafka's
incremental change of configurations; API and sinks are started anew. Only servers of this stack are touched: on
somebody else's, a setting belongs to everybody who works there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

import psycopg
import pymysql
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource
from confluent_kafka.admin._resource import ResourceType
from psycopg import sql

from contract import mariadb
from contract.connections import MARIADB, Connections
from contract.topics import DEAD_LETTER_TOPIC, record_topics
from seawall.stack.errors import NotAdjusted
from seawall.stack.respawn import start_with
from seawall.stack.server_settings import ServerSettings
from seawall.stack.state import StackState

_SEEN_WITHIN_S = 15.0
_POLL_S = 0.02
_REQUEST_S = 10.0


class Adjustments:
    """The settings of one stack's running servers; use as a context manager, at whose end all are as they were."""

    def __init__(self, connections: Connections, state: StackState) -> None:
        self._connections, self._state = connections, state
        self._database: _Postgres | _MariaDb | None = None
        self._kafka: dict[ResourceType, _Configurations] = {}
        self._others = False
        """API and sinks have other variables than the stack was started with."""

    def __enter__(self) -> Self:
        """Change nothing yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Set everything back; what ended the block is not hidden by a server that is gone."""
        try:
            self.apply(ServerSettings())
        except NotAdjusted:
            if kind is None:
                raise
        finally:
            if self._database is not None:
                self._database.close()

    def apply(self, wanted: ServerSettings) -> None:
        """Set what is *wanted*, and everything else that was changed before back to what it was.

        Returns once the servers report it, to sessions that were open before as to new ones. Raises `NotAdjusted`.
        """
        try:
            of_database = self._of_database(wanted)
            if of_database or self._database is not None:
                self._open_database().apply(of_database)
            for kind, values in ((ResourceType.TOPIC, wanted.topics), (ResourceType.BROKER, wanted.brokers)):
                if values or kind in self._kafka:
                    self._open_kafka(kind).apply(values)
            if wanted.variables or self._others:
                self._others = True
                start_with(wanted.variables, self._connections, self._state)
        except psycopg.Error as error:
            raise NotAdjusted(
                f"postgres: {_first_line(error)}; see the server's log and `bin/seawall status`"
            ) from error
        except pymysql.MySQLError as error:
            raise NotAdjusted(
                f"mariadb: {mariadb.text_of(error)}; see the server's log and `bin/seawall status`"
            ) from error
        except KafkaException as error:
            raise NotAdjusted(f"kafka: {error.args[0].str()}; see the broker's log and `bin/seawall status`") from error

    def _of_database(self, wanted: ServerSettings) -> dict[str, str]:
        if not wanted.postgres and not wanted.mariadb:
            return {}
        return wanted.mariadb if self._connections.database == MARIADB else wanted.postgres

    def _open_database(self) -> _Postgres | _MariaDb:
        if self._database is None:
            if self._connections.database == MARIADB:
                self._refuse_others("mariadb", "SEAWALL_DATABASE_URL")
                self._database = _MariaDb(self._connections.plain_database_url)
            else:
                self._refuse_others("postgres", "SEAWALL_DATABASE_URL")
                self._database = _Postgres(self._connections.psycopg_url)
        return self._database

    def _open_kafka(self, kind: ResourceType) -> _Configurations:
        if kind not in self._kafka:
            self._refuse_others("kafka", "SEAWALL_KAFKA_BOOTSTRAP_SERVERS")
            make = _Topics if kind is ResourceType.TOPIC else _Brokers
            self._kafka[kind] = make(AdminClient({**self._connections.kafka, "log_level": 0}))
        return self._kafka[kind]

    def _refuse_others(self, kind: str, setting: str) -> None:
        servers = [service for service in self._state.services.values() if service.kind == kind]
        if not servers:
            raise NotAdjusted(f"{kind}: this stack has none whose settings could be changed")
        if any(service.external for service in servers):
            raise NotAdjusted(
                f"{kind}: the server of {setting} is not ours, so its settings are left alone; unset {setting}, or"
                " leave out what needs other settings"
            )


class _MariaDb:
    """MariaDB's global settings, which hold for sessions that are open as for new ones."""

    def __init__(self, url: str) -> None:
        self._session = mariadb.connect(url)
        self._before: dict[str, str] = {}

    def apply(self, wanted: dict[str, str]) -> None:
        for name in wanted.keys() - self._before.keys():
            self._before[name] = self._shown(name)
        target = self._before | wanted
        for name, value in target.items():
            if self._shown(name) != value:
                self._ask(f"SET GLOBAL {name} = {value}")  # names and values of ours
        _await("mariadb", target, lambda: {name: {self._shown(name)} for name in target})

    def close(self) -> None:
        self._session.close()

    def _shown(self, name: str) -> str:
        found = self._ask("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", name)
        if not found:
            raise NotAdjusted(f"mariadb: the server has no setting {name!r}; correct its name")
        return str(found[0][1])

    def _ask(self, question: str, *values: str) -> Any:
        with self._session.cursor() as cursor:
            cursor.execute(question, values or None)
            return cursor.fetchall()


class _Postgres:
    """PostgreSQL's settings, seen by a session that stays open and by a new one each time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = psycopg.connect(url, autocommit=True, connect_timeout=5)
        self._before: dict[str, str] = {}

    def apply(self, wanted: dict[str, str]) -> None:
        for name in wanted.keys() - self._before.keys():
            self._before[name] = self._shown(self._session, name)
        target = self._before | wanted
        changed = {name: value for name, value in target.items() if self._shown(self._session, name) != value}
        for name, value in changed.items():
            self._session.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        if changed:
            self._session.execute("SELECT pg_reload_conf()")
        _await("postgres", target, lambda: self._seen(list(target)))

    def close(self) -> None:
        self._session.close()

    def _seen(self, names: list[str]) -> dict[str, set[str]]:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as session:
            return {name: {self._shown(self._session, name), self._shown(session, name)} for name in names}

    @staticmethod
    def _shown(session: psycopg.Connection[Any], name: str) -> str:
        row = session.execute("SELECT current_setting(%s)", (name,)).fetchone()
        return str(row[0]) if row else ""


class _Configurations:
    """Settings of several resources of Kafka that are changed alike."""

    kind: ResourceType
    plural: str
    source: ConfigSource
    """Of what was set for the resource itself, and is not its default."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin
        self._before: dict[str, tuple[str, bool]] = {}
        """Value, and whether the resource itself had it."""

    def names(self) -> list[str]:
        """Return whose settings they are."""
        raise NotImplementedError

    def apply(self, wanted: dict[str, str]) -> None:
        for name in wanted.keys() - self._before.keys():
            self._before[name] = self._found(name)
        target = {name: value for name, (value, _) in self._before.items()} | wanted
        seen = self._seen(list(target))
        operations = [
            self._operation(name, wanted.get(name)) for name, value in target.items() if seen[name] != {value}
        ]
        if operations:
            resources = [ConfigResource(self.kind, name, incremental_configs=operations) for name in self.names()]
            for future in self._admin.incremental_alter_configs(resources, request_timeout=_REQUEST_S).values():
                future.result()
        _await("kafka", target, lambda: self._seen(list(target)))

    def _operation(self, name: str, value: str | None) -> ConfigEntry:
        before, own = self._before[name]
        if value is None and not own:
            return ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE)
        return ConfigEntry(name, before if value is None else value, incremental_operation=AlterConfigOpType.SET)

    def _found(self, name: str) -> tuple[str, bool]:
        entries = [one[name] for one in self._described() if name in one]
        if not entries:
            raise NotAdjusted(f"kafka: {self.plural} have no setting {name!r}; correct its name")
        if len({entry.value for entry in entries}) > 1:
            raise NotAdjusted(
                f"kafka: the {self.plural} differ in {name}, so it cannot be changed and set back for all alike"
            )
        return str(entries[0].value), ConfigSource(entries[0].source) is self.source

    def _seen(self, names: list[str]) -> dict[str, set[str]]:
        described = self._described()
        return {name: {str(one[name].value) for one in described} for name in names}

    def _described(self) -> list[dict[str, ConfigEntry]]:
        resources = [ConfigResource(self.kind, name) for name in self.names()]
        found = self._admin.describe_configs(resources, request_timeout=_REQUEST_S)
        return [future.result() for future in found.values()]


class _Topics(_Configurations):
    """The settings of all our topics."""

    kind, plural, source = ResourceType.TOPIC, "topics", ConfigSource.DYNAMIC_TOPIC_CONFIG

    def names(self) -> list[str]:
        return [*record_topics(), DEAD_LETTER_TOPIC]


class _Brokers(_Configurations):
    """The settings of all brokers, as far as they take them while they run."""

    kind, plural, source = ResourceType.BROKER, "brokers", ConfigSource.DYNAMIC_BROKER_CONFIG

    def names(self) -> list[str]:
        return [str(broker) for broker in self._admin.list_topics(timeout=_REQUEST_S).brokers]


def _await(server: str, target: dict[str, str], seen: Callable[[], dict[str, set[str]]]) -> None:
    """Wait until all who were asked report *target*; raises `NotAdjusted`."""
    deadline = time.monotonic() + _SEEN_WITHIN_S
    while True:
        found = seen()
        wrong = {name: found[name] for name, value in target.items() if found[name] != {value}}
        if not wrong:
            return
        if time.monotonic() > deadline:
            told = "; ".join(f"{name} is {', '.join(sorted(said))}, not {target[name]}" for name, said in wrong.items())
            raise NotAdjusted(f"{server}: {_SEEN_WITHIN_S:.0f} s after the change, {told}; does it need a restart?")
        time.sleep(_POLL_S)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
