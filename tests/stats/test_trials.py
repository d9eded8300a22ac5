"""Figures over trials."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.stats.errors import BadFigures, TooFewTrials
from seawall.stats.trials import geometric_mean


@pytest.mark.parametrize("trials", [2, 3, 4, 8])
def test_covers_the_true_mean_as_often_as_it_says(trials: int) -> None:
    """Of 4,000 simulated arms with 20 % of noise, between 94 and 96 % of the intervals hold the true figure."""
    rng = np.random.default_rng(trials)
    held = sum(not geometric_mean(rng.lognormal(np.log(7.0), 0.2, trials)).excludes(7.0) for _ in range(4_000))
    assert 0.94 <= held / 4_000 <= 0.96


def test_two_trials_that_differ_give_a_wide_interval() -> None:
    """Twice as long in the second: anything from a fiftieth to a hundredfold, or thereabouts."""
    found = geometric_mean(np.array([10.0, 20.0]))
    assert found.low < 1
    assert found.high > 200


def test_one_trial_gives_no_interval() -> None:
    """Nothing is claimed from it."""
    with pytest.raises(TooFewTrials):
        geometric_mean(np.array([1.0]))


def test_a_figure_without_end_has_no_mean() -> None:
    """A trial whose p95 was never reached cannot be averaged away."""
    with pytest.raises(BadFigures):
        geometric_mean(np.array([1.0, 2.0, np.inf]))
