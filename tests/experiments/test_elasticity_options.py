"""What `scale --autoscale` may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from contract.connections import Connections
from seawall.experiments.elasticity_options import ElasticityOptions
from seawall.experiments.errors import BadOptions
from seawall.experiments.manifests import api_scaling, sink_scaling


def plan(what: str = "sinks", **rest: Any) -> ElasticityOptions:
    """Return options with all that was left open."""
    behaviour = (api_scaling() if what == "api" else sink_scaling()).behaviour
    return ElasticityOptions(what=what, **rest).settled(behaviour)


def test_the_load_is_each_rate_and_the_ways_between() -> None:
    """It rises and falls; the warm-up comes first, at the first rate."""
    profile = plan(rates_per_s=(100.0, 600.0), stage_s=40.0, warmup_s=5.0).profile()
    assert [(stage.name, stage.duration_s) for stage in profile.stages] == [
        ("100", 5.0), ("100", 40.0), ("100 to 600", 10.0), ("600", 40.0),
    ]  # fmt: skip
    assert plan(rates_per_s=(100.0, 600.0), stage_s=40.0, warmup_s=5.0).judged_s == 90.0


def test_the_load_of_a_script_lasts_as_long_as_its_steps() -> None:
    """However many rates it has."""
    for rates in ((200.0,), (100.0, 300.0, 100.0)):
        assert plan(steps=(1, 2, 3, 2, 1), stage_s=20.0, rates_per_s=rates).judged_s == pytest.approx(100.0)


def test_the_stack_has_as_many_as_there_may_be() -> None:
    """By the manifest, by --at-most, or by the script; sinks have a partition each."""
    sinks = plan().stack_options()
    assert (sinks.sinks, sinks.partitions, sinks.balancer) == (9, 9, False)
    assert plan(most=4).stack_options().sinks == 4
    scripted = plan(steps=(1, 6, 1)).stack_options()
    assert (scripted.sinks, scripted.sink_delay_ms, scripted.environment) == (6, 0.0, {})
    api = plan("api").stack_options()
    assert (api.api_processes, api.sinks, api.balancer) == (8, 1, True)
    assert "SEAWALL_API_DRAIN_DELAY_S" in api.environment


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({"steps": (0, 2)}, "--steps: 0 is below 1"),
        ({"steps": (2, 2)}, "each another than the one before"),
        ({"steps": (2,)}, "at least two numbers"),
        ({"steps": (1, 99)}, "sinks is 99: choose 0 to 64"),
        ({"steps": (1, 2), "stage_s": 5.0}, "ends before it can be told"),
        ({"rates_per_s": (100.0, -1.0)}, "--rates: each must be above 0"),
        ({"stage_s": 0.0}, "--stage: must be above 0"),
        ({"faster": 0.5}, "--faster: must not be below 1"),
        ({"most": 0}, "--at-most: at least one is needed"),
        ({"path": "sync"}, "sinks carry only what goes through Kafka"),
        ({"entity": "cats"}, "unknown 'cats'"),
        ({"what": "api", "sink_rate_per_s": 5.0}, "--sink-rate: belongs to --autoscale sinks"),
    ],
)
def test_mistakes_are_told_with_their_options(rest: dict[str, Any], says: str) -> None:
    """All at once, before anything starts."""
    with pytest.raises(BadOptions) as caught:
        plan(**rest).validate()
    assert says in str(caught.value)


def test_a_service_of_ones_own_cannot_be_scaled_from_here() -> None:
    """It has its own processes."""
    with pytest.raises(BadOptions, match="SEAWALL_API_URL names a service"):
        plan().validate(given=Connections(api_url="http://127.0.0.1:8000"))
