"""Which services a stack has: embedded ones, and external ones where the settings name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from contract.connections import Connections
from seawall.stack import api, kafka, places, postgres, valkey
from seawall.stack.jars import JarCache
from seawall.stack.java import find_java
from seawall.stack.options import StackOptions
from seawall.stack.ports import demand, free_ports
from seawall.stack.service import External, Service

_FIXED_PORTS = 3  # PostgreSQL, Valkey, API; each broker takes two more


@dataclass(kw_only=True)
class Plan:
    """The services by what they are for, and the connections that result; `sinks` are added once there are topics."""

    connections: Connections
    database: Service | None = None
    cache: Service | None = None
    brokers: list[Service] = field(default_factory=list)
    api: Service | None = None
    api_url: str = ""
    jars: JarCache | None = None
    embedded_brokers: int = 0
    directories: list[Path]

    @property
    def ours(self) -> bool:
        """Whether the API, and so everything it needs, is this stack's."""
        return not isinstance(self.api, External)


def make_plan(options: StackOptions, *, run: str, data: Path, logs: Path, made: list[Path]) -> Plan:
    """Return the services that *options* and the settings ask for; nothing is started yet.

    Directories outside of *data* that are made for them are added to *made*, even if this fails.

    A service that already runs (``SEAWALL_API_URL``) has a database of its own, so next to it only those servers are
    part of the stack that the settings name.
    """
    given = Connections.read()
    api_url = (given.api_url or "").rstrip("/")
    if not options.kafka:
        given = given.model_copy(update={"kafka_bootstrap_servers": None})
    plan = Plan(connections=given, directories=made)
    ports = iter(free_ports(_FIXED_PORTS + 2 * options.brokers))
    _add_database(plan, next(ports), run, data, logs, embed=not api_url)
    _add_cache(plan, next(ports), data, embed=not api_url)
    api_port = demand(options.api_port, "--api-port") if options.api_port else next(ports)
    if options.kafka:
        pairs = [(next(ports), next(ports)) for _ in range(options.brokers)]
        _add_log(plan, pairs, data, logs, embed=not api_url)
    if api_url:
        plan.api = External("api", "api", _without_password(api_url), partial(api.check, api_url))
        plan.api_url = api_url
    else:
        own = api.Api(plan.connections, options, directory=data / "api", port=api_port)
        plan.api, plan.api_url = own, own.url
    return plan


def _add_database(plan: Plan, port: int, run: str, data: Path, logs: Path, *, embed: bool) -> None:
    if plan.connections.database_url is not None:
        url = plan.connections.psycopg_url
        plan.database = External("postgres", "postgres", _without_password(url), partial(postgres.check, url))
    elif embed:
        user = places.unprivileged_user()
        directory = data / "postgres"
        if user:
            plan.directories.append(places.make_private(user, run))
            directory = plan.directories[-1]
        own = postgres.Postgres(directory=directory, log=logs / "postgres.log", port=port, user=user)
        plan.database = own
        plan.connections = plan.connections.model_copy(update={"database_url": SecretStr(own.url)})


def _add_cache(plan: Plan, port: int, data: Path, *, embed: bool) -> None:
    if plan.connections.cache_url is not None:
        url = plan.connections.redis_url
        plan.cache = External("valkey", "valkey", _without_password(url), partial(valkey.check, url))
    elif embed:
        own = valkey.Valkey(directory=data / "valkey", port=port)
        plan.cache = own
        plan.connections = plan.connections.model_copy(update={"cache_url": SecretStr(own.url)})


def _add_log(plan: Plan, ports: list[tuple[int, int]], data: Path, logs: Path, *, embed: bool) -> None:
    servers = plan.connections.kafka_bootstrap_servers
    if servers is not None:
        plan.brokers = [External("kafka", "kafka", servers, partial(kafka.check, plan.connections.kafka))]
    elif embed:
        kafka.heap_size()
        plan.jars, java, quorum = JarCache(), find_java(), kafka.Quorum(ports)
        plan.brokers = [
            kafka.KafkaNode(
                node,
                quorum,
                java=java,
                jars=plan.jars,
                directory=data / f"kafka-{node}",
                log=logs / f"kafka-{node}.log",
            )
            for node in range(1, len(ports) + 1)
        ]
        plan.embedded_brokers = len(ports)
        plan.connections = plan.connections.model_copy(update={"kafka_bootstrap_servers": quorum.bootstrap_servers})


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
