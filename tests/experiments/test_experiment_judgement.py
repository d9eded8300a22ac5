"""Arms against targets, from trials made up for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.result import AuditCounts, JudgedTarget, Outcome, Quantiles, Trial
from seawall.targets.parse import parse_targets

TARGETS = parse_targets(
    """
[[always]]
name = "in time"
metric = "response_p95_ms"
scope = "write"
limit = "< 200 ms"

[[always]]
name = "few fail"
metric = "error_ratio"
scope = "all"
limit = "<= 0.1 %"

[[always]]
name = "nothing lost"
metric = "lost"
scope = "write"
limit = "= 0"

[[attain]]
name = "fast"
metric = "writes_per_s"
scope = "write"
limit = ">= 10000 /s"
""",
    "test.toml",
)


def trial(p95: float | None, **rest: Any) -> Trial:
    """Return a load trial of the arm `sync`; a p95 of None falls among requests that were never answered."""
    response = Quantiles(p50=1.0, p95=p95, max=None if p95 is None else 999.0, samples=5_000)
    figures = {
        "name": "t", "kind": "load", "arm": "sync", "block": 0, "entity": "users", "started_at": "", "users": 10,
        "requests": 5_000, "achieved_per_s": 500.0, "response_ms": response,
        "audit": AuditCounts(attempted=5_000, acknowledged=5_000, stored=5_000), **rest,
    }  # fmt: skip
    return Trial(**figures)


def judged(*trials: Trial) -> dict[str, JudgedTarget]:
    """Return how the arm's targets came out, by name."""
    return {row.name: row for row in judge_arms(TARGETS, ["sync", "kafka"], trials)}


def verdict(*trials: Trial) -> Outcome:
    """Return the arm's verdict."""
    return arm_verdicts(judge_arms(TARGETS, ["sync"], trials), trials)["sync"]


@pytest.mark.parametrize(
    ("p95s", "outcome"),
    [
        pytest.param([20.0, 22.0, 21.0, 23.0], Outcome.PASS, id="far below"),
        pytest.param([420.0, 422.0, 421.0, 423.0], Outcome.FAIL, id="far above"),
        pytest.param([150.0, 250.0, 190.0, 210.0], Outcome.INCONCLUSIVE, id="on either side"),
        pytest.param([20.0, 22.0, 21.0, None], Outcome.FAIL, id="never reached in one trial"),
    ],
)
def test_a_limit_is_held_against_the_interval_over_trials(p95s: list[float | None], outcome: Outcome) -> None:
    """The whole interval decides, and the run is the unit."""
    row = judged(*map(trial, p95s))["in time"]
    assert (row.outcome, row.trials) == (outcome, 4)


def test_two_trials_that_agree_decide_a_far_limit() -> None:
    """Nearly the same p95 twice, far below; where they differ, nothing is said."""
    assert judged(trial(20.0), trial(21.0))["in time"].outcome is Outcome.PASS
    assert judged(trial(20.0), trial(60.0))["in time"].outcome is Outcome.INCONCLUSIVE


def test_one_trial_speaks_by_the_interval_of_its_run() -> None:
    """An end that is open decides nothing."""
    closed = Quantiles(p50=1.0, p95=20.0, p95_low=15.0, p95_high=40.0, max=99.0, samples=5_000)
    opened = Quantiles(p50=1.0, p95=20.0, p95_low=15.0, p95_high=None, max=99.0, samples=5_000)
    found = judged(trial(1.0, response_ms=closed))["in time"]
    assert (found.outcome, found.ci_low, found.ci_high) == (Outcome.PASS, 15.0, 40.0)
    assert judged(trial(1.0, response_ms=opened))["in time"].outcome is Outcome.INCONCLUSIVE


def test_failures_and_requests_that_were_never_sent_count_against_the_ratio() -> None:
    """Four of twenty thousand keep to 0.1 %, eighty do not, and none of two hundred is too few to tell."""
    assert judged(*[trial(20.0, failed=1) for _ in range(4)])["few fail"].outcome is Outcome.PASS
    assert judged(*[trial(20.0, failed=20, unsent=20) for _ in range(4)])["few fail"].outcome is Outcome.FAIL
    assert judged(*[trial(20.0, requests=50) for _ in range(4)])["few fail"].outcome is Outcome.INCONCLUSIVE


def test_one_lost_record_in_an_invalid_trial_fails_the_arm() -> None:
    """A slow generator loses no records."""
    lost = AuditCounts(attempted=10, acknowledged=10, stored=9, lost=1)
    trials = [
        trial(20.0),
        trial(20.0),
        trial(20.0),
        trial(20.0, invalid_because=["late"], outcome=Outcome.FAIL, audit=lost),
    ]
    assert judged(*trials)["nothing lost"].outcome is Outcome.FAIL
    assert verdict(*trials) is Outcome.FAIL


def test_invalid_trials_are_left_out_of_times() -> None:
    """Three good ones and a late generator are judged by the three."""
    late = trial(900.0, outcome=Outcome.INVALID, invalid_because=["the generator itself was late"])
    row = judged(trial(20.0), trial(21.0), trial(22.0), late)["in time"]
    assert (row.outcome, row.trials) == (Outcome.PASS, 3)


def test_an_arm_of_invalid_trials_is_invalid_and_says_why() -> None:
    """Nothing can be said of the service."""
    late = trial(900.0, outcome=Outcome.INVALID, invalid_because=["the generator itself was late"])
    row = judged(late, late)["in time"]
    assert (row.outcome, row.reason) == (Outcome.INVALID, "the generator itself was late")
    assert verdict(late, late) is Outcome.INVALID


def test_targets_of_attainment_are_not_judged_in_any_run() -> None:
    """A comparison at 500 a second does not miss 10,000."""
    assert set(judged(trial(20.0))) == {"in time", "few fail", "nothing lost"}


def test_an_arm_without_load_trials_has_no_verdict() -> None:
    """Nothing is made up for it."""
    data = trial(20.0, kind="data")
    assert judged(data) == {}
    assert arm_verdicts([], [data]) == {}


def test_availability_is_taken_over_all_seconds_of_all_trials() -> None:
    """Two bad seconds of forty; four trials of ten seconds each."""
    available = parse_targets(
        '[[always]]\nname = "available"\nmetric = "availability"\nlimit = ">= 99 %"\n', "test.toml"
    )
    trials = [trial(20.0, windows=10, windows_available=10 - bad) for bad in (0, 2, 0, 0)]
    (row,) = judge_arms(available, ["sync"], trials)
    assert (row.measured, row.samples, row.outcome) == (0.95, 40, Outcome.FAIL)


def test_forty_good_seconds_tell_of_themselves_and_not_of_an_hour() -> None:
    """As an estimate they leave 99 % open; as a count of the judged time they are all of it."""
    available = parse_targets(
        '[[always]]\nname = "available"\nmetric = "availability"\nlimit = ">= 99 %"\n', "test.toml"
    )
    trials = [trial(20.0, windows=10, windows_available=10) for _ in range(4)]
    (estimate,) = judge_arms(available, ["sync"], trials)
    (counted,) = judge_arms(available, ["sync"], trials, census=True)
    assert (estimate.outcome, counted.outcome) == (Outcome.INCONCLUSIVE, Outcome.PASS)
    assert (counted.measured, counted.ci_low, counted.samples) == (1.0, 1.0, 40)
