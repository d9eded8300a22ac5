"""Arms against one another, from trials made up for the purpose."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.experiments.comparisons import TOO_FEW, compare_arms
from seawall.result import AuditCounts, Outcome, Quantiles, Trial

ARMS = ["sync", "grouped", "kafka"]


def trial(arm: str, duration_s: float, *, outcome: Outcome = Outcome.PASS) -> Trial:
    """Return a trial of 100 records."""
    return Trial(
        name=arm, kind="data", arm=arm, block=0, entity="users", started_at="", users=1, count=100, outcome=outcome,
        duration_s=duration_s, achieved_per_s=100 / duration_s, audit=AuditCounts(attempted=100, stored=100),
    )  # fmt: skip


def test_a_planted_difference_is_found_with_its_direction() -> None:
    """Twice as long with two per cent of noise: larger in duration, smaller in rate, and 2 lies in the interval."""
    noise = np.random.default_rng(3).lognormal(0, 0.02, 8)
    trials = [trial("sync", noise[place]) for place in range(4)] + [
        trial("kafka", 2 * noise[place]) for place in range(4, 8)
    ]
    found = {row.metric: row for row in compare_arms(ARMS, trials)}
    duration, rate = found["duration_s"], found["achieved_per_s"]
    assert (duration.says, rate.says) == ("larger", "smaller")
    assert (duration.base, duration.arm, duration.trials) == ("sync", "kafka", 4)
    assert duration.ci_low is not None
    assert duration.ci_high is not None
    assert duration.ci_low < 2 < duration.ci_high
    assert duration.significant


def test_an_arm_against_itself_shows_no_difference() -> None:
    """The same figures under two names are never called different."""
    noise = np.random.default_rng(4).lognormal(0, 0.2, 4)
    trials = [trial(arm, figure) for arm in ("sync", "kafka") for figure in noise]
    assert {row.significant for row in compare_arms(ARMS, trials)} == {False}


def test_two_trials_give_an_estimate_without_an_interval() -> None:
    """Nothing is claimed from a quick run."""
    (duration, _) = compare_arms(
        ARMS, [trial(arm, figure) for arm, figure in (("sync", 1.0), ("kafka", 3.0)) for _ in range(2)]
    )
    assert (duration.ratio, duration.ci_low, duration.says) == (3.0, None, TOO_FEW)
    assert not duration.significant


def test_trials_that_did_not_pass_do_not_count() -> None:
    """A trial of which the generator was late, or that lost a record, is in no comparison."""
    trials = [trial("sync", 1.0), trial("kafka", 2.0), trial("kafka", 99.0, outcome=Outcome.INVALID)]
    (duration, _) = compare_arms(ARMS, trials)
    assert duration.ratio == pytest.approx(2.0)


def test_figures_that_do_not_exist_are_left_out() -> None:
    """A load trial whose p95 cannot be told is no zero."""
    load = [
        Trial(name=arm, kind="load", arm=arm, block=0, entity="mixed", started_at="", users=1, achieved_per_s=5.0,
              response_ms=Quantiles(p95=None if arm == "kafka" else 7.0))
        for arm in ("sync", "kafka")
    ]  # fmt: skip
    assert {row.metric for row in compare_arms(ARMS, load)} == {"achieved_per_s"}
