"""Changes of level, on series whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.stats.change_points import FEWEST_A_SIDE, FEWEST_RUNS, SIGNIFICANCE, change_points
from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.quantiles import FloatArray

SERIES = st.lists(st.floats(-1e6, 1e6), min_size=FEWEST_RUNS, max_size=24).map(np.array)


def noise(kind: str, rng: np.random.Generator, runs: int) -> FloatArray:
    """Return logarithms of figures that vary by *kind* from run to run, with a standard deviation near 1."""
    if kind == "normal":
        return rng.normal(size=runs)
    if kind == "heavy tails":
        return np.asarray(rng.standard_t(3, size=runs) / np.sqrt(3))
    return rng.normal(0.0, 0.5, runs) + np.where(rng.random(runs) < 0.15, 3.0, 0.0)  # now and then a bad night


def found_in(series: FloatArray) -> list[int]:
    """Return the places of the changes."""
    return [change.index for change in change_points(series)]


@pytest.mark.parametrize("runs", [FEWEST_RUNS, *(pytest.param(runs, marks=pytest.mark.long) for runs in (25, 60))])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "bad nights"])
def test_noise_raises_alarms_as_seldom_as_is_said(kind: str, runs: int) -> None:
    """Of 300 series without a change about 1 % have one found; the simulation's own error is 0.6 points."""
    rng = np.random.default_rng(runs)
    alarms = sum(bool(change_points(noise(kind, rng, runs))) for _ in range(300))
    assert alarms / 300 <= SIGNIFICANCE + 3 * 0.0057


@pytest.mark.long
@pytest.mark.parametrize(("correlation", "lowest", "highest"), [(0.2, 0.01, 0.09), (0.4, 0.08, 0.22)])
def test_runs_that_depend_on_one_another_raise_more_alarms(correlation: float, lowest: float, highest: float) -> None:
    """A limit of the method that docs/history.md tells: of 300 series of 25 runs 4 % and 15 % have a change found."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(300):
        series = rng.normal(size=25)
        for run in range(1, 25):
            series[run] = correlation * series[run - 1] + np.sqrt(1 - correlation**2) * series[run]
        alarms += bool(change_points(series))
    assert lowest <= alarms / 300 <= highest


@pytest.mark.parametrize(
    ("before", "after", "step", "least"), [(12, 12, 3.0, 0.9), (15, 5, 4.0, 0.85), (15, 3, 6.0, 0.8)]
)
def test_a_step_is_found_at_its_place(before: int, after: int, step: float, least: float) -> None:
    """Steps of so many standard deviations are found within one run of where they are, and no other beside them."""
    rng = np.random.default_rng(before + after)
    hits = 0
    for _ in range(30):
        series = noise("normal", rng, before + after)
        series[before:] += step
        found = found_in(series)
        hits += len(found) == 1 and abs(found[0] - before) <= 1
    assert hits / 30 >= least


@pytest.mark.long
def test_a_small_step_takes_many_runs() -> None:
    """One standard deviation is seldom found with ten runs a side, and mostly with forty."""
    rng = np.random.default_rng(5)
    shares = []
    for side in (10, 40):
        hits = 0
        for _ in range(20):
            series = noise("normal", rng, 2 * side)
            series[side:] += 1.0
            hits += bool(found_in(series))
        shares.append(hits / 20)
    assert shares[0] < 0.5
    assert shares[1] > 0.6


def test_a_level_that_came_and_went_has_two_changes() -> None:
    """Both its ends are found."""
    series = np.random.default_rng(3).normal(0.0, 0.1, 40)
    series[15:25] += 1.0
    assert found_in(series) == [15, 25]


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_runs_that_stick_out_are_no_level(count: int) -> None:
    """However far they do, the level begins with neither of them."""
    series = np.random.default_rng(4).normal(0.0, 0.1, 30)
    series[14 : 14 + count] += 50.0
    assert found_in(series) == []


def test_a_change_of_spread_is_a_change() -> None:
    """The energy distance knows more than means."""
    rng = np.random.default_rng(6)
    series = np.concatenate([rng.normal(0.0, 0.02, 40), rng.normal(0.0, 3.0, 40)])
    assert [abs(index - 40) <= 4 for index in found_in(series)] == [True]


def test_figures_that_never_move_have_no_change() -> None:
    """Nor has a series of one figure but for single others."""
    assert found_in(np.zeros(30)) == []
    assert found_in(np.where(np.arange(30) % 15 == 7, 1.0, 0.0)) == []


def test_of_a_long_series_the_latest_runs_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer ago is not searched; places are counted from the series' begin."""
    monkeypatch.setattr("seawall.stats.change_points.MOST_RUNS", 30)
    series = np.zeros(60)
    series[:20] = 9.0
    series[-10:] = 1.0
    assert found_in(series) == [50]


@given(SERIES)
@settings(max_examples=25)
def test_levels_are_long_enough_and_in_order(series: FloatArray) -> None:
    """Whatever the figures are, and the answer is the same again, and for the series in other units."""
    found = found_in(series)
    assert np.all(np.diff([0, *found, len(series)]) >= FEWEST_A_SIDE)
    assert found_in(series) == found
    assert found_in(4.0 * series) == found


@pytest.mark.parametrize("runs", [0, 1, FEWEST_RUNS - 1])
def test_too_few_runs_say_so(runs: int) -> None:
    """With how many it takes."""
    with pytest.raises(TooFewTrials, match=f"{runs} runs .* {FEWEST_RUNS} are the fewest"):
        change_points(np.arange(float(runs)))


def test_a_figure_that_is_none_is_refused() -> None:
    """Instead of a change at some place."""
    with pytest.raises(BadFigures):
        change_points(np.array([1.0] * 9 + [np.nan]))
