"""Settings that running servers take without a restart: changed for an arm of an experiment, and set back.

Of PostgreSQL by ``ALTER SYSTEM`` and a reload, of our topics by Kafka's incremental change of configurations. Only
servers of this stack are touched: on somebody else's, a setting belongs to everybody who works there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

import msgspec
import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource
from confluent_kafka.admin._resource import ResourceType
from psycopg import sql

from contract.connections import Connections
from contract.topics import DEAD_LETTER_TOPIC, record_topics
from seawall.stack.errors import NotAdjusted
from seawall.stack.state import StackState

_SEEN_WITHIN_S = 15.0
_POLL_S = 0.02
_REQUEST_S = 10.0


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings by name, as the servers write them: ``postgres={"synchronous_commit": "off"}``."""

    postgres: dict[str, str] = {}
    topics: dict[str, str] = {}
    """Of every topic of ours."""


class Adjustments:
    """The settings of one stack's running servers; use as a context manager, at whose end all are as they were."""

    def __init__(self, connections: Connections, state: StackState) -> None:
        self._connections, self._state = connections, state
        self._database: _Database | None = None
        self._topics: _Topics | None = None

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
            if wanted.postgres or self._database is not None:
                self._open_database().apply(wanted.postgres)
            if wanted.topics or self._topics is not None:
                self._open_topics().apply(wanted.topics)
        except psycopg.Error as error:
            raise NotAdjusted(
                f"postgres: {_first_line(error)}; see the server's log and `bin/seawall status`"
            ) from error
        except KafkaException as error:
            raise NotAdjusted(f"kafka: {error.args[0].str()}; see the broker's log and `bin/seawall status`") from error

    def _open_database(self) -> _Database:
        if self._database is None:
            self._refuse_others("postgres", "SEAWALL_DATABASE_URL")
            self._database = _Database(self._connections.psycopg_url)
        return self._database

    def _open_topics(self) -> _Topics:
        if self._topics is None:
            self._refuse_others("kafka", "SEAWALL_KAFKA_BOOTSTRAP_SERVERS")
            self._topics = _Topics(self._connections.kafka)
        return self._topics

    def _refuse_others(self, kind: str, setting: str) -> None:
        servers = [service for service in self._state.services.values() if service.kind == kind]
        if not servers:
            raise NotAdjusted(f"{kind}: this stack has none whose settings could be changed")
        if any(service.external for service in servers):
            raise NotAdjusted(
                f"{kind}: the server of {setting} is not ours, so its settings are left alone; unset {setting}, or"
                " leave out what needs other settings"
            )


class _Database:
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


class _Topics:
    """The settings of all our topics."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._admin = AdminClient({**settings, "log_level": 0})
        self._before: dict[str, tuple[str, bool]] = {}
        """Value, and whether the topic itself had it."""

    def apply(self, wanted: dict[str, str]) -> None:
        for name in wanted.keys() - self._before.keys():
            self._before[name] = self._found(name)
        target = {name: value for name, (value, _) in self._before.items()} | wanted
        seen = self._seen(list(target))
        operations = [
            self._operation(name, wanted.get(name)) for name, value in target.items() if seen[name] != {value}
        ]
        if operations:
            resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=operations) for name in _names()]
            for future in self._admin.incremental_alter_configs(resources, request_timeout=_REQUEST_S).values():
                future.result()
        _await("kafka", target, lambda: self._seen(list(target)))

    def _operation(self, name: str, value: str | None) -> ConfigEntry:
        before, own = self._before[name]
        if value is None and not own:
            return ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE)
        return ConfigEntry(name, before if value is None else value, incremental_operation=AlterConfigOpType.SET)

    def _found(self, name: str) -> tuple[str, bool]:
        entries = [topic[name] for topic in self._described() if name in topic]
        if not entries:
            raise NotAdjusted(f"kafka: a topic has no setting {name!r}; correct its name")
        if len({entry.value for entry in entries}) > 1:
            raise NotAdjusted(f"kafka: the topics differ in {name}, so it cannot be changed and set back for all alike")
        return str(entries[0].value), ConfigSource(entries[0].source) is ConfigSource.DYNAMIC_TOPIC_CONFIG

    def _seen(self, names: list[str]) -> dict[str, set[str]]:
        described = self._described()
        return {name: {str(topic[name].value) for topic in described} for name in names}

    def _described(self) -> list[dict[str, ConfigEntry]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in _names()]
        found = self._admin.describe_configs(resources, request_timeout=_REQUEST_S)
        return [future.result() for future in found.values()]


def _names() -> list[str]:
    return [*record_topics(), DEAD_LETTER_TOPIC]


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
