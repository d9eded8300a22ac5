"""Two runs held against each other, from trials made up for the purpose."""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.experiments.differences import differences, is_regression, obstacles, regression_outcome
from seawall.result import Arm, AuditCounts, Outcome, Quantiles, Result, Trial

RNG = np.random.default_rng(5)


def run(p95: float, *, count: int = 4, durability: str = "fsync", cores: int = 2) -> Result:
    """Return a run of one arm whose trials have about this p95, with 2 % of noise."""
    trials = [
        Trial(
            name=f"load-sync-{number}", kind="load", arm="sync", block=0, entity="mixed", started_at="", users=10,
            achieved_per_s=1_000.0 * float(RNG.lognormal(0, 0.002)), audit=AuditCounts(attempted=100, stored=100),
            response_ms=Quantiles(p95=p95 * float(RNG.lognormal(0, 0.02)), samples=5_000),
        )
        for number in range(count)
    ]  # fmt: skip
    return Result(
        experiment="compare", started_at="", finished_at="", seed=1, outcome=Outcome.PASS,
        options={"rate_per_s": 5.0, "seed": 1}, environment={"cores": cores}, trials=trials,
        arms=[Arm(name="sync", path="sync", durability=durability, settings={"postgres": {"fsync": "on"}})],
    )  # fmt: skip


def test_a_change_for_the_worse_is_a_regression() -> None:
    """Half as much again is found, with the ratio."""
    rows = list(differences(run(20.0), run(30.0)))
    response = next(row for row in rows if row.metric == "response_p95_ms")
    assert is_regression(response)
    assert response.ratio is not None
    assert 1.4 < response.ratio < 1.6
    assert regression_outcome(rows) is Outcome.FAIL


def test_a_change_for_the_better_is_none() -> None:
    """Nor is a run against itself, nor a change within 5 %."""
    for other in (15.0, 20.0, 20.2):
        rows = list(differences(run(20.0), run(other)))
        assert regression_outcome(rows) is Outcome.PASS, other


def test_too_few_trials_leave_it_open() -> None:
    """Two against two have no interval."""
    assert regression_outcome(list(differences(run(20.0, count=2), run(40.0, count=2)))) is Outcome.INCONCLUSIVE


def test_runs_without_a_common_cell_say_nothing() -> None:
    """Other records were written."""
    other = run(20.0)
    moved = msgspec.structs.replace(other, trials=[msgspec.structs.replace(t, entity="users") for t in other.trials])
    assert regression_outcome(list(differences(run(20.0), moved))) is Outcome.INVALID


def test_what_differs_beside_the_figures_is_named() -> None:
    """Machine, durability, settings and load; the seed may differ."""
    assert obstacles(run(20.0), run(30.0)) == []
    assert obstacles(run(20.0), run(20.0, cores=8)) == ["machine cores: 2 against 8"]
    assert obstacles(run(20.0), run(20.0, durability="no fsync")) == ["durability of sync: fsync against no fsync"]
    other = run(20.0)
    arm = msgspec.structs.replace(other.arms[0], settings={"postgres": {"fsync": "off"}})
    assert obstacles(run(20.0), msgspec.structs.replace(other, arms=[arm])) == ["settings of sync in postgres"]
    assert obstacles(run(20.0), msgspec.structs.replace(other, options={"rate_per_s": 9.0, "seed": 2})) == [
        "option rate_per_s: 5.0 against 9.0"
    ]
