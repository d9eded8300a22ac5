"""What a trial of the fleet came to: from the producer's journal, the loader's word, the monitor and the prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from contract.fleet import HALVES, Batch, Loaded
from contract.order_journal import Ordered
from seawall.experiments.figures import quantiles_ms
from seawall.experiments.fleet_load import OrderJournal
from seawall.observe.fleet import FleetReading
from seawall.result import Trial
from seawall.result.cache_fleet import FROM_CACHE, FleetMoment

StaleOf = Callable[[UUID, int, int], float | None]


@dataclass(frozen=True)
class FleetTrial:
    """All that is known of one trial."""

    trial: Trial
    source: str
    cold: bool
    journal: OrderJournal
    loads: Sequence[Loaded]
    batches: Sequence[Batch]
    readings: Sequence[tuple[int, FleetReading]]
    stale_of: StaleOf
    changes: int
    wall_ahead_s: float
    """Wall clock less monotonic clock, s."""
    reads: tuple[int, float] | None
    """Statements that read users, products or grades while it ran, and ms that the database took for them."""

    @property
    def start_ns(self) -> int:
        """When its schedule began, monotonic."""
        return self.journal.began.start_ns

    @property
    def length_s(self) -> float:
        """How long orders were made, warm-up included."""
        return self.trial.warmup_s + (self.trial.duration_s or 0.0)

    def since_start_s(self, wall_s: float) -> float:
        """Return where a moment of the wall clock lies in the trial."""
        return wall_s - self.wall_ahead_s - self.start_ns / 1e9

    @property
    def judged(self) -> list[Ordered]:
        """The orders after the warm-up; a cold cache is judged from its first."""
        begin_ns = self.start_ns + (0 if self.cold else int(self.trial.warmup_s * 1e9))
        return [line for line in self.journal.orders if line.intended_ns >= begin_ns]


def fleet_figures(found: FleetTrial) -> dict[str, Any]:
    """Return the figures of a `FleetFinding` by their names; those of rates are over the whole trial."""
    orders, minutes = found.judged, found.length_s / 60
    whole = found.journal.orders
    sent = [line for line in whole if line.source]
    from_cache = found.source == FROM_CACHE
    own = [line.took_ns for line in orders if line.source == found.source]
    missed = [line.took_ns + line.lost_ns for line in orders if from_cache and line.source and line.missed]
    ages = [line.age_s for line in orders if line.age_s is not None]
    stale = [
        late_s
        for line in whole
        if line.order is not None
        and (late_s := found.stale_of(line.order.product_id, line.price_cents, line.sent_ns)) is not None
    ]
    bare = [line.took_ns for line in found.journal.bare]
    loads = [load for load in found.loads if found.since_start_s(load.began_at + load.took_s) <= found.length_s]
    within = [load for load in loads if found.since_start_s(load.began_at) >= 0]
    batches = [one for one in found.batches if 0 <= found.since_start_s(one.began_at) <= found.length_s]
    lookups = found.trial.lookups
    counted, server_ms = found.reads or (None, 0.0)
    audit = found.trial.audit
    return {
        "orders": len(sent),
        "acknowledged": audit.acknowledged,
        "hits": sum(line.source == FROM_CACHE for line in orders),
        "misses": sum(bool(line.missed) for line in orders) if from_cache else 0,
        "errors": sum(line.missed == "error" for line in orders),
        "nobody": sum(not line.source for line in whole),
        "pick_queries_per_min": round(sum(line.queries for line in whole) / minutes, 3),
        "load_queries_per_min": round(sum(load.queries for load in within) / minutes, 3) if from_cache else 0.0,
        "api_queries_per_min": round(lookups.queries / minutes, 3) if lookups else None,
        "counted_per_min": None if counted is None else round(counted / minutes, 3),
        "pick_ms": quantiles_ms(np.array(own, dtype=np.int64)),
        "miss_ms": quantiles_ms(np.array(missed, dtype=np.int64)),
        "bare_p50_ms": round(float(np.median(bare)) / 1e6, 6) if bare else None,
        "server_ms": round(server_ms / counted, 6) if counted else None,
        "age_p50_s": round(float(np.median(ages)), 3) if ages else None,
        "age_max_s": round(max(ages), 3) if ages else None,
        "changes": found.changes,
        "stale": len(stale),
        "stale_longest_s": round(max(stale), 3) if stale else None,
        "filled_s": _filled_s(found) if from_cache else None,
        "loads": sum(not load.failed for load in loads),
        "load_failures": sum(bool(load.failed) for load in loads),
        "load_longest_s": round(max(took), 3) if (took := [load.took_s for load in loads if not load.failed]) else None,
        "batches": len(batches),
        "batch_longest_s": round(max(one.took_s for one in batches), 3) if batches else None,
        "lost": audit.lost,
        "doubled": audit.duplicates,
        "pending": audit.pending,
        "unknown": audit.unknown,
        "moments": list(fleet_moments(found)),
    }


def _filled_s(found: FleetTrial) -> float | None:
    ends: dict[str, float] = {}
    for load in found.loads:
        if not load.failed:
            ends.setdefault(load.half, found.since_start_s(load.began_at + load.took_s))
    return round(max(0.0, *ends.values()), 3) if len(ends) == len(HALVES) else None


def fleet_moments(found: FleetTrial) -> Iterator[FleetMoment]:
    """Yield each second of the trial; of the monitor the last look in it."""
    by_second: dict[int, list[Ordered]] = defaultdict(list)
    for line in found.journal.orders:
        by_second[(line.intended_ns - found.start_ns) // 1_000_000_000].append(line)
    looks = {(at_ns - found.start_ns) // 1_000_000_000: reading for at_ns, reading in found.readings}
    for second in range(int(np.ceil(found.length_s))):
        lines, look = by_second[second], looks.get(second)
        asked = [line for line in lines if line.source == FROM_CACHE or line.missed]
        yield FleetMoment(
            at_s=second + 0.5,
            users=look.users if look else None,
            products=look.products if look else None,
            age_s=None if look is None or look.age_s is None else round(look.age_s, 3),
            orders=sum(bool(line.source) for line in lines),
            hit_rate=_share(asked),
            queries=sum(line.queries for line in lines),
            pick_p95_ms=round(float(np.quantile(picks, 0.95)) / 1e6, 3) if (picks := _pick_ns(lines)) else None,
        )


def _share(asked: Sequence[Ordered]) -> float | None:
    return round(sum(line.source == FROM_CACHE for line in asked) / len(asked), 6) if asked else None


def _pick_ns(lines: Iterable[Ordered]) -> list[int]:
    return [line.took_ns + line.lost_ns for line in lines if line.source]
