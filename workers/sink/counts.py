"""What a sink counts, a few integers a batch, and the Prometheus metrics that are made of them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.entities import ENTITIES
from contract.families import counters, gauges, sizes, times
from contract.histogram import SIZE_BOUNDS, Durations, Histogram
from workers.sink.batches import Batch
from workers.sink.offsets import Offsets

STAGES = ("gather", "decode", "write", "bury")
DATABASE, DEAD_LETTERS, REGISTRY = "database", "dead-letter topic", "schema registry"
"""What may have to be tried again."""
_MS = 1_000_000


class _Partition(msgspec.Struct):
    """Offsets below 0 are not known."""

    hi_offset: int = -1
    committed_offset: int = -1
    next_offset: int = -1

    @property
    def lag(self) -> int | None:
        """How many records are not committed; where nothing ever was, from the first one that is read."""
        begin = self.committed_offset if self.committed_offset >= 0 else self.next_offset
        return None if begin < 0 or self.hi_offset < 0 else max(0, self.hi_offset - begin)


class _Topic(msgspec.Struct):
    partitions: dict[str, _Partition] = {}


class _Broker(msgspec.Struct):
    req: dict[str, int] = {}


class _Statistics(msgspec.Struct):
    rxmsgs: int = 0
    rx_bytes: int = 0
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}


class SinkCounts(Collector):
    """Written by the sink's own thread, read by those that are asked for metrics."""

    def __init__(self, offsets: Offsets) -> None:
        self.stages = {name: Durations() for name in STAGES}
        self.retries = {DATABASE: 0, DEAD_LETTERS: 0, REGISTRY: 0}
        self.rebalances = {"assigned": 0, "revoked": 0, "lost": 0}
        self.refused_commits = 0
        self.statistics = ""
        """What the consumer said of itself last, as JSON; librdkafka's STATISTICS.md knows the fields."""
        self._offsets = offsets
        self._batches = Histogram(SIZE_BOUNDS)
        self._rows = dict.fromkeys(ENTITIES, 0)
        self._outcomes = {"stored": 0, "duplicate": 0, "dead_lettered": 0}
        self._delays = Durations()
        self._decode = msgspec.json.Decoder(_Statistics).decode

    def stage(self, name: str, begun_s: float) -> None:
        """Count one stage that began at *begun_s* on the monotonic clock."""
        self.stages[name].observe(int((time.monotonic() - begun_s) * 1e9))

    def written(
        self, batch: Batch, *, stored: int, duplicates: int, dead_lettered: int, transactions: tuple[int, ...] = ()
    ) -> None:
        """Count a batch whose commit has returned, or whose *transactions* of so many records each have."""
        for size in transactions or (batch.size + len(batch.letters),):
            self._batches.observe(size)
        for table in batch.tables:
            self._rows[table.entity.name] += len(table.rows)
        for outcome, count in zip(self._outcomes, (stored, duplicates, dead_lettered), strict=True):
            self._outcomes[outcome] += count
        if batch.logged_ms:
            self._delays.observe(max(0, time.time_ns() - batch.logged_ms * _MS))

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        yield times(
            "seawall_sink_stage_seconds",
            "Stages of a batch: gathered, decoded, written and committed (with every try), dead letters acknowledged",
            ["stage"],
            {(name,): found for name, found in self.stages.items()},
        )
        yield sizes("seawall_sink_batch_records", "Records of the transactions", (), {(): self._batches})
        yield counters(
            "seawall_sink_rows", "Rows in committed batches, those included that were there already", ["entity"],
            {(name,): count for name, count in self._rows.items()},
        )  # fmt: skip
        yield counters(
            "seawall_sink_records",
            "Records of committed batches by what became of them",
            ["outcome"],
            {(name,): count for name, count in self._outcomes.items()},
        )
        yield times(
            "seawall_sink_delay_seconds",
            "From the log to the row: how old each batch's first record was at the commit, by the producer's clock",
            (),
            {(): self._delays},
        )
        yield counters(
            "seawall_sink_retries", "Tries that failed and were followed by another", ["what"],
            {(name,): count for name, count in self.retries.items()},
        )  # fmt: skip
        yield counters(
            "seawall_sink_rebalances", "How often partitions were given to this sink, or taken away", ["kind"],
            {(name,): count for name, count in self.rebalances.items()},
        )  # fmt: skip
        yield counters(
            "seawall_sink_refused_commits", "Commits of offsets that were refused", (), {(): self.refused_commits}
        )
        assigned = sorted(set(self._offsets.assigned))
        yield gauges("seawall_sink_partitions", "Partitions that this sink reads", (), {(): len(assigned)})
        said = self._decode(self.statistics or "{}")
        fetches = sum(broker.req.get("Fetch", 0) for broker in said.brokers.values())
        yield counters("seawall_sink_fetches", "Requests for records that were sent to brokers", (), {(): fetches})
        yield counters("seawall_sink_fetched_records", "Records that brokers sent", (), {(): said.rxmsgs})
        yield counters("seawall_sink_received_bytes", "Bytes that brokers sent", (), {(): said.rx_bytes})
        topics, lags = said.topics, {}
        for topic, partition in assigned:
            known = topics[topic].partitions.get(str(partition)) if topic in topics else None
            if known is not None and known.lag is not None:
                lags[topic, str(partition)] = known.lag
        yield gauges(
            "seawall_sink_lag_records",
            "Records in the log whose offset is not committed, for each partition that this sink reads; a second old",
            ["topic", "partition"],
            lags,
        )
