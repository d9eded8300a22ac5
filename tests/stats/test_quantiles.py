"""Quantiles."""

import numpy as np
import pytest

from seawall.stats.quantiles import quantile


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("size", [300, 1_000, 12_345])
def test_agrees_with_numpys_linear_quantile(share: float, size: int) -> None:
    """The figure is the one that numpy and k6 would print for the same values."""
    values = np.random.default_rng(size).lognormal(size=size)
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-12)


def test_says_nothing_about_a_sample_that_is_too_small() -> None:
    """Fifty-eight values bound no 95th percentile."""
    assert quantile(np.arange(58.0), 0.95) is None
    assert quantile(np.arange(59.0), 0.95) is not None


def test_censored_values_count_as_larger_than_all_others() -> None:
    """With two of a hundred unanswered the p95 moves up and the p99 is unknown."""
    values = np.arange(98.0)
    assert quantile(values, 0.95, censored=2) == pytest.approx(0.95 * 99)
    assert quantile(np.arange(980.0), 0.99, censored=20) is None
