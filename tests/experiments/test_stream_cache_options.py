"""What a run of the cache fleet may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.stream_cache_options import CacheOptions


def test_time_can_be_compressed() -> None:
    """Refreshes and batches come so many times as often."""
    plain, quick = CacheOptions(), CacheOptions(compress=10.0)
    plain.validate()
    assert (plain.refresh_every_s, plain.grades_every_s) == (50.0, 600.0)
    assert (quick.refresh_every_s, quick.grades_every_s) == (5.0, 60.0)


def test_only_a_cluster_has_nodes_that_die() -> None:
    """Unless arms are named, all are run that there can be."""
    assert [arm.name for arm in CacheOptions().planned] == ["database", "warm", "cold"]
    cluster = CacheOptions(valkey_nodes=3)
    cluster.validate()
    assert [arm.away for arm in cluster.planned] == [0, 0, 0, 1, 2]
    assert cluster.stack().cache_nodes == 3
    assert cluster.as_json()["arms"][-1] == "two-away"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rows": (999,)}, "--rows: 999 is not between 1,000"),
        ({"rows": ()}, "--rows: name some"),
        ({"rows": (1_000, 1_000)}, "each once"),
        ({"arms": ("warm", "hot")}, "--arms: unknown 'hot'"),
        ({"arms": ("warm", "warm")}, "--arms: name some"),
        ({"arms": ("one-away",)}, "one-away takes a cluster: add --valkey-nodes 3"),
        ({"valkey_nodes": 2}, "nodes of Valkey are 2: choose 1 or 3"),
        ({"rate_per_s": 0.0}, "--rate: must be above 0"),
        ({"rate_per_s": 1e6}, "are more than 1,000,000"),
        ({"duration_s": float("nan")}, "--duration: must be above 0"),
        ({"refresh_s": 0.0}, "--refresh: must be above 0"),
        ({"compress": 0.0}, "--compress: must be above 0"),
        ({"warmup_s": -1.0}, "--warmup: must not be below 0"),
        ({"buyers": 0}, "--buyers: 0 is not between 1 and 256"),
        ({"brokers": 2}, "--brokers"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], words: str) -> None:
    """In the words of the command line."""
    with pytest.raises(BadOptions) as caught:
        CacheOptions(**given).validate()
    assert words in str(caught.value)
