"""Steadiness of a series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.quantiles import FloatArray
from seawall.stats.steadiness import is_steady, mser5


def settling(seed: int, size: int, *, excess: float, fades_in: float, noise: float = 0.1) -> FloatArray:
    """Return a figure a second around 100 that starts higher by *excess* and falls with *fades_in* seconds."""
    level = 1 + excess * np.exp(-np.arange(size) / fades_in)
    return 100 * level * np.random.default_rng(seed).lognormal(0.0, noise, size)


def transient(seed: int, *, until: int, size: int) -> FloatArray:
    """Return a figure a second that is thrice as high *until* then."""
    noise = np.random.default_rng(seed).lognormal(0.0, 0.2, size)
    return np.where(np.arange(size) < until, 300.0, 100.0) * noise


def test_finds_where_a_planted_transient_ends() -> None:
    """Thirty seconds at thrice the level before 120 at it are always cut, and in half of the series not a second more.

    In the other half noise makes a later cut better still, which is why MSER-5 alone decides nothing here.
    """
    cuts = [mser5(transient(seed, until=30, size=150)) for seed in range(200)]
    assert all(cut is None or cut >= 30 for cut in cuts)
    assert sum(cut == 30 for cut in cuts) >= 80


def test_counts_from_the_start_whatever_the_length() -> None:
    """Where 153 seconds do not make whole batches, the cut still lies within one of the end of the transient."""
    cuts = [cut for seed in range(200) if (cut := mser5(transient(seed, until=30, size=153))) is not None]
    assert all(cut >= 30 for cut in cuts)
    assert float(np.median(cuts)) <= 35


def test_cuts_what_fades() -> None:
    """An excess that halves every seven seconds is cut while it still counts and not long after."""
    cuts = [mser5(settling(seed, 200, excess=3.0, fades_in=10.0)) for seed in range(100)]
    settled = [cut for cut in cuts if cut is not None]
    assert len(settled) > 80
    assert 20 <= float(np.median(settled)) <= 50


@pytest.mark.parametrize("warmup", [0, 10, 33])
def test_a_step_in_the_second_half_never_settles(warmup: int) -> None:
    """Where the best cut leaves less than half of the series there is none, and the run was not steady."""
    for seed in range(20):
        series = transient(seed, until=70, size=100)
        assert mser5(series) is None
        judged = is_steady(series, warmup)
        assert not judged.steady
        assert f"the warm-up being {warmup}" in " ".join(judged.reasons)


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.5])
@pytest.mark.parametrize(("size", "warmup"), [(25, 0), (70, 10), (310, 30)])
def test_noise_alone_seldom_looks_unsteady(size: int, warmup: int, noise: float) -> None:
    """Of 400 series without any transient at most 5 % raise an alarm, and 2.2 points of the simulation's own error."""
    alarms = sum(
        not is_steady(settling(seed, size, excess=0.0, fades_in=1.0, noise=noise), warmup).steady for seed in range(400)
    )
    assert alarms / 400 <= 0.05 + 0.022


def test_bad_seconds_are_no_transient() -> None:
    """A machine that is slow in one second of twenty, by half to five times, seldom makes the others look unsteady."""
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(600):
        series = rng.lognormal(0.0, 0.15, 62)
        bad = rng.random(62) < 1 / 20
        series[bad] *= rng.uniform(1.5, 5.0, bad.sum())
        alarms += not is_steady(series, warmup=2).steady
    assert alarms / 600 <= 0.03


@pytest.mark.parametrize(("excess", "fades_in"), [(1.0, 20.0), (3.0, 20.0), (1.0, 40.0)])
def test_too_short_a_warm_up_is_noticed(excess: float, fades_in: float) -> None:
    """A transient of which more than half a level is left after the warm-up is found in 95 of 100 runs of 70 s."""
    found = [is_steady(settling(seed, 70, excess=excess, fades_in=fades_in), warmup=10) for seed in range(200)]
    assert sum(not judged.steady for judged in found) >= 190
    assert all(judged.reasons for judged in found if not judged.steady)


def test_a_long_enough_warm_up_is_no_reason_for_doubt() -> None:
    """The same transient is forgiven where the fixed warm-up covers it."""
    found = [is_steady(settling(seed, 180, excess=3.0, fades_in=8.0), warmup=60) for seed in range(200)]
    assert sum(judged.steady for judged in found) >= 185


def test_says_by_how_much_a_queue_grows() -> None:
    """A series that doubles while it is measured drifts by about 70 % of its median, and is not steady."""
    series = np.linspace(100.0, 200.0, 61) * np.random.default_rng(2).lognormal(0.0, 0.05, 61)
    judged = is_steady(series, warmup=0)
    assert not judged.steady
    assert judged.drift.low < 100 / 150 < judged.drift.high
    assert "drifts by +" in " ".join(judged.reasons)


def test_a_small_drift_is_steady_enough() -> None:
    """A change of 4 % over the run is significant here and does not matter."""
    judged = is_steady(np.linspace(100.0, 104.0, 100), warmup=0)
    assert judged.drift.excludes(0.0)
    assert judged.steady


@pytest.mark.parametrize(("size", "warmup"), [(19, 0), (29, 10), (0, 0), (5, 10)])
def test_short_series_are_not_judged(size: int, warmup: int) -> None:
    """Below 20 judged points nothing is said."""
    with pytest.raises(TooFewSamples, match="20 or more"):
        is_steady(np.full(size, 1.0), warmup)


def test_refuses_figures_that_cannot_be() -> None:
    """Holes, a median of 0 and a negative warm-up are named."""
    with pytest.raises(BadFigures, match="not finite"):
        is_steady(np.append(np.ones(30), np.nan), 0)
    with pytest.raises(BadFigures, match="positive"):
        is_steady(np.zeros(30), 0)
    with pytest.raises(BadFigures, match="warm-up"):
        is_steady(np.ones(30), -1)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_another_unit_changes_nothing(seed: int, factor: float) -> None:
    """The verdict, the cut and the drift are the same in seconds and milliseconds."""
    series = settling(seed, 60, excess=1.0, fades_in=10.0)
    before, after = is_steady(series, 10), is_steady(series * factor, 10)
    assert (before.steady, before.settled_after) == (after.steady, after.settled_after)
    assert after.drift.estimate == pytest.approx(before.drift.estimate, rel=1e-6, abs=1e-9)


def test_a_constant_is_steady() -> None:
    """No scatter, no drift, no cut."""
    judged = is_steady(np.full(40, 7.0), 5)
    assert judged.steady
    assert judged.settled_after == 0
    assert judged.drift.estimate == 0.0
