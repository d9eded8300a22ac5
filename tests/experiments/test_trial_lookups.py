"""What a trial's lookups came to, from two looks at the counts."""

from __future__ import annotations

import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import Ledger
from seawall.experiments.lookup_figures import lookup_figures
from seawall.load.lookups import FROM_HTTP_CACHE, USER
from seawall.stack.lookup_samples import LookupSamples


def samples(memory: int, shared: int, database: int, *, anew: int = 0, queries: int = 0) -> LookupSamples:
    """Return what a process shows that has counted so many."""
    return LookupSamples.parse(
        f"""
# TYPE seawall_lookups counter
seawall_lookups_total{{entity="users",answered_by="memory"}} {memory}
seawall_lookups_total{{entity="users",answered_by="shared"}} {shared}
seawall_lookups_total{{entity="users",answered_by="database"}} {database}
seawall_lookups_total{{entity="users",answered_by="nobody"}} 0
# TYPE seawall_lookup_anew counter
seawall_lookup_anew_total{{entity="users"}} {anew}
# TYPE seawall_lookup_queries counter
seawall_lookup_queries_total{{entity="users"}} {queries}
# TYPE seawall_lookup_seconds histogram
seawall_lookup_seconds_bucket{{entity="users",answered_by="memory",le="1e-05"}} {memory}
seawall_lookup_seconds_bucket{{entity="users",answered_by="memory",le="+Inf"}} {memory}
"""
    )


def ledger(http_cache_ms: list[float]) -> Ledger:
    """Return the ledger of two writes, and of lookups that an HTTP cache answered."""
    took_ns = np.array([9e9, 9e9, *(1e6 * took for took in http_cache_ms)], dtype=np.int64)
    count = len(took_ns)
    return Ledger(
        run=Run(1, 1),
        seed=1,
        shape=Shape(),
        endpoints=("POST /v1/sync/users", f"GET {USER}{FROM_HTTP_CACHE}"),
        user=np.zeros(count, dtype=np.uint32),
        sequence=np.arange(count, dtype=np.uint32),
        entity=np.zeros(count, dtype=np.uint8),
        endpoint=np.array([0, 0, *(1 for _ in http_cache_ms)], dtype=np.uint8),
        intended_ns=np.zeros(count, dtype=np.int64),
        sent_ns=np.zeros(count, dtype=np.int64),
        answered_ns=took_ns,
        status=np.full(count, 200, dtype=np.uint16),
        overruled=np.zeros(count, dtype=np.bool_),
        denied=np.zeros(count, dtype=np.bool_),
    )


def test_hits_are_of_those_that_could_have_been_hits() -> None:
    """Who asks past the caches is no miss; a query saved is one that no lookup, of whatever kind, needed."""
    before, after = samples(100, 0, 10, queries=5), samples(180, 15, 25, anew=10, queries=16)
    found = lookup_figures(before, after, 30, ledger(http_cache_ms=[]))
    assert found is not None
    assert (found.lookups, found.anew, found.queries) == (110, 10, 11)
    assert found.hit_rate == pytest.approx(95 / 100)
    assert found.saved == pytest.approx(0.9)
    assert found.queries_per_min == pytest.approx(22)
    assert set(found.levels) == {"memory", "shared", "database"}
    assert found.levels["memory"].lookups == 80
    assert found.levels["memory"].p50_ms == pytest.approx(0.005)
    assert found.levels["shared"].p99_ms is None


def test_what_an_http_cache_answered_is_a_lookup_and_a_hit() -> None:
    """The API never hears of it, so the ledger tells: of 104 lookups that could be hits, 99 were."""
    before, after = samples(100, 0, 10, queries=5), samples(180, 15, 25, anew=10, queries=16)
    found = lookup_figures(before, after, 30, ledger(http_cache_ms=[1.0, 1.0, 1.0, 3.0]))
    assert found is not None
    assert found.lookups == 114
    assert found.hit_rate == pytest.approx(99 / 104, abs=1e-6)
    assert found.levels["http-cache"].lookups == 4
    assert found.levels["http-cache"].p50_ms == pytest.approx(1.0)


def test_without_lookups_there_are_no_shares() -> None:
    """Nothing of nothing is neither a hit nor a miss."""
    found = lookup_figures(samples(1, 1, 1), samples(1, 1, 1), None, ledger(http_cache_ms=[]))
    assert found is not None
    assert (found.lookups, found.hit_rate, found.saved, found.queries_per_min) == (0, None, None, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, samples(1, 1, 1), id="nobody counted before"),
        pytest.param(samples(1, 1, 1), None, id="nobody counts any more"),
        pytest.param(samples(9, 9, 9), samples(10, 2, 10), id="a process began anew"),
    ],
)
def test_what_is_not_known_has_no_figure(before: LookupSamples | None, after: LookupSamples | None) -> None:
    """Rather none than a wrong one."""
    assert lookup_figures(before, after, 10, ledger(http_cache_ms=[])) is None
