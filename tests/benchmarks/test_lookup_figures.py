"""What the benchmark of lookups makes of metrics, and what it reads."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.errors import ProcessFailed
from benchmarks.lookups import level_figures, saving_figures, share_figures
from benchmarks.lookups_run import RECORDS, all_paths, zipf_paths
from seawall.stack.lookup_samples import LookupSamples

SAMPLES = LookupSamples.parse("""
# TYPE seawall_lookup_seconds histogram
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="1e-05"} 60
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="2e-05"} 80
seawall_lookup_seconds_bucket{entity="users",answered_by="memory",le="+Inf"} 80
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="1e-05"} 0
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="2e-05"} 19
seawall_lookup_seconds_bucket{entity="products",answered_by="memory",le="+Inf"} 20
# TYPE seawall_lookups counter
seawall_lookups_total{entity="users",answered_by="memory"} 150
seawall_lookups_total{entity="users",answered_by="database"} 30
seawall_lookups_total{entity="products",answered_by="shared"} 20
seawall_lookups_total{entity="top-products",answered_by="database"} 1000
# TYPE seawall_lookup_queries counter
seawall_lookup_queries_total{entity="users"} 4
seawall_lookup_queries_total{entity="products"} 1
seawall_lookup_queries_total{entity="top-products"} 1000
""")


def test_a_level_that_answered_nothing_has_no_figure() -> None:
    """It would be zero, and look good."""
    with pytest.raises(ProcessFailed):
        level_figures("shared", SAMPLES)


DATABASE = LookupSamples.parse("""
# TYPE seawall_lookup_seconds histogram
seawall_lookup_seconds_bucket{entity="users",answered_by="database",le="0.001"} 0
seawall_lookup_seconds_bucket{entity="users",answered_by="database",le="0.003"} 100
seawall_lookup_seconds_bucket{entity="users",answered_by="database",le="+Inf"} 100
""")


def test_a_hit_is_held_against_the_time_of_the_database() -> None:
    """The memory's has to be a hundredth; without an answer of the database there is no figure."""
    (memory,) = share_figures({"memory": SAMPLES}, DATABASE)
    assert memory.measured == pytest.approx(100 * 8.3e-6 / 2e-3, rel=0.05)
    assert memory.reached is True
    with pytest.raises(ProcessFailed):
        share_figures({"memory": SAMPLES}, SAMPLES)
    with pytest.raises(ProcessFailed):
        share_figures({"shared": SAMPLES}, DATABASE)


def test_statements_are_held_against_lookups_of_records() -> None:
    """Analytics do not count; what the database answered is no hit."""
    hits, saved, a_minute = saving_figures(SAMPLES, seconds=30)
    assert hits.measured == pytest.approx(85)
    assert saved.measured == pytest.approx(97.5)
    assert (hits.reached, saved.reached) == (False, False)
    assert (a_minute.measured, a_minute.beside) == (10, 400)


def test_the_mix_reads_base_rows_a_few_of_them_far_more_often() -> None:
    """Three of users to one of a product, and the first of each most of all."""
    paths = zipf_paths(20_000, 1.0, seed=1)
    counts = Counter(paths)
    assert set(paths) <= set(all_paths())
    assert len(all_paths()) == 1_200
    of_users, of_products = (sum(f"/{name}/" in path for path in paths) for name in RECORDS)
    assert 2.8 < of_users / of_products < 3.2
    assert counts.most_common(1)[0][0] == all_paths()[0]
    assert counts[all_paths()[0]] > 20 * counts[all_paths()[500]]
    assert paths == zipf_paths(20_000, 1.0, seed=1)
