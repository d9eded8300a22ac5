"""What a load of a search for capacity came to, from trials made up for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.bottleneck import NOTHING_SHORT
from seawall.experiments.capacity_options import CapacityOptions
from seawall.experiments.capacity_steps import bottleneck_above, outcome_of, step_of
from seawall.experiments.errors import BadOptions
from seawall.result import AuditCounts, CapacityFinding, LagFigures, LoadStep, Outcome, Quantiles, Trial
from seawall.stack.limits import Limits
from seawall.stack.places import ROOT
from seawall.stats.capacity import Step
from seawall.targets.parse import parse_targets

TARGETS = parse_targets((ROOT / "targets.toml").read_text(encoding="utf-8"), "targets.toml")


def trial(**changes: Any) -> Trial:
    """Return a trial that holds everything."""
    figures = {
        "name": "t", "kind": "load", "arm": "kafka", "block": 0, "entity": "mixed", "started_at": "", "users": 10,
        "requests": 5_000, "offered_per_s": 1_000.0, "achieved_per_s": 1_000.0,
        "response_ms": Quantiles(p95=20.0, max=30.0, samples=5_000),
        "visible_ms": Quantiles(p95=60.0, max=80.0, samples=5_000),
        "audit": AuditCounts(attempted=5_000, acknowledged=5_000, stored=5_000), **changes,
    }  # fmt: skip
    return Trial(**figures)


LATE_WORDS = "the generator itself was late: p99 of its start lag 19.0 ms, tolerated 10.0 ms"
LATE: dict[str, Any] = {"generator_lag_ms": Quantiles(p99=19.0, samples=5_000), "invalid_because": [LATE_WORDS]}
SLOW: dict[str, Any] = {"response_ms": Quantiles(p95=201.0, max=300.0, samples=5_000)}


@pytest.mark.parametrize(
    ("changes", "step", "says"),
    [
        ({}, Step.HELD, ""),
        ({"response_ms": Quantiles(p95=201.0, max=300.0, samples=5_000)}, Step.BROKE, "response_p95_ms 201"),
        ({"visible_ms": Quantiles(p95=1_200.0, max=1_300.0, samples=5_000)}, Step.BROKE, "visible_p95_ms"),
        ({"achieved_per_s": 989.0}, Step.BROKE, "only 989/s of 1,000/s"),
        ({"failed": 6}, Step.BROKE, "error_ratio"),
        ({"lag": LagFigures(slope_per_s=20.0, slope_low=11.0, slope_high=30.0)}, Step.BROKE, "the log grew by 11"),
        ({"lag": LagFigures(slope_per_s=20.0, slope_low=-1.0, slope_high=30.0)}, Step.HELD, ""),
        ({"audit": AuditCounts(attempted=5_000, stored=4_990, pending=10)}, Step.BROKE, "10 records were not visible"),
        ({"audit": AuditCounts(attempted=5_000, stored=4_999, lost=1)}, Step.BROKE, "1 lost"),
        ({"invalid_because": ["the generator was busy for 95%"]}, Step.UNTOLD, "the generator was busy"),
        (LATE, Step.HELD, "although the generator itself was late: p99 of its start lag 19.0 ms"),
        ({**LATE, **SLOW}, Step.UNTOLD, "the generator itself was late"),
        ({**LATE, "achieved_per_s": 900.0}, Step.UNTOLD, "the generator itself was late"),
        ({**LATE, "invalid_because": [LATE_WORDS, "not steady"]}, Step.UNTOLD, "not steady"),
        (
            {"invalid_because": ["late"], "audit": AuditCounts(attempted=2, stored=1, lost=1)},
            Step.BROKE,
            "1 lost",
        ),
    ],
)
def test_a_load_is_judged_by_everything_that_must_hold(changes: dict[str, Any], step: Step, says: str) -> None:
    """A late generator leaves open why a target was missed, and not that one was held; nor does it lose records."""
    found, reason = step_of(trial(**changes), TARGETS)
    assert found is step
    assert says in reason


def test_the_lowest_load_that_broke_names_the_bottleneck() -> None:
    """One that broke higher up, or that was not told, says less of where the path ends."""
    busy_api = {"cores": {"api": 0.97, "sink-1": 0.2, "load": 0.3}}
    late = {"response_ms": Quantiles(p95=400.0, max=500.0, samples=5_000)}
    trials = [
        trial(name="held"),
        trial(name="broke", offered_per_s=2_000.0, **busy_api, **late),
        trial(name="higher", offered_per_s=4_000.0, cores={"api": 0.2, "load": 0.99}, **late),
    ]
    steps = [
        LoadStep(load_per_s=1_000, trial="held", step="held"),
        LoadStep(load_per_s=4_000, trial="higher", step="broke"),
        LoadStep(load_per_s=2_000, trial="broke", step="broke"),
    ]
    assert bottleneck_above(trials, steps, TARGETS, 2).what.startswith("api: 97% of one core")
    assert "--api-processes" in bottleneck_above(trials, steps, TARGETS, 2).advice
    assert bottleneck_above(trials[:1], steps[:1], TARGETS, 2) == NOTHING_SHORT


def test_a_log_that_grows_is_the_sinks_where_one_is_busy() -> None:
    """Every other target may still hold then: what is late is the row."""
    grows = trial(
        lag=LagFigures(slope_per_s=20.0, slope_low=11.0, slope_high=30.0),
        cores={"api": 0.9, "sink-1": 0.88, "load": 0.3},
    )
    found = bottleneck_above([grows], [LoadStep(load_per_s=1_000, trial="t", step="broke")], TARGETS, 4)
    assert found.what.startswith("sink-1")


def finding(last_pass: float | None = 10.0, limit: str = "targets", *, confirmed: bool = True) -> CapacityFinding:
    """Return what a search came to."""
    return CapacityFinding(arm="kafka", last_pass_per_s=last_pass, limit=limit, confirmed=confirmed)


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ([finding()], Outcome.PASS),
        ([finding(limit="most")], Outcome.PASS),
        ([finding(), finding(limit="instrument")], Outcome.INCONCLUSIVE),
        ([finding(confirmed=False)], Outcome.INCONCLUSIVE),
        ([finding(), finding(None)], Outcome.FAIL),
        ([], Outcome.INVALID),
    ],
)
def test_a_search_passes_where_every_knee_is_known(findings: list[CapacityFinding], outcome: Outcome) -> None:
    """One that holds no load at all fails."""
    assert outcome_of(findings, [trial()], interrupted=False) is outcome
    assert outcome_of(findings, [trial()], interrupted=True) is Outcome.INVALID
    lost = trial(audit=AuditCounts(attempted=2, stored=1, lost=1))
    assert outcome_of(findings, [lost], interrupted=True) is Outcome.FAIL


def test_users_share_a_load_and_send_once_a_second_where_they_can() -> None:
    """Few writes a second have few users; more than the most users send more often."""
    options = CapacityOptions(users=10_000)
    assert [options.users_of(load) for load in (0.5, 50, 9_999.6, 15_000)] == [1, 50, 10_000, 10_000]


def test_all_mistakes_are_named_at_once() -> None:
    """Wrong names, impossible bounds, times and users."""
    with pytest.raises(BadOptions) as found:
        CapacityOptions(
            paths=("sink",), entity="x", start_per_s=10, least_per_s=20, duration_s=0, warmup_s=-1, users=0
        ).validate()
    text = str(found.value)
    for option in ("--paths", "--entity", "--start", "--duration", "--warmup", "--users"):
        assert option in text
    with pytest.raises(BadOptions, match=r"--users: .*open files"):
        CapacityOptions().validate(Limits(1_024, None))
