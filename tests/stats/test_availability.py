"""Availability."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from benchmarks.simulation import share_that_holds
from seawall.stats.availability import availability, wilson_interval
from seawall.stats.errors import BadFigures, TooFewSamples

TIMES = np.arange(1_000) / 100.0
"""A hundred requests in each of ten seconds."""


def test_a_second_with_one_failure_in_a_hundred_is_available() -> None:
    """Ninety-nine of a hundred are enough, ninety-eight are not."""
    succeeded = np.full(1_000, fill_value=True)
    succeeded[150] = succeeded[250] = succeeded[260] = False
    found = availability(TIMES, succeeded, 0.0, 10.0)
    assert (found.available, found.windows) == (9, 10)
    assert found.share.estimate == pytest.approx(0.9)


def test_windows_start_with_the_judged_part() -> None:
    """What was intended before or after it does not count, nor does the rest of a second at its end."""
    succeeded = (TIMES >= 2.5) & (TIMES < 8.5)
    found = availability(TIMES, succeeded, 2.5, 9.4)
    assert (found.available, found.windows) == (6, 6)
    assert availability(TIMES, succeeded, 2.5, 9.5).windows == 7


def test_seconds_without_an_offer_do_not_count() -> None:
    """Nobody was refused in them, and nobody served."""
    found = availability(np.array([0.5, 3.5, 3.6]), np.array([True, True, False]), 0.0, 5.0)
    assert (found.available, found.windows) == (1, 2)


def test_refuses_a_run_without_a_whole_second() -> None:
    """No window, no share; and times must match outcomes."""
    with pytest.raises(TooFewSamples):
        availability(np.array([0.5]), np.array([True]), 0.0, 0.9)
    with pytest.raises(BadFigures):
        availability(np.array([0.5]), np.array([True, False]), 0.0, 2.0)


@pytest.mark.parametrize(("hits", "draws"), [(0, 1), (1, 1), (0, 60), (60, 60), (59, 60), (500, 1_000), (3_838, 3_838)])
def test_interval_is_scipys_wilson(hits: int, draws: int) -> None:
    """It agrees with scipy's, holds its estimate and stays between 0 and 1."""
    ours = wilson_interval(hits, draws)
    theirs = stats.binomtest(hits, draws).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= ours.estimate <= ours.high <= 1


def test_interval_covers_the_true_share() -> None:
    """Over shares from 10 to 90 % of 300 seconds, 93 to 97 % of 4,500 intervals hold the truth."""
    rng = np.random.default_rng(15)
    held = [
        share_that_holds(share, [wilson_interval(int(hits), 300) for hits in rng.binomial(300, share, 500)])
        for share in np.linspace(0.1, 0.9, 9)
    ]
    assert 0.93 <= float(np.mean(held)) <= 0.97


def test_a_thousandth_takes_over_an_hour_to_prove() -> None:
    """As the docstring says: 3,838 seconds without a bad one bound availability by 99.9 %."""
    assert wilson_interval(3_838, 3_838).low >= 0.999
    assert wilson_interval(3_837, 3_837).low < 0.999


@pytest.mark.parametrize(("hits", "draws", "error"), [(0, 0, TooFewSamples), (2, 1, BadFigures), (-1, 1, BadFigures)])
def test_refuses_shares_that_cannot_be(hits: int, draws: int, error: type[Exception]) -> None:
    """Nothing drawn, or more hits than draws."""
    with pytest.raises(error):
        wilson_interval(hits, draws)
