"""What the lookups of a trial came to, from what the API processes counted before and after it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contract.entities import ENTITIES
from seawall.audit.ledger import Ledger
from seawall.experiments.figures import quantiles_ms
from seawall.load.lookups import FROM_HTTP_CACHE
from seawall.result import LookupFigures, LookupKind, LookupLevel
from seawall.stack.lookup_samples import LEVELS, LookupSamples

_LOOKUPS, _ANEW, _QUERIES, _ROWS = (
    f"seawall_{name}_total" for name in ("lookups", "lookup_anew", "lookup_queries", "lookup_rows")
)
_BOUND = "seawall_lookup_staleness_bound_seconds"


def lookup_figures(
    before: LookupSamples | None,
    after: LookupSamples | None,
    length_s: float | None,
    ledger: Ledger,
    processes: int = 1,
) -> LookupFigures | None:
    """Return what was counted in between, over *length_s*, by so many *processes*; None where it is not known.

    That is where nobody counts, or a process was started again and with it its counts. What an HTTP cache answered
    never reached the API, and is told by the *ledger*.
    """
    if before is None or after is None:
        return None
    counted = after - before
    if counted.began_anew:
        return None
    lookups, anew, queries = (round(counted.total(name)) for name in (_LOOKUPS, _ANEW, _QUERIES))
    levels = {"http-cache": _of_http_cache(ledger), **{level: _level(counted, level) for level in LEVELS}}
    lookups += levels["http-cache"].lookups
    hits = sum(levels[level].lookups for level in ("http-cache", "memory", "shared"))
    return LookupFigures(
        lookups=lookups,
        anew=anew,
        hit_rate=round(hits / (lookups - anew), 6) if lookups > anew else None,
        queries=queries,
        queries_per_min=round(60 * queries / length_s, 3) if length_s else None,
        saved=round(1 - queries / lookups, 6) if lookups else None,
        levels={level: figures for level, figures in levels.items() if figures.lookups},
        kinds=dict(_kinds(counted, after, processes)),
    )


def _kinds(counted: LookupSamples, after: LookupSamples, processes: int) -> Iterator[tuple[str, LookupKind]]:
    """Yield each kind that was asked for; bounds are the same in each of the *processes*, and lie added up."""
    for kind, lookups in counted.by(_LOOKUPS, "entity").items():
        if not lookups:
            continue
        entity = ENTITIES.get(kind)
        bounds = after.by(_BOUND, "answered_by", entity=kind)
        yield (
            kind,
            LookupKind(
                lookups=round(lookups),
                anew=round(counted.total(_ANEW, [kind])),
                hits=round(sum(counted.total(_LOOKUPS, [kind], answered_by=level) for level in ("memory", "shared"))),
                fetched=round(counted.total(_ROWS, [kind])),
                there=0 if entity is None else entity.base_rows,
                lives_s=round(max(bounds.values()) / processes, 3) if bounds else None,
            ),
        )


def _of_http_cache(ledger: Ledger) -> LookupLevel:
    wanted = [number for number, name in enumerate(ledger.endpoints) if name.endswith(FROM_HTTP_CACHE)]
    mine = np.isin(ledger.endpoint, wanted)
    took = quantiles_ms((ledger.answered_ns - ledger.sent_ns)[mine])
    return LookupLevel(lookups=took.samples, p50_ms=took.p50, p99_ms=took.p99)


def _level(counted: LookupSamples, level: str) -> LookupLevel:
    p50_s, p99_s = (counted.quantile_s(level, share) for share in (0.5, 0.99))
    return LookupLevel(
        lookups=round(counted.total(_LOOKUPS, answered_by=level)),
        p50_ms=None if p50_s is None else round(p50_s * 1e3, 6),
        p99_ms=None if p99_s is None else round(p99_s * 1e3, 6),
    )
