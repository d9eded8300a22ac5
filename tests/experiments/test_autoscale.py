"""The autoscalers' formulas, by the examples of their documentation and by the numbers of our manifests."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from seawall.experiments.autoscale import (
    Autoscaler,
    Average,
    Behaviour,
    Change,
    Policy,
    Recommendation,
    Rules,
    by_average,
    by_average_of,
    by_sum,
    counted_lag,
    limited,
    of_those_known,
    stabilised,
    threshold_of,
)
from seawall.stack.places import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"


def manifest(file: Path, kind: str) -> dict[str, Any]:
    """Return the one manifest of that kind."""
    (found,) = [each for each in yaml.safe_load_all(file.read_text("utf-8")) if each["kind"] == kind]
    return dict(found)


@pytest.mark.parametrize(
    ("current", "average", "target", "wanted"),
    [
        (1, 200, 100, 2),  # "if the current metric value is 200m, and the desired value is 100m, ... doubled"
        (2, 50, 100, 1),  # "if the current value is instead 50m, ... halve"
        (50, 90, 75, 60),  # the announcement of tolerances, v1.33
        (10, 109, 100, 10),  # within a tenth
        (10, 111, 100, 12),
        (10, 90, 100, 10),
        (10, 89, 100, 9),
        (3, 0, 100, 0),
    ],
)
def test_replicas_follow_the_ratio_of_a_metric_to_its_target(
    current: int, average: float, target: float, wanted: int
) -> None:
    """Rounded up, and not at all within the tolerance."""
    assert by_average(current, average, target) == wanted


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (Average(0, 0, 3), None),
        (Average(210, 3), 3),
        (Average(300, 3), 5),
        (Average(100, 1, 3), 4),  # above the target: the others count as idle, and then none is wanted
        (Average(400, 1, 3), 6),
        (Average(30, 3, 1), 2),  # below it: the other counts as busy
        (Average(65, 1, 3), 4),
    ],
)
def test_pods_that_show_nothing_slow_a_change(shown: Average, wanted: int | None) -> None:
    """As the controller fills them in; where none shows anything, nothing is proposed."""
    assert by_average_of(4, shown, 70, missing_is=100) == wanted


@pytest.mark.parametrize(
    ("proposals", "known"),
    [([3, 6], [3, 6]), ([None, 6], [6]), ([None, 3], []), ([None, None], []), ([None, 4], [4])],
)
def test_a_metric_that_disappears_lets_nothing_shrink(proposals: list[int | None], known: list[int]) -> None:
    """With four there, the other metric may still add some."""
    assert of_those_known(4, proposals) == known


@pytest.mark.parametrize(
    ("current", "total", "wanted"),
    [(1, 4_000, 1), (1, 5_400, 1), (1, 12_000, 3), (4, 20_500, 4), (4, 9_000, 2), (2, 0, 0)],
)
def test_replicas_follow_a_sum(current: int, total: float, wanted: int) -> None:
    """With 5,000 for each."""
    assert by_sum(current, total, 5_000) == wanted


def test_keda_asks_for_no_more_replicas_than_partitions() -> None:
    """A lag beyond that is not reported."""
    assert counted_lag([100, 0, 50], 100) == 150
    assert counted_lag([100_000, 0, 0], 100) == 300
    assert by_sum(1, counted_lag([100_000, 0, 0], 100), 100) == 3


def test_shrinking_by_two_policies_takes_the_larger_step() -> None:
    """The documentation's example: 80 replicas, a tenth or 4 of them a minute; 8, 8, ... and, from 40 on, 4."""
    behaviour = Behaviour(1, 100, down=Rules(0, (Policy("Pods", 4, 60), Policy("Percent", 10, 60))))
    steps, current = [], 80
    while current > 10:
        wanted = limited(current, 10, [], 0, behaviour)
        steps.append(current - wanted)
        current = wanted
    assert steps[:3] == [8, 8, 7]
    assert set(steps[-5:-1]) == {4}
    fewest = Behaviour(1, 100, down=Rules(0, (Policy("Pods", 4, 60), Policy("Percent", 10, 60)), "Min"))
    assert limited(80, 10, [], 0, fewest) == 76
    assert limited(20, 10, [], 0, fewest) == 18


def test_growing_by_nine_hundred_per_cent() -> None:
    """The documentation's example: 1, 10, 100, 1,000."""
    behaviour = Behaviour(1, 1_000, up=Rules(0, (Policy("Percent", 900, 60),)))
    current, steps = 1, []
    for _ in range(3):
        current = limited(current, 5_000, [], 0, behaviour)
        steps.append(current)
    assert steps == [10, 100, 1_000]


def test_what_came_within_a_period_counts_against_it() -> None:
    """Four a minute are four a minute, in one step or in two; what went is given back."""
    behaviour = Behaviour(1, 100, up=Rules(0, (Policy("Pods", 4, 60),)))
    assert limited(10, 50, [], 100, behaviour) == 14
    assert limited(13, 50, [Change(70, 3)], 100, behaviour) == 14
    assert limited(14, 50, [Change(70, 3), Change(80, 1)], 100, behaviour) == 14
    assert limited(14, 50, [Change(30, 4)], 100, behaviour) == 18
    assert limited(8, 50, [Change(70, -2)], 100, behaviour) == 14
    assert limited(14, 50, [], 100, Behaviour(1, 100, up=Rules(0, (), "Disabled"))) == 14


def test_a_window_takes_the_lowest_to_grow_and_the_highest_to_shrink() -> None:
    """So a spike adds nothing, and a dip takes nothing away."""
    behaviour = Behaviour(1, 100, up=Rules(60, ()), down=Rules(300, ()))
    spike = [Recommendation(50, 4), Recommendation(90, 9)]
    assert stabilised(4, 9, spike, 100, behaviour) == 4
    assert stabilised(4, 9, spike, 120, behaviour) == 9
    dip = [Recommendation(-150, 8), Recommendation(90, 3)]
    assert stabilised(8, 3, dip, 100, behaviour) == 8
    assert stabilised(8, 3, dip, 151, behaviour) == 3


def test_a_manifest_that_says_nothing_has_kubernetes_own_rules() -> None:
    """Up at once, by all or by four in 15 s; down after five minutes."""
    bare = Behaviour.of_autoscaler({"spec": {"maxReplicas": 9}})
    assert (bare.least, bare.most) == (1, 9)
    assert limited(1, 9, [], 0, bare) == 5
    assert limited(5, 9, [], 0, bare) == 9
    assert stabilised(9, 1, [Recommendation(0, 9)], 299, bare) == 9


def test_the_apis_autoscaler_grows_quickly_and_shrinks_one_by_one() -> None:
    """By the manifest's numbers, under a load that comes and goes."""
    given = manifest(KUBERNETES / "base" / "api.yaml", "HorizontalPodAutoscaler")
    scaler = Autoscaler(Behaviour.of_autoscaler(given))
    target = float(given["spec"]["metrics"][1]["pods"]["target"]["averageValue"])
    replicas, seen = 2, []
    for second in range(0, 600, 15):
        under_way = 480 if second < 120 else 40
        proposals = [by_average(replicas, 30, 70), by_average(replicas, under_way / replicas, target)]
        replicas = scaler.decide(second, replicas, proposals)
        seen.append(replicas)
    assert seen[:3] == [4, 8, 8]
    assert max(seen) == 8
    assert seen[210 // 15] == 8, "the last recommendation of the load, at 105 s, counts for two minutes"
    assert seen[225 // 15] == 7
    shrinking = seen[120 // 15 :]
    assert shrinking == sorted(shrinking, reverse=True)
    assert all(before - after <= 1 for before, after in pairwise(shrinking))
    assert seen[-1] < 8


def test_sinks_follow_the_lag_between_one_and_a_partition_each() -> None:
    """By the numbers of KEDA's overlay."""
    given = manifest(KUBERNETES / "overlays" / "keda" / "sinks.yaml", "ScaledObject")
    scaler, threshold = Autoscaler(Behaviour.of_scaled_object(given)), threshold_of(given)
    replicas, seen = 1, []
    for second in range(0, 600, 15):
        lags = [20_000] * 9 if second < 60 else [0] * 9
        replicas = scaler.decide(second, replicas, [by_sum(replicas, counted_lag(lags, threshold), threshold)])
        seen.append(replicas)
    assert seen[:4] == [4, 8, 9, 9]
    assert seen[-1] == 1
    assert max(seen) == 9
