"""What autoscalers look at, read from a running stack."""

from __future__ import annotations

import pytest

from seawall.experiments.autoscale import Behaviour
from seawall.experiments.deciders import ByFormula, ByScript
from seawall.experiments.scaling_metrics import CpuMetric, LagMetric, UnderWayMetric
from seawall.stack.stack import Stack


def test_lag_cpu_and_requests_under_way_are_read(stack: Stack) -> None:
    """A stack at rest asks for no more than it has, or for fewer."""
    names = ["api"]
    readings = [
        LagMetric(stack, 5_000).read(1),
        CpuMetric(stack, lambda: names, 0.5, 0.7).read(1),
        UnderWayMetric(stack, lambda: names, 64).read(1),
    ]
    assert [reading.metric for reading in readings] == ["lag", "CPU", "requests under way"]
    assert all(reading.proposal is not None and reading.proposal <= 1 for reading in readings), readings


def test_a_metric_that_disappears_is_told_in_words_and_scales_nothing(stack: Stack) -> None:
    """A sink's page has no requests under way, and a process that is not there has no page."""
    metric = UnderWayMetric(stack, lambda: ["sink-1"], 64)
    decider = ByFormula(Behaviour(1, 9), [LagMetric(stack, 5_000), metric], faster=100)
    for second in range(0, 100, 10):
        decision = decider.decide(second, 4)
        assert decision.wanted == 4
        (words,) = decision.unknown
        assert "does not show seawall_requests_under_way" in words
    alone = ByFormula(Behaviour(1, 9), [CpuMetric(stack, lambda: ["api-7"], 0.5, 0.7)], faster=100)
    assert alone.decide(1, 4).wanted == 4
    assert "none of 1 processes" in alone.decide(2, 4).unknown[0]


@pytest.mark.parametrize(("at_s", "wanted"), [(0.0, 1), (19.9, 1), (20.1, 3), (41.0, 2), (900.0, 2)])
def test_a_script_goes_through_its_numbers(at_s: float, wanted: int) -> None:
    """Each for its time, the last for ever."""
    assert ByScript((1, 3, 2), 20.0).decide(at_s, 1).wanted == wanted
