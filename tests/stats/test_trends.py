"""Slopes of series over time."""

import numpy as np
import pytest

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.trends import theil_sen_slope


def test_a_straight_line_has_its_slope() -> None:
    """Three a second, in steps of a tenth of a second."""
    found = theil_sen_slope(np.linspace(7.0, 36.7, 100), 0.1)
    assert (found.estimate, found.low, found.high) == pytest.approx((3, 3, 3))


def test_the_interval_of_noise_holds_its_true_slope_in_nineteen_of_twenty_runs() -> None:
    """Noise that remembers half of its last value, around a queue that neither grows nor shrinks."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        noise = rng.normal(size=300)
        for place in range(1, len(noise)):
            noise[place] += 0.5 * noise[place - 1]
        held += not theil_sen_slope(noise, 1.0).excludes(0.0)
    assert 0.91 <= held / 400 <= 0.99


def test_a_short_or_endless_series_has_none() -> None:
    """Too few points, or one that is no number, are errors that say what to do."""
    with pytest.raises(TooFewSamples, match="measure 30"):
        theil_sen_slope(np.arange(29.0), 1.0)
    with pytest.raises(BadFigures):
        theil_sen_slope(np.append(np.arange(40.0), np.inf), 1.0)
