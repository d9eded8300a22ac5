"""A stage against the targets that are meant for it, from trials made up for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.attain import outcome_of
from seawall.experiments.bottleneck import cores_used
from seawall.experiments.stage_judgement import stage_finding, targets_of_stage
from seawall.result import AuditCounts, Outcome, Quantiles, ScopeFigures, StageFinding, Trial
from seawall.stack.places import ROOT
from seawall.targets.parse import parse_targets

TARGETS = parse_targets((ROOT / "targets.toml").read_text(encoding="utf-8"), "targets.toml")
GOOD = Quantiles(p50=10.0, p95=20.0, p95_low=19.0, p95_high=21.0, max=30.0, samples=300_000)


def trial(**changes: Any) -> Trial:
    """Return a trial of ten thousand users that holds everything."""
    figures = {
        "name": "kafka-stage-1-1", "kind": "load", "arm": "kafka", "block": 0, "entity": "mixed", "started_at": "",
        "users": 10_000, "warmup_s": 5.0, "duration_s": 30.0, "requests": 300_000, "offered_per_s": 10_100.0,
        "achieved_per_s": 10_090.0, "windows": 30, "windows_available": 30, "response_ms": GOOD, "visible_ms": GOOD,
        "audit": AuditCounts(attempted=300_000, acknowledged=300_000, stored=300_000),
        "cores": {"api": 0.95, "load": 0.4}, **changes,
    }  # fmt: skip
    return Trial(**figures)


def finding(load_per_s: float, *trials: Trial, share_of_writes: float = 1.0) -> StageFinding:
    """Return what a stage of *load_per_s* came to."""
    stage = StageFinding(arm="kafka", stage="s", load_per_s=load_per_s, users=1)
    return stage_finding(stage, trials, TARGETS, share_of_writes=share_of_writes, cores=4)


@pytest.mark.parametrize(
    ("writes_per_s", "judged"), [(1_000.0, False), (9_999.0, False), (10_000.0, True), (12_000.0, True)]
)
def test_writes_a_second_are_judged_where_the_stage_was_to_reach_them(writes_per_s: float, judged: bool) -> None:  # noqa: FBT001
    """Users, availability and all that is always judged are meant for every stage."""
    names = [target.metric.name for target in targets_of_stage(TARGETS, writes_per_s).targets]
    assert ("writes_per_s" in names) is judged
    assert {"users", "availability", "lost", "response_p95_ms"} <= set(names)


def test_a_stage_that_holds_everything_passes_and_names_no_bottleneck() -> None:
    """Its users are those that there were."""
    found = finding(10_000.0, trial(), trial())
    assert (found.outcome, found.bottleneck, found.advice, found.users) == (Outcome.PASS, "", "", 10_000)
    assert "writes_per_s" in {row.metric for row in found.targets}
    assert {row.outcome for row in found.targets} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("changes", "outcome", "metric"),
    [
        ({"response_ms": Quantiles(p95=300.0, p95_low=290.0, p95_high=310.0, max=400.0, samples=300_000)}, "FAIL",
         "response_p95_ms"),
        ({"response_ms": Quantiles(samples=300_000)}, "FAIL", "response_p95_ms"),
        ({"achieved_per_s": 9_000.0}, "FAIL", "writes_per_s"),
        ({"windows_available": 20}, "FAIL", "availability"),
        ({"users": 9_999}, "FAIL", "users"),
        ({"failed": 3_000}, "FAIL", "error_ratio"),
        ({"audit": AuditCounts(attempted=9, stored=8, lost=1), "outcome": Outcome.FAIL}, "FAIL", "lost"),
        ({"invalid_because": ["the generator itself was late"], "outcome": Outcome.INVALID}, "INVALID", "users"),
    ],
)  # fmt: skip
def test_a_stage_fails_by_each_of_its_targets(changes: dict[str, Any], outcome: str, metric: str) -> None:
    """What is not held is named, and so is the process at its limit."""
    found = finding(10_000.0, trial(**changes), trial(**changes))
    assert found.outcome == outcome
    assert next(row.outcome for row in found.targets if row.metric == metric) == outcome
    assert found.bottleneck
    assert found.advice


def test_a_failed_trial_fails_its_stage() -> None:
    """Even where every target of the file passes: no target there is on records out of order."""
    found = finding(10_000.0, trial(), trial(outcome=Outcome.FAIL))
    assert found.outcome is Outcome.FAIL


def test_each_kind_of_request_of_a_mix_is_judged_by_itself() -> None:
    """Slow lookups miss their own target, and the writes beside them do not."""
    slow = Quantiles(p50=500.0, p95=900.0, p95_low=890.0, p95_high=910.0, max=999.0, samples=200_000)
    mixed = trial(
        scopes={
            "write": ScopeFigures(requests=100_000, achieved_per_s=3_030.0, response_ms=GOOD),
            "cached lookup": ScopeFigures(requests=200_000, achieved_per_s=7_000.0, response_ms=slow),
        }
    )
    found = finding(10_000.0, mixed, mixed, share_of_writes=0.3)
    outcomes = {(row.metric, row.scope): row.outcome for row in found.targets}
    assert outcomes["response_p95_ms", "write"] is Outcome.PASS
    assert outcomes["response_p95_ms", "cached lookup"] is Outcome.FAIL
    assert ("response_p95_ms", "analytics") not in outcomes
    assert "writes_per_s" not in {metric for metric, _ in outcomes}


def test_cores_are_those_of_the_judged_time_or_of_the_whole_trial() -> None:
    """A trial of a second is over before its processes were looked at twice."""
    short = trial(cores={"load": 0.5}, cpu_s={"api": 7.0, "load": 3.5}, drain_s=0.0)
    assert cores_used([trial(), trial()]) == {"api": 0.95, "load": 0.4}
    assert cores_used([short]) == {"api": 0.2, "load": 0.1}


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        ([Outcome.PASS, Outcome.PASS], Outcome.PASS),
        ([Outcome.PASS, Outcome.INCONCLUSIVE], Outcome.INCONCLUSIVE),
        ([Outcome.PASS, None], Outcome.INVALID),
        ([Outcome.FAIL, Outcome.FAIL, None], Outcome.FAIL),
        ([], Outcome.INVALID),
    ],
)
def test_a_run_passes_where_every_stage_was_run_and_passed(outcomes: list[Outcome | None], outcome: Outcome) -> None:
    """One that was not run leaves it open, unless another failed."""
    stages = [StageFinding(arm="a", stage="s", load_per_s=1, users=1, outcome=one) for one in outcomes]
    assert outcome_of(stages) is outcome
