"""The number of trials for a precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.precision import MOST_TRIALS, spread_between_trials, trials_for_precision, trials_for_ratio
from seawall.stats.ratios import hodges_lehmann_ratio


def mean_half_width(spread: float, trials: int) -> float:
    """Return how far the intervals of 400 comparisons reach to either side on average, on the logarithmic scale."""
    rng = np.random.default_rng(trials)
    ratios = [hodges_lehmann_ratio(*rng.lognormal(0.0, spread, (2, trials))) for _ in range(400)]
    return float(np.mean([math.log(ratio.high / ratio.low) / 2 for ratio in ratios]))


@pytest.mark.parametrize(("spread", "trials"), [(0.02, 4), (0.05, 5), (0.08, 8), (0.10, 11), (0.15, 22), (0.20, 37)])
def test_so_many_trials_give_the_precision_and_fewer_do_not(spread: float, trials: int) -> None:
    """Simulated comparisons reach 10 % to either side with the number given, and further with one trial fewer."""
    assert trials_for_precision(spread, 0.10) == trials
    assert mean_half_width(spread, trials) <= math.log(1.10) * 1.02
    assert trials == 4 or mean_half_width(spread, trials - 1) > math.log(1.10)


def test_spread_is_found_again() -> None:
    """It is pooled over both arms, and a difference between them is none of it."""
    rng = np.random.default_rng(3)
    spread = spread_between_trials(40 * rng.lognormal(0.0, 0.1, 2_000), 90 * rng.lognormal(0.0, 0.1, 2_000))
    assert spread == pytest.approx(0.1, rel=0.05)


def test_trials_that_were_run_tell_how_many_would_do() -> None:
    """Five noisy trials an arm ask for more; five equal ones for the fewest that give an interval."""
    noisy = np.array([80.0, 95.0, 100.0, 110.0, 130.0])
    assert trials_for_ratio(noisy, 2 * noisy) > 11
    assert trials_for_ratio(np.full(5, 3.0), np.full(5, 4.0)) == 4
    assert trials_for_ratio(np.full(5, 3.0), np.full(5, 4.0), confidence=0.99) == 5


def test_hopeless_noise_has_a_largest_answer() -> None:
    """The search ends."""
    assert trials_for_precision(50.0) == MOST_TRIALS


@given(st.floats(0.001, 0.3), st.floats(0.03, 0.5))
def test_more_noise_or_more_precision_never_needs_fewer(spread: float, precision: float) -> None:
    """The number grows with the spread and falls with what is allowed."""
    trials = trials_for_precision(spread, precision)
    assert trials_for_precision(spread * 1.2, precision) >= trials
    assert trials_for_precision(spread, precision * 1.2) <= trials


def test_refuses_what_has_no_spread() -> None:
    """One trial, a figure of 0 and a precision of 0 are named."""
    with pytest.raises(TooFewTrials):
        spread_between_trials(np.array([1.0]), np.array([1.0, 2.0]))
    with pytest.raises(BadFigures):
        spread_between_trials(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    with pytest.raises(BadFigures):
        trials_for_precision(0.1, precision=0.0)
    with pytest.raises(BadFigures):
        trials_for_precision(math.nan)
