"""Which services a stack has: embedded ones, and external ones where the settings name them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from contract.connections import Connections
from seawall.stack import api, api_keys, jvm, kafka, registry
from seawall.stack.balancer import Balancer
from seawall.stack.broker_metrics import BrokerMetrics, agent_jars
from seawall.stack.certificates import Certificate, TlsPort
from seawall.stack.class_archive import ClassArchive
from seawall.stack.errors import BadOptions
from seawall.stack.exporter import Exporter
from seawall.stack.feed import FeedService, feeds_of
from seawall.stack.http_cache import HttpCache
from seawall.stack.jars import JarCache
from seawall.stack.java import find_java
from seawall.stack.links import Line, LinksService
from seawall.stack.mariadb import MariaDb
from seawall.stack.options import StackOptions
from seawall.stack.plan_database import add_database, add_replica
from seawall.stack.ports import HOST, demand, free_ports, listening
from seawall.stack.prometheus import Prometheus, find_prometheus
from seawall.stack.registry_program import RegistryProgram
from seawall.stack.service import External, Service, without_password
from seawall.stack.trace_receiver import TraceReceiver, given_collector
from seawall.stack.valkey_cluster import caches_of
from seawall.tuning.knob import Place

CLIENTS = ("api", "sink")
"""Those that reach servers by links, where there are some."""
# database, its replica, Valkey, what stands before the API, TLS, API; each broker and each API process takes two more
_FIXED_PORTS, _LINK_PORTS = 6, 3
_POSTGRES_PORT, _MARIADB_PORT, _VALKEY_PORT = 5432, 3306, 6379


@dataclass(kw_only=True)
class Plan:
    """The services by what they are for, and the connections that result; `sinks` are added once there are topics."""

    connections: Connections
    database: Service | None = None
    links: LinksService | None = None
    replica: Service | None = None
    caches: list[Service] = field(default_factory=list)
    """One, or the nodes of a cluster."""
    registry: Service | None = None
    registry_program: RegistryProgram | None = None
    """What has to be there before ours starts."""
    brokers: list[Service] = field(default_factory=list)
    apis: list[Service] = field(default_factory=list)
    feeds: list[FeedService] = field(default_factory=list)
    http_cache: Service | None = None
    balancer: Service | None = None
    api_url: str = ""
    """What clients use: the API, or the HTTP cache in front of it."""
    api_tls_url: str = ""
    api_key: str = ""
    """What a client sends to the API, if it asks for a key."""
    certificate: Certificate | None = None
    api_processes: int = 0
    """How many of them are ours."""
    sockets: list[socket.socket] = field(default_factory=list)
    """Those on which the API's processes and the links listen; they are the supervisor's."""
    lines: list[Line] = field(default_factory=list)
    """The links that its service will serve."""
    sink_ports: list[int] = field(default_factory=list)
    """On which the sinks show what they count."""
    agent: JarCache | None = None
    """What shows the brokers' figures."""
    observers: list[Service] = field(default_factory=list)
    """What looks on: an exporter, and Prometheus where it is installed."""
    trace_url: str = ""
    """Where API, sinks and load send their traces; empty where they send none."""
    jars: JarCache | None = None
    archive: ClassArchive | None = None
    embedded_brokers: int = 0
    mounts: list[Path] = field(default_factory=list)
    """Where servers put file systems of limited size."""
    directories: list[Path]

    def connections_of(self, client: str) -> Connections:
        """Return the connections of the ``api`` or the ``sink``s, which may reach servers by links."""
        found = self.connections
        if isinstance(self.database, MariaDb):
            found = found.model_copy(update={"database_url": SecretStr(self.database.url_of(client))})
        for line in self.lines:
            mine, _, server = line.name.partition("-")
            if mine == client:
                found = found.model_copy(update=_by(line, server, found))
        return found

    @property
    def ours(self) -> bool:
        """Whether the API, and so everything it needs, is this stack's."""
        return self.api_processes > 0


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
    linked = _LINK_PORTS + 4 * options.brokers if _is_linked(options) else 0
    several = 2 * options.brokers + 2 * options.api_processes + options.sinks + 2 * len(options.feeds)
    several += (
        (2 + options.brokers) * options.observe
        + (options.trace is not None)
        + 2 * options.needs_registry
        + 2 * options.cache_nodes
    )
    ports = iter(free_ports(_FIXED_PORTS + several + linked))
    plan.sink_ports = [next(ports) for _ in range(options.sinks)]
    add_database(plan, options, next(ports), run, data, logs, embed=not api_url)
    add_replica(plan, options, next(ports), data, logs)
    plan.caches, plan.connections = caches_of(plan.connections, options, ports, data, embed=not api_url)
    _add_lines(plan, options, ports)
    _add_traces(plan, options, ports, data)
    _add_registry(plan, options, ports, data)
    api_port = demand(options.api_port, "--api-port") if options.api_port else next(ports)
    if options.kafka:
        pairs = [(next(ports), next(ports)) for _ in range(options.brokers)]
        links = ports if options.links else None
        shown = ports if options.observe else None
        _add_log(plan, options, pairs, data, logs, embed=not api_url, links=links, shown=shown)
    if plan.lines:
        plan.links = LinksService(plan.lines, directory=data / "links")
    inner_port, tls_port = next(ports), next(ports)
    if api_url:
        if options.http_cache or options.tls or options.balancer or options.feeds:
            raise BadOptions(
                "the service of SEAWALL_API_URL is not ours, so it gets no HTTP cache, balancer, TLS or feed of ours:"
                " unset it, or leave --http-cache, --tls and --feed out"
            )
        plan.apis = [External("api", "api", without_password(api_url), partial(api.check, api_url))]
        plan.api_url = api_url
        plan.api_key = given.api_key.get_secret_value() if given.api_key else ""
    else:
        own_ports = list(itertools.islice(ports, 2 * options.api_processes))
        if options.tls:
            plan.certificate = Certificate.made_in(data / "tls")
            plan.api_tls_url = f"https://{HOST}:{tls_port}"
        if options.http_cache:
            plan.http_cache = HttpCache(
                inner_port, port=api_port, tls=_tls(plan, tls_port), directory=data / "http-cache"
            )
            _add_api(plan, options, inner_port, None, own_ports, data)
        elif options.balancer:
            _add_api(plan, options, inner_port, None, own_ports, data)
            servers = {one.name: port for one, port in zip(plan.apis, own_ports[::2], strict=True)}
            plan.balancer = Balancer(servers, port=api_port, directory=data / "balancer")
        else:
            _add_api(plan, options, api_port, _tls(plan, tls_port), own_ports, data)
        plan.api_url = f"http://{HOST}:{api_port}"
        plan.feeds += feeds_of(options, plan.connections, ports, data, plan.sockets)
    if options.observe:
        _add_observers(plan, next(ports), next(ports), data)
    return plan


def _tls(plan: Plan, port: int) -> TlsPort | None:
    return None if plan.certificate is None else TlsPort(port, plan.certificate)


def _add_api(
    plan: Plan, options: StackOptions, port: int, tls: TlsPort | None, own_ports: list[int], data: Path
) -> None:
    several = options.api_processes > 1
    plan.api_key, keys = api_keys.made_in(data)
    plan.api_processes = options.api_processes
    for number, (own_port, metrics_port) in enumerate(zip(own_ports[::2], own_ports[1::2], strict=True), start=1):
        name = f"api-{number}" if several else "api"
        sockets = listening(port, one_of_several=several), listening(own_port)
        secure = None if tls is None else (listening(tls.port, one_of_several=several), tls.certificate)
        plan.sockets += [*sockets, *([secure[0]] if secure else [])]
        service = api.Api(
            name,
            plan.connections_of("api"),
            options,
            shared=sockets[0],
            own=sockets[1],
            secure=secure,
            keys=keys,
            metrics_port=metrics_port,
            trace_url=plan.trace_url,
            directory=data / name,
        )
        plan.apis.append(service)


def _add_observers(plan: Plan, exporter_port: int, port: int, data: Path) -> None:
    own = Exporter(plan.connections, Path("results").absolute(), port=exporter_port, directory=data / "exporter")
    plan.observers.append(own)
    program = find_prometheus()
    if program is None:
        return
    targets = {
        "api": {one.name: urlsplit(one.metrics_url).netloc for one in plan.apis if one.metrics_url},
        "sink": {f"sink-{number}": f"{HOST}:{one}" for number, one in enumerate(plan.sink_ports, start=1)},
        "broker": {one.name: urlsplit(one.metrics_url).netloc for one in plan.brokers if one.metrics_url},
        "feed": {one.name: urlsplit(one.metrics_url).netloc for one in plan.feeds},
        "exporter": {own.name: urlsplit(own.metrics_url).netloc},
    }
    if not (plan.brokers and plan.ours):
        targets["sink"] = {}
    targets = {job: found for job, found in targets.items() if found}
    plan.observers.append(Prometheus(program, targets, port=port, directory=data / "prometheus"))


def _add_traces(plan: Plan, options: StackOptions, ports: Iterator[int], data: Path) -> None:
    if options.trace is None:
        return
    plan.trace_url = given_collector()
    if not plan.trace_url:
        own = TraceReceiver(port=next(ports), directory=data / "traces")
        plan.observers.append(own)
        plan.trace_url = own.address


def _add_lines(plan: Plan, options: StackOptions, ports: Iterator[int]) -> None:
    """Add the links to database and cache; those to the log need listeners of the brokers."""
    if not _is_linked(options):
        return
    if plan.database is None:
        raise BadOptions("a service that runs already (SEAWALL_API_URL) has its own way to its database: unset it")
    database = urlsplit(plan.connections.plain_database_url)
    port = _MARIADB_PORT if plan.database.kind == "mariadb" else _POSTGRES_PORT
    place = (database.hostname or HOST, database.port or port)
    for client in CLIENTS:
        delay_ms = max(options.database_delay_ms, options.sink_delay_ms if client == "sink" else 0.0)
        _add_line(plan, f"{client}-{plan.database.kind}", [(next(ports), *place)], delay_ms)
    if options.links and plan.connections.cache_url is not None:
        cache = urlsplit(plan.connections.redis_url)
        _add_line(plan, "api-valkey", [(next(ports), cache.hostname or HOST, cache.port or _VALKEY_PORT)])


def _is_linked(options: StackOptions) -> bool:
    return bool(options.links or options.database_delay_ms or options.sink_delay_ms)


def _add_line(plan: Plan, name: str, ways: Sequence[tuple[int, str, int]], delay_ms: float = 0.0) -> Line:
    """Add a link whose *ways* lead from a port for clients to a host and its port."""
    listeners = [listening(port) for port, _, _ in ways]
    plan.sockets += listeners
    line = Line(name, listeners, [(host, port) for _, host, port in ways], delay_ms)
    plan.lines.append(line)
    return line


def _by(line: Line, server: str, connections: Connections) -> dict[str, object]:
    """Return what changes in *connections* where a server is reached by a link."""
    if server == "kafka":
        return {"kafka_bootstrap_servers": ",".join(f"{HOST}:{port}" for port in line.ports)}
    url = connections.redis_url if server == "valkey" else connections.plain_database_url
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    by_link = SecretStr(parts._replace(netloc=f"{user}{at}{HOST}:{line.ports[0]}").geturl())
    return {"cache_url" if server == "valkey" else "database_url": by_link}


def _add_registry(plan: Plan, options: StackOptions, ports: Iterator[int], data: Path) -> None:
    if plan.connections.registry_url is not None:
        url = plan.connections.registry_url.get_secret_value()
        plan.registry = External("registry", "registry", without_password(url), partial(registry.check, url))
    elif options.needs_registry:
        plan.registry_program = RegistryProgram()
        own = registry.Registry(
            plan.registry_program, find_java(), directory=data / "registry", port=next(ports), health_port=next(ports)
        )
        plan.registry = own
        plan.connections = plan.connections.model_copy(update={"registry_url": SecretStr(own.url)})


def _add_log(
    plan: Plan,
    options: StackOptions,
    ports: list[tuple[int, int]],
    data: Path,
    logs: Path,
    *,
    embed: bool,
    links: Iterator[int] | None,
    shown: Iterator[int] | None,
) -> None:
    """Add the brokers; *links* yields ports for links to them, *shown* for their metrics, where there shall be any."""
    servers = plan.connections.kafka_bootstrap_servers
    if servers is not None:
        if options.settings.topic or options.settings.broker or options.settings.stack:
            raise BadOptions(
                "the Kafka of SEAWALL_KAFKA_BOOTSTRAP_SERVERS is not ours, so its topics and brokers are left alone:"
                " unset it, or leave [topic], [broker] and [stack] out of the settings"
            )
        plan.brokers = [External("kafka", "kafka", servers, partial(kafka.check, plan.connections.kafka))]
    elif embed:
        java_settings = options.settings.texts(Place.STACK)
        jvm.heap_size(java_settings)
        plan.jars, java, quorum = JarCache(), find_java(), kafka.Quorum(ports)
        plan.archive = ClassArchive(java, plan.jars)
        listeners: list[dict[str, tuple[int, int]]] = [{} for _ in ports]
        free = links or iter(())
        metrics: list[BrokerMetrics | None] = [None for _ in ports]
        if shown is not None:
            plan.agent = agent_jars()
            metrics = [BrokerMetrics(plan.agent.path(plan.agent.jars[0]), next(shown)) for _ in ports]
        for client in CLIENTS if links is not None else ():
            pairs = [(next(free), next(free)) for _ in ports]
            _add_line(plan, f"{client}-kafka", [(front, HOST, own) for front, own in pairs])
            for node, (front, own) in enumerate(pairs):
                listeners[node][client.upper()] = own, front
        nodes = [
            kafka.KafkaNode(
                node,
                quorum,
                java=java,
                jars=plan.jars,
                directory=data / f"kafka-{node}",
                log=logs / f"kafka-{node}.log",
                archive=plan.archive,
                linked=listeners[node - 1],
                settings=options.settings.texts(Place.BROKER),
                metrics=metrics[node - 1],
                disk_mb=options.disk_mb,
                java_settings=java_settings,
            )
            for node in range(1, len(ports) + 1)
        ]
        plan.brokers = list(nodes)
        if options.disk_mb:
            plan.mounts += [node.data for node in nodes]
        plan.embedded_brokers = len(ports)
        plan.connections = plan.connections.model_copy(update=quorum.access)
