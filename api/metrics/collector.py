"""Prometheus metrics of the lookups, made of plain counts when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.lookups.counts import BOUNDS_NS, LEVELS, Durations, LookupCounts
from api.lookups.kinds import Lifetime
from api.lookups.memory import Memory
from api.lookups.shared import SharedCache

_LE = [f"{bound_ns / 1e9:g}" for bound_ns in BOUNDS_NS] + ["+Inf"]


class LookupCollector(Collector):
    """The counts of one process's lookups; every label has few values, known from the start."""

    def __init__(
        self, counts: LookupCounts, memory: Memory, shared: SharedCache, lifetimes: Mapping[str, Lifetime]
    ) -> None:
        """*lifetimes* are those of all kinds."""
        self._counts, self._memory, self._shared, self._lifetimes = counts, memory, shared, lifetimes

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        yield from self._by_level()
        queries = CounterMetricFamily(
            "seawall_lookup_queries", "Statements that the lookups sent to the database", labels=["entity"]
        )
        rows = CounterMetricFamily(
            "seawall_lookup_rows", "Records and answers that those statements found", labels=["entity"]
        )
        anew = CounterMetricFamily(
            "seawall_lookup_anew", "Lookups that asked for the caches to be left out", labels=["entity"]
        )
        for name, of in self._counts.of.items():
            queries.add_metric([name], of.queries)
            rows.add_metric([name], of.rows)
            anew.add_metric([name], of.anew)
        yield queries
        yield rows
        yield anew
        yield GaugeMetricFamily("seawall_lookup_entries", "Entries of the process's memory", len(self._memory))
        yield CounterMetricFamily(
            "seawall_lookup_invalidations",
            "Announcements of what to forget, and subscriptions, which begin by forgetting everything",
            self._counts.invalidations,
        )
        yield CounterMetricFamily(
            "seawall_cache_failures", "Requests that Valkey did not answer", self._shared.failures
        )
        yield CounterMetricFamily(
            "seawall_cache_skipped", "Requests not sent to Valkey, which had just failed", self._shared.skipped
        )

    def _by_level(self) -> Iterator[Metric]:
        labels = ["entity", "answered_by"]
        lookups = CounterMetricFamily("seawall_lookups", "Lookups by the level that answered", labels=labels)
        seconds = HistogramMetricFamily(
            "seawall_lookup_seconds",
            "How long lookups took; those that a write found in memory are not timed",
            labels=labels,
        )
        bounds = GaugeMetricFamily(
            "seawall_lookup_staleness_bound_seconds",
            "How old an answer of this level can be where no announcement came",
            labels=labels,
        )
        for name, of in self._counts.of.items():
            for level in LEVELS:
                lookups.add_metric([name, level], of.answered(level))
                durations = of.durations(level)
                seconds.add_metric([name, level], _cumulated(durations), durations.sum_ns / 1e9)
            shared_s = self._lifetimes[name].shared_s
            bounds.add_metric([name, "shared"], shared_s)
            bounds.add_metric([name, "memory"], shared_s + self._lifetimes[name].memory_s)
        yield lookups
        yield seconds
        yield bounds


def _cumulated(durations: Durations) -> list[tuple[str, float]]:
    total = 0
    found: list[tuple[str, float]] = []
    for bound, count in zip(_LE, durations.buckets, strict=True):
        total += count
        found.append((bound, total))
    return found
