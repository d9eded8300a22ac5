"""Many runs in one history: what stands in one series, what is worse, and what is news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from varied_runs import BEGIN, REAL, varied_copy

from seawall.experiments.errors import NoTime
from seawall.experiments.history import make_history
from seawall.experiments.history_figures import FollowedRun, followed
from seawall.experiments.periods import fitting_period, period_of
from seawall.report.stored import stored_result
from seawall.result import Outcome, Result
from seawall.result.history import History, HistoryGroup, HistorySeries
from seawall.stack.places import ROOT
from seawall.stats.change_points import FEWEST_RUNS

REFERENCE = ROOT / "results" / "reference"
RESPONSE = "response p95, ms"


@pytest.fixture(scope="module")
def real() -> Result:
    """A real comparison under load: three paths, four trials each."""
    return stored_result(REAL)


def runs_of(results: Sequence[Result]) -> list[FollowedRun]:
    """Return what is kept of *results*, as if each lay in a directory of its own."""
    return [followed(result, f"run-{number}") for number, result in enumerate(results)]


def nightly(real: Result, levels: Sequence[float], noise: float = 0.03) -> list[Result]:
    """Return a run a day, as many times as slow as the real one."""
    rng = np.random.default_rng(7)
    return [
        varied_copy(real, BEGIN + timedelta(days=day), level * float(rng.lognormal(0.0, noise)), commit=f"c{day}")
        for day, level in enumerate(levels)
    ]


def history_of(results: Sequence[Result], by: str = "week", *, anyway: bool = False) -> History:
    """Return their history."""
    return make_history(runs_of(results), "results", by=by, anyway=anyway)


def group_of(history: History, arm: str) -> HistoryGroup:
    """Return the only group of that arm."""
    (group,) = [group for group in history.groups if group.arm == arm]
    return group


def series_of(group: HistoryGroup, figure: str) -> HistorySeries:
    """Return the only series of that figure."""
    (series,) = [one for one in group.series if one.figure == figure]
    return series


def test_a_run_gives_one_figure_a_kind(real: Result) -> None:
    """Of four trials an arm the geometric mean of those that are valid; failed is a share of what was asked."""
    (run,) = runs_of([real])
    assert [arm.arm for arm in run.arms] == ["sync", "grouped", "kafka"]
    kafka = run.arms[2]
    trials = [trial for trial in real.trials if trial.arm == "kafka" and trial.outcome is Outcome.PASS]
    expected = float(np.exp(np.mean([np.log(trial.response_ms.p95 or 0.0) for trial in trials])))
    figures = {figure.name: value for figure, value in kafka.figures.items()}
    assert figures[RESPONSE] == pytest.approx(expected)
    assert {"visible p95, ms", "achieved, /s", "failed, %"} <= figures.keys()
    assert kafka.outcome is real.verdicts["kafka"]


@pytest.mark.parametrize("directory", sorted(path.parent.name for path in REFERENCE.glob("*/result.json")))
def test_every_experiment_has_something_to_follow(directory: str) -> None:
    """But controls, which are a verdict alone and lose records on purpose, and scenarios that could not tell."""
    result = stored_result(REFERENCE / directory)
    run = followed(result, "here")
    figures = [figure for arm in run.arms for figure in arm.figures]
    told = result.outcome is not Outcome.INVALID or not result.experiment.startswith("stream")
    assert bool(figures) or result.experiment == "controls" or not told
    assert all(np.isfinite(value) for arm in run.arms for value in arm.figures.values())
    assert sum(arm.lost for arm in run.arms) == 0
    assert all({"processor", "memory", "durability"} <= arm.conditions.keys() for arm in run.arms)


def test_two_runs_of_one_command_on_one_machine_stand_in_one_series() -> None:
    """Although each start of Kafka has an identity of its own, and the commit is another."""
    again = [followed(stored_result(REFERENCE / f"20261129-capacity-kafka{end}"), end or "-") for end in ("", "-again")]
    history = make_history(again, "results")
    (group,) = history.groups
    assert group.runs == [0, 1]
    assert [point.value for point in series_of(group, "capacity, /s").points] == [13_700, 14_800]


def test_another_load_or_machine_is_another_series(real: Result) -> None:
    """The report says in what it differs; `anyway` puts them together."""
    rate = {**real.options, "rate_per_s": 10.0}
    faster = {**real.environment, "cores": 64}
    others = [
        real,
        msgspec.structs.replace(varied_copy(real, BEGIN), options=rate),
        msgspec.structs.replace(varied_copy(real, BEGIN + timedelta(days=1)), environment=faster),
    ]
    history = history_of(others)
    groups = [group for group in history.groups if group.arm == "kafka"]
    assert [len(group.runs) for group in groups] == [1, 1, 1]
    told = [difference for group in groups for difference in group.apart]
    assert any(difference.startswith("option rate_per_s") for difference in told)
    assert any(difference.startswith("processor: ") for difference in told)
    assert group_of(history_of(others, anyway=True), "kafka").runs == [0, 1, 2]


def test_a_step_is_found_with_what_changed_with_it(real: Result) -> None:
    """In every path's times, at the first slow run, with its commit; rates and failures stay as they were."""
    history = history_of(nightly(real, [1.0] * 12 + [1.5] * 5))
    assert history.outcome is Outcome.FAIL
    for arm in ("sync", "grouped", "kafka"):
        group = group_of(history, arm)
        (change,) = series_of(group, RESPONSE).changes
        assert change.run == 12
        assert change.ratio == pytest.approx(1.5, rel=0.05)
        assert change.worse
        assert change.new
        assert change.changed == ["commit c11 to c12"]
        assert series_of(group, "achieved, /s").changes == []
        assert series_of(group, "failed, %").changes == []


def test_a_step_of_one_path_is_that_path_s(real: Result) -> None:
    """The others have no change."""
    days = [BEGIN + timedelta(days=day) for day in range(16)]
    rng = np.random.default_rng(9)
    results = [
        varied_copy(
            varied_copy(real, at, float(rng.lognormal(0.0, 0.03))), at, 1.4 if day >= 10 else 1.0, arm="grouped"
        )
        for day, at in enumerate(days)
    ]
    history = history_of(results)
    changed = {group.arm for group in history.groups if series_of(group, RESPONSE).changes}
    assert changed == {"grouped"}


@pytest.mark.long
def test_what_became_quicker_is_no_failure(real: Result) -> None:
    """The change is told, and nothing got worse."""
    history = history_of(nightly(real, [1.5] * 10 + [1.0] * 6))
    (change,) = series_of(group_of(history, "kafka"), RESPONSE).changes
    assert not change.worse
    assert history.outcome is Outcome.PASS


def test_a_change_within_five_percent_is_no_failure(real: Result) -> None:
    """However sure it is."""
    history = history_of(nightly(real, [1.0] * 12 + [1.04] * 12, noise=0.002))
    (change,) = series_of(group_of(history, "kafka"), RESPONSE).changes
    assert not change.worse
    assert history.outcome is Outcome.PASS


def test_what_got_worse_long_ago_is_no_news(real: Result) -> None:
    """It stands in the report and does not fail it."""
    history = history_of(nightly(real, [1.0] * 12 + [1.6] * 20))
    (change,) = series_of(group_of(history, "kafka"), RESPONSE).changes
    assert change.worse
    assert not change.new
    assert history.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("since", "expected"), [pytest.param(14, True, marks=pytest.mark.long), (12, True), (11, False)]
)
def test_it_is_news_in_the_period_in_which_it_can_first_be_told(real: Result, since: int, *, expected: bool) -> None:
    """Day 14 is a Monday: two slow runs of the weekend before could not yet be told, three could."""
    history = history_of(nightly(real, [1.0] * since + [2.0] * (18 - since)))
    (change,) = series_of(group_of(history, "kafka"), RESPONSE).changes
    assert (change.run, change.new) == (since, expected)


def test_a_lost_record_is_news_without_any_statistics(real: Result) -> None:
    """Of two runs no level can be told, and a loss in the newest period fails all the same."""
    results = [varied_copy(real, BEGIN), varied_copy(real, BEGIN + timedelta(days=7), lost=1)]
    history = history_of(results)
    assert history.outcome is Outcome.FAIL
    assert [period.lost for period in group_of(history, "kafka").periods] == [0, 4]
    assert history_of(list(reversed(results))).outcome is Outcome.FAIL  # by time, not by name
    earlier = [varied_copy(real, BEGIN, lost=1), varied_copy(real, BEGIN + timedelta(days=7))]
    assert history_of(earlier).outcome is Outcome.INCONCLUSIVE


def test_too_few_runs_cannot_tell(real: Result) -> None:
    """Each series says so, with how many it takes."""
    history = history_of(nightly(real, [1.0] * (FEWEST_RUNS - 1)))
    assert history.outcome is Outcome.INCONCLUSIVE
    assert all(f"{FEWEST_RUNS} are the fewest" in one.untold for group in history.groups for one in group.series)


def test_periods_hold_medians_and_verdicts(real: Result) -> None:
    """A week of seven runs has the median of its seven figures, and the count of how they came out."""
    history = history_of(nightly(real, [1.0] * 14))
    group = group_of(history, "kafka")
    assert [(period.name, period.runs) for period in group.periods] == [("2026-W37", 7), ("2026-W38", 7)]
    place = [one.figure for one in group.series if one.main].index(RESPONSE)
    values = [point.value for point in series_of(group, RESPONSE).points]
    assert group.periods[0].medians[place] == pytest.approx(float(np.median(values[:7])))
    assert group.periods[1].outcomes == {real.verdicts["kafka"]: 7}


def test_a_run_that_is_there_twice_counts_once(real: Result) -> None:
    """And the report says where it lies again."""
    history = history_of([*nightly(real, [1.0, 1.0]), *nightly(real, [1.0])])
    assert len(history.runs) == 2
    (again,) = history.skipped
    assert "the same run as in run-0" in again.why


def test_a_result_without_a_time_is_refused(real: Result) -> None:
    """In words."""
    with pytest.raises(NoTime, match="which is no time"):
        followed(msgspec.structs.replace(real, started_at=""), "here")


def test_a_history_is_written_and_read_again(real: Result) -> None:
    """As JSON, without a loss."""
    history = history_of(nightly(real, [1.0] * 12 + [1.5] * 5))
    assert msgspec.json.decode(msgspec.json.encode(history), type=History) == history


@pytest.mark.parametrize(("days", "by"), [(0, "day"), (14, "day"), (15, "week"), (120, "week"), (121, "month")])
def test_the_period_fits_the_span(days: int, by: str) -> None:
    """Days up to two weeks, weeks up to four months, then months."""
    assert fitting_period(BEGIN, BEGIN + timedelta(days=days)) == by


def test_periods_have_names_that_sort() -> None:
    """ISO weeks belong to the year of their Thursday."""
    assert [period_of(BEGIN, by) for by in ("day", "week", "month")] == ["2026-09-07", "2026-W37", "2026-09"]
    assert period_of(BEGIN.replace(year=2027, month=1, day=1), "week") == "2026-W53"
