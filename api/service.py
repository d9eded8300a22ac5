"""The parts of one API process, put together from its settings."""

from __future__ import annotations

import asyncio
import os

from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine

from api.admission import LoopQueue
from api.databases.choice import database_of
from api.databases.database import Database
from api.guard import Guard, OpenDoor
from api.lookups.announcements import SILENCE_S, Announcements, NoAnnouncements, ValkeyAnnouncements
from api.lookups.chain import Lookups
from api.lookups.cluster import ClusterCache
from api.lookups.kinds import KINDS, RECOMMENDATIONS, TOP_PRODUCTS, Lifetime
from api.lookups.memory import Memory
from api.lookups.replica import ReplicaSource
from api.lookups.shared import NoSharedCache, SharedCache, ValkeyCache, client_of
from api.lookups.source import DatabaseSource, NoSource, Source
from api.metrics.listener import Metrics, MetricsListener, NoMetrics
from api.metrics.lookups import LookupCollector
from api.metrics.pools import PoolCollector
from api.metrics.producer import ProducerCollector
from api.metrics.requests import RequestCounts
from api.metrics.work import WorkCollector
from api.readiness import Probe, ReadinessCheck
from api.settings import Settings
from api.writes.flushing import FlushingPath
from api.writes.grouped import GroupedPath
from api.writes.kafka import KafkaPath
from api.writes.protocol import WritePath
from api.writes.sync import SyncPath
from api.writes.transactions import TransactionalPath
from api.writes.unavailable import UnavailablePath
from contract.cache_client import server_urls
from contract.connections import Connections
from contract.loopback import is_loopback
from contract.registry import registry_of
from contract.spans import Spans, spans_of

_NO_DATABASE = "no database is configured: set SEAWALL_DATABASE_URL"
_NO_KAFKA = "no Kafka is configured: set SEAWALL_KAFKA_BOOTSTRAP_SERVERS"


class Service:
    """Write paths, lookups, metrics and readiness; nothing connects before `start`."""

    def __init__(self, settings: Settings, connections: Connections, guard: Guard) -> None:
        """*guard* is asked for metrics that are shown beyond this machine."""
        probes: dict[str, Probe | None] = {}
        self.paths: dict[str, WritePath] = {}

        pools: dict[str, AsyncEngine] = {}
        source: Source = NoSource()
        if connections.database_url is None:
            self.paths["sync"] = UnavailablePath(SyncPath.status, _NO_DATABASE)
            self.paths["grouped"] = UnavailablePath(GroupedPath.status, _NO_DATABASE)
        else:
            # pools of their own: lookups must not wait behind writes, nor take their connections
            database = database_of(connections, settings)
            pools["sync"] = database.engine(name="sync", pool_size=settings.sync_pool_size)
            self.paths["sync"] = SyncPath(database, pools["sync"], settings)
            self.paths["grouped"] = GroupedPath(database, settings)
            source = _source(database, connections, settings, pools)
        probes["database"] = None if connections.database_url is None else source.check

        self.loop_queue = LoopQueue(settings)
        memory = Memory(
            entries=settings.memory_entries,
            ttl_s=settings.memory_ttl_s,
            negative_ttl_s=settings.negative_ttl_s,
            jitter=settings.ttl_jitter,
        )
        shared: SharedCache = NoSharedCache()
        announcements: Announcements = NoAnnouncements()
        if connections.cache_url is not None:
            shared = _shared_cache(connections.redis_url, settings)
            announcements = ValkeyAnnouncements(
                *(client_of(url, settings, patience_s=SILENCE_S) for url in server_urls(connections.redis_url))
            )
        probes["cache"] = None if connections.cache_url is None else shared.check

        if connections.kafka_bootstrap_servers is None:
            self.paths["kafka"] = UnavailablePath(KafkaPath.status, _NO_KAFKA)
            probes["kafka"] = None
            producers: list[Collector] = []
        else:
            kafka = _kafka_path(settings)(connections.kafka, settings, registry_of(connections))
            self.paths["kafka"] = kafka
            probes["kafka"] = kafka.check
            producers = [ProducerCollector(lambda: kafka.statistics, kafka.configuration)]

        lifetimes = {
            RECOMMENDATIONS.name: Lifetime.within(settings.recommendations_ttl_s),
            TOP_PRODUCTS.name: Lifetime.within(settings.analytics_ttl_s),
        }
        self.lookups = Lookups(
            memory, shared, source, announcements, lifetimes=lifetimes, warm_entries=settings.warm_entries
        )
        self.metrics: Metrics = NoMetrics()
        self.requests: RequestCounts | None = None
        """What is counted of requests; nothing, where nobody asked for metrics."""
        if settings.metrics_port is not None:
            of_records = Lifetime(settings.memory_ttl_s, settings.cache_ttl_s if connections.cache_url else 0.0)
            of_all = {kind.name: lifetimes.get(kind.name, of_records) for kind in KINDS}
            self.requests = RequestCounts(self.paths)
            self.metrics = MetricsListener(
                settings.metrics_host,
                settings.metrics_port,
                [
                    self.requests,
                    WorkCollector(self.paths, self.loop_queue),
                    PoolCollector(pools),
                    LookupCollector(self.lookups.counts, memory, shared, of_all),
                    *producers,
                ],
                OpenDoor() if is_loopback(settings.metrics_host) else guard,
            )
        self.spans: Spans | None = spans_of("seawall-api", str(os.getpid()))
        """What begins spans of requests; None where no traces are wanted."""
        self.readiness = ReadinessCheck(probes, settings.api_ready_cache_s)
        self.given_up: int | None = None
        """Records that were under way at the end, and of which it is not known what became; None before `stop`."""

    async def start(self) -> None:
        """Open everything; servers that are down are waited for later, by whoever needs them."""
        self.loop_queue.start()
        await self.metrics.start()
        await asyncio.gather(self.lookups.start(), *(path.start() for path in self.paths.values()))

    async def stop(self) -> None:
        """Write what was accepted, then close everything."""
        self.given_up = sum(await asyncio.gather(*(path.stop() for path in self.paths.values())))
        await self.lookups.stop()
        self.loop_queue.stop()
        await self.metrics.stop()
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)


def _source(database: Database, connections: Connections, settings: Settings, pools: dict[str, AsyncEngine]) -> Source:
    """Return what lookups ask last; its connections come into *pools*."""
    pools["lookups"] = database.engine(name="lookups", pool_size=settings.lookup_pool_size)
    source = DatabaseSource(database, pools["lookups"])
    if connections.database_replica_url is None:
        return source
    replica = database_of(connections.of_replica, settings)
    pools["replica"] = replica.engine(name="lookups", pool_size=settings.lookup_pool_size)
    return ReplicaSource(DatabaseSource(replica, pools["replica"]), source)


def _shared_cache(url: str, settings: Settings) -> SharedCache:
    if len(server_urls(url)) > 1:
        return ClusterCache(url, settings)
    return ValkeyCache(client_of(url, settings), settings)


def _kafka_path(settings: Settings) -> type[KafkaPath]:
    if settings.kafka_transactions != "none":
        return TransactionalPath
    return FlushingPath if settings.kafka_flush_every else KafkaPath
