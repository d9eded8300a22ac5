"""`up`: start the stack and leave it running."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from seawall.cli.kafka_settings_file import kafka_settings
from seawall.cli.option_values import names, share
from seawall.cli.shared_options import Database, Profile, SettingsFile
from seawall.cli.stack_progress import StackProgress
from seawall.stack.errors import OtherStackRunning
from seawall.stack.options import FEED_SOURCES, StackOptions
from seawall.stack.stack import OWNER_UP, Stack
from seawall.stack.state import StackState

EXAMPLES = """[bold]Examples[/]

  bin/seawall up                          one broker, one sink
  bin/seawall up --brokers 3 --sinks 3    three brokers (replication 3, two must have a write), three sinks
  bin/seawall up --api-processes 2        two API processes share one port
  bin/seawall up --valkey-nodes 3         a Valkey cluster of three nodes
  bin/seawall up --standby                behind each API process one that has loaded all, and takes over when it dies
  bin/seawall up --replica                lookups read from a replica of the database
  bin/seawall up --http-cache             nginx in front of the API, which answers what it may
  bin/seawall up --tls                    the API by TLS as well, with a certificate of the stack's own
  bin/seawall up --feed log               a feed of accepted records, by WebSocket and as server-sent events
  bin/seawall up --registry               a schema registry, for Avro and Protobuf
  bin/seawall up --observe                Prometheus reads all metrics, where it is installed
  bin/seawall up --trace 1%               one request of a hundred is traced; bin/seawall trace draws it
  bin/seawall up --settings mine.toml     Kafka's parts with settings of your own (docs/tuning.md)
  bin/seawall up --profile latency        with those of profiles/latency.toml
  bin/seawall up --database mariadb       MariaDB in PostgreSQL's place, where it is installed (docs/mariadb.md)
  bin/seawall up --no-kafka               without the log: the direct write paths only
  bin/seawall up --api-port 8000          the API on a port of your choice

Servers of your own take the place of ours: SEAWALL_DATABASE_URL, SEAWALL_DATABASE_REPLICA_URL, SEAWALL_CACHE_URL,
SEAWALL_KAFKA_BOOTSTRAP_SERVERS, SEAWALL_REGISTRY_URL, SEAWALL_API_URL, in the environment or in .env. With --trace, a
collector that OTEL_EXPORTER_OTLP_ENDPOINT names gets the traces.

Exit codes: 0 the stack is up, 2 it cannot be started (nothing is left running), 130 interrupted (the same)."""

_COMPARED = (
    *("kafka", "database", "brokers", "partitions", "sinks", "api_processes", "cache_nodes"),
    *("standby", "replica", "http_cache", "tls", "observe", "trace", "registry", "feeds", "api_port", "settings"),
)


def up(
    *,
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1 or 3.")] = 1,
    partitions: Annotated[int, typer.Option(help="Partitions of each topic.")] = 3,
    sinks: Annotated[int, typer.Option(help="Sink workers, which move records from the log to the table.")] = 1,
    api_processes: Annotated[int, typer.Option(help="Processes of the API, which share one port.")] = 1,
    database: Database = "",
    kafka: Annotated[bool, typer.Option("--kafka/--no-kafka", help="With or without Kafka and sinks.")] = True,
    valkey_nodes: Annotated[int, typer.Option(help="One Valkey, or a cluster of 3 that share its keys.")] = 1,
    standby: Annotated[
        bool, typer.Option("--standby", help="A process behind each of the API's that takes over when that one dies.")
    ] = False,
    replica: Annotated[
        bool, typer.Option("--replica", help="A replica of PostgreSQL, which lookups read from.")
    ] = False,
    http_cache: Annotated[
        bool, typer.Option("--http-cache", help="An HTTP cache in front of the API: nginx, where it is installed.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="The API by TLS as well, on a port of its own.")] = False,
    observe: Annotated[
        bool, typer.Option("--observe", help="A Prometheus that reads all metrics, where it is installed.")
    ] = False,
    trace: Annotated[
        str | None,
        typer.Option(
            help="Keep traces: of this share of requests, and of those whose callers ask for it.",
            metavar="SHARE",
            show_default=False,
        ),
    ] = None,
    registry: Annotated[
        bool, typer.Option("--registry", help="A schema registry, which Avro and Protobuf need: Apicurio Registry.")
    ] = False,
    feed: Annotated[
        str,
        typer.Option(
            help=f"A feed of accepted records, by each of these: {', '.join(FEED_SOURCES)}.",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    settings: SettingsFile = None,
    profile: Profile = "",
    api_port: Annotated[int | None, typer.Option(help="Port of the API.  \\[default: a free one]")] = None,
) -> None:
    """Start PostgreSQL (or MariaDB), Valkey, Kafka, the API and its sinks, and leave them running until `down`."""
    options = StackOptions(
        brokers=brokers,
        partitions=partitions,
        sinks=sinks,
        api_processes=api_processes,
        cache_nodes=valkey_nodes,
        kafka=kafka,
        database=database,
        standby=standby,
        replica=replica,
        http_cache=http_cache,
        tls=tls,
        observe=observe,
        trace=None if trace is None else share("--trace", trace),
        registry=registry,
        feeds=names(feed),
        api_port=api_port,
        settings=kafka_settings(settings, brokers, profile),
    ).checked()
    running = Stack.attach()
    if running is not None:
        _agree(options, running.state)
        state, is_new = running.state, False
    else:
        with StackProgress("Starting the stack") as progress:
            state, is_new = Stack.up(options, progress, owner=OWNER_UP).state, True
    # loaded now and not before: the servers need not wait for what draws text
    from seawall.cli.addresses import print_addresses, print_limits  # noqa: PLC0415

    print_addresses(state, is_new=is_new)
    if is_new:
        print_limits()


def _agree(wanted: StackOptions, state: StackState) -> None:
    # what is not asked for by name is the one that is there
    has = state.options if wanted.database else msgspec.structs.replace(state.options, database="")
    differences = [
        f"{name} {getattr(has, name)} instead of {getattr(wanted, name)}"
        for name in _COMPARED
        if getattr(has, name) != getattr(wanted, name) and not (name == "api_port" and wanted.api_port is None)
    ]
    if differences:
        raise OtherStackRunning(f"a stack runs already, with {', '.join(differences)}; stop it first: bin/seawall down")
