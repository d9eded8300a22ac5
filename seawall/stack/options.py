"""What a stack should look like."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from contract.connections import DATABASES, MARIADB
from contract.topics import PARTITIONS
from seawall.stack.errors import BadOptions
from seawall.tuning.kafka_settings import KafkaSettings

_MOST_PARTITIONS, _MOST_SINKS, _MOST_API_PROCESSES = 200, 64, 32
_FIRST_PORT, _LAST_PORT = 1, 65535
LATEST_MS, LATEST_FLUSH_MS = 1_000.0, 100.0
"""A link counts in whole milliseconds; PostgreSQL's `commit_delay` goes no further."""
FEED_SOURCES = ("log", "database")
REAL_API, REAL_SINK = "api", "workers.sink"


class StackOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How many of what; `checked` before use."""

    brokers: int = 1
    partitions: int = PARTITIONS
    sinks: int = 1
    api_processes: int = 1
    """How many share the API's port."""
    kafka: bool = True
    database: str = ""
    """One of `DATABASES`; empty is the one that the settings name, or else PostgreSQL."""
    api_port: int | None = None
    api_module: str = REAL_API
    """What runs as the API; another one than the real one is a control, which misbehaves on purpose."""
    sink_module: str = REAL_SINK
    """As above, for the sinks."""
    database_delay_ms: float = 0.0
    """By so much each round trip of API and sinks to the database takes longer: it models one that is far away."""
    sink_delay_ms: float = 0.0
    """The same for the sinks alone: it models sinks that are slow."""
    flush_delay_ms: float = 0.0
    """By so much each flush of the database's log takes longer: it models a slow disk."""
    replica: bool = False
    """Whether lookups have a replica of the database to read from."""
    http_cache: bool = False
    """Whether an HTTP cache stands before the API."""
    balancer: bool = False
    """Whether a load balancer stands before the API's processes, and asks each whether it is ready."""
    tls: bool = False
    """Whether the API can be reached by TLS as well, on a port of its own."""
    standby: bool = False
    """Whether behind each API process another waits that has loaded the program, and takes over when that one ends."""
    links: bool = False
    """Whether API and sinks reach every server of ours by a link that can be cut, silent or late."""
    observe: bool = False
    """Whether a Prometheus reads the metrics of all, where one is installed."""
    trace: float | None = None
    """Share of requests that are traced though their callers do not ask; None traces none at all."""
    cache_nodes: int = 1
    """Of Valkey: one, or three that share its keys as a cluster."""
    feeds: tuple[str, ...] = ()
    """Where feeds get their records from that subscribers can connect to, some of `FEED_SOURCES`."""
    registry: bool = False
    """Whether there is a schema registry; settings that need one bring it along."""
    disk_mb: int = 0
    """Size of the file systems that hold the data of database and brokers; 0 leaves them on the disk that is there."""
    settings: KafkaSettings = KafkaSettings()
    """Of Kafka's parts, and of the sinks; what is not named is as shipped."""
    environment: dict[str, str] = {}
    """Further variables for the API and the sinks."""

    @property
    def control(self) -> bool:
        """Whether a service of this stack misbehaves on purpose, so that no figure of it says anything else."""
        return (self.api_module, self.sink_module) != (REAL_API, REAL_SINK)

    @property
    def needs_registry(self) -> bool:
        """Whether a schema registry is part of it."""
        return self.registry or self.settings.needs_registry

    def checked(self) -> StackOptions:
        """Return these options; raises `BadOptions` with every problem at once."""
        found = []
        if self.brokers not in (1, 3):
            found.append(f"brokers is {self.brokers}: choose 1 or 3")
        found += self._mistakes_of_counts()
        found += self._mistakes_of_the_database()
        if self.api_port is not None and not _FIRST_PORT <= self.api_port <= _LAST_PORT:
            found.append(f"the API's port is {self.api_port}: choose {_FIRST_PORT} to {_LAST_PORT}")
        for whose, delay_ms in (("the database's", self.database_delay_ms), ("the sinks'", self.sink_delay_ms)):
            if delay_ms and not 1 <= delay_ms <= LATEST_MS:
                found.append(f"{whose} delay is {delay_ms:g} ms: choose 0 or 1 to {LATEST_MS:g}")
        if not 0 <= self.flush_delay_ms <= LATEST_FLUSH_MS:
            found.append(f"the delay of a flush is {self.flush_delay_ms:g} ms: choose 0 to {LATEST_FLUSH_MS:g}")
        if self.balancer and (self.http_cache or self.tls):
            found.append("a balancer stands before the API in place of an HTTP cache, and has no TLS: choose one")
        if self.trace is not None and not 0 <= self.trace <= 1:
            found.append(f"the share of requests that are traced is {self.trace:g}: choose 0 to 1")
        found += self._mistakes_of_feeds()
        if found:
            raise BadOptions("; ".join(found))
        partitions = int(self.settings.stack.get("partitions", self.partitions))
        return self if partitions == self.partitions else msgspec.structs.replace(self, partitions=partitions)

    def _mistakes_of_the_database(self) -> Iterator[str]:
        if self.database not in ("", *DATABASES):
            yield f"the database is {self.database}: choose {' or '.join(DATABASES)}"
        if self.database != MARIADB:
            return
        for asked, option in (
            (self.replica, "a replica (--replica)"),
            (self.flush_delay_ms, "a delay of flushes (--flush-delay)"),
            ("database" in self.feeds, "a feed by the database (--feed database)"),
        ):
            if asked:
                yield f"{option} is there with PostgreSQL alone: leave it or --database mariadb out"

    def _mistakes_of_feeds(self) -> Iterator[str]:
        if len(set(self.feeds)) != len(self.feeds) or not set(self.feeds) <= set(FEED_SOURCES):
            yield f"feeds are {', '.join(self.feeds)}: choose some of {', '.join(FEED_SOURCES)}, each once"
        if "log" in self.feeds and not self.kafka:
            yield "a feed by the log needs Kafka"

    def _mistakes_of_counts(self) -> Iterator[str]:
        if self.cache_nodes not in (1, 3):
            yield f"nodes of Valkey are {self.cache_nodes}: choose 1 or 3"
        if self.cache_nodes > 1 and self.links:
            yield "links lead to one server each, and the nodes of a cluster are several: choose one of both"
        for name, count, least, most in (
            ("partitions", self.partitions, 1, _MOST_PARTITIONS), ("sinks", self.sinks, 0, _MOST_SINKS),
            ("API processes", self.api_processes, 1, _MOST_API_PROCESSES),
        ):  # fmt: skip
            if not least <= count <= most:
                yield f"{name} is {count}: choose {least} to {most}"
