"""Prometheus metrics of the lookups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.lookups.counts import LEVELS, LookupCounts
from api.lookups.kinds import Lifetime
from api.lookups.memory import Memory
from api.lookups.shared import SharedCache
from contract.families import counters, gauges, times


class LookupCollector(Collector):
    """The counts of one process's lookups."""

    def __init__(
        self, counts: LookupCounts, memory: Memory, shared: SharedCache, lifetimes: Mapping[str, Lifetime]
    ) -> None:
        """*lifetimes* are those of all kinds."""
        self._counts, self._memory, self._shared, self._lifetimes = counts, memory, shared, lifetimes

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        yield from self._by_level()
        of, entity = self._counts.of, ["entity"]
        yield counters(
            "seawall_lookup_queries",
            "Statements that the lookups sent to the database, those of the warm-up included",
            entity,
            {(name,): one.queries for name, one in of.items()},
        )
        yield counters(
            "seawall_lookup_rows",
            "Records and answers that those statements found",
            entity,
            {(name,): one.rows for name, one in of.items()},
        )
        yield counters(
            "seawall_lookup_anew",
            "Lookups that asked for the caches to be left out, so that no hit was possible",
            entity,
            {(name,): one.anew for name, one in of.items()},
        )
        yield gauges("seawall_lookup_entries", "Entries of the process's memory", (), {(): len(self._memory)})
        yield counters(
            "seawall_lookup_invalidations",
            "Announcements of what to forget, and subscriptions, which begin by forgetting everything",
            (),
            {(): self._counts.invalidations},
        )
        yield counters("seawall_cache_failures", "Requests that Valkey did not answer", (), {(): self._shared.failures})
        yield counters(
            "seawall_cache_skipped",
            "Requests not sent to Valkey, which had just failed",
            (),
            {(): self._shared.skipped},
        )

    def _by_level(self) -> Iterator[Metric]:
        labels = ["entity", "answered_by"]
        pairs = [((name, level), one, level) for name, one in self._counts.of.items() for level in LEVELS]
        yield counters(
            "seawall_lookups",
            "Lookups by who answered: memory, shared (Valkey), database, or nobody where no one could",
            labels,
            {values: one.answered(level) for values, one, level in pairs},
        )
        yield times(
            "seawall_lookup_seconds",
            "How long lookups took, without HTTP; those that a write found in memory are not timed",
            labels,
            {values: one.durations(level) for values, one, level in pairs},
        )
        bounds = {}
        for name in self._counts.of:
            lifetime = self._lifetimes[name]
            bounds[name, "shared"] = lifetime.shared_s
            bounds[name, "memory"] = lifetime.shared_s + lifetime.memory_s
        yield gauges(
            "seawall_lookup_staleness_bound_seconds",
            "How old an answer of this level can be where no announcement came",
            labels,
            bounds,
        )
