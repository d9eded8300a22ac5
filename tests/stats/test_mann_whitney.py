"""The distribution of U."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats import mann_whitney
from seawall.stats.mann_whitney import coverage, critical_pairs, u_distribution


@pytest.mark.parametrize(("base", "arm"), [(1, 1), (4, 4), (3, 7), (7, 3), (10, 12)])
def test_distribution_is_the_one_of_scipys_exact_test(base: int, arm: int) -> None:
    """Its every value is the one-sided p-value of a sample with that U."""
    distribution = u_distribution(base, arm)
    assert distribution[-1] == 1.0
    for pairs in range(base * arm + 1):
        first = np.arange(base) * 1.0
        second = _placed(base, arm, pairs)
        found = stats.mannwhitneyu(second, first, method="exact", alternative="less")
        assert found.statistic == pairs
        assert found.pvalue == pytest.approx(distribution[pairs], rel=1e-12)


def _placed(base: int, arm: int, pairs: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return *arm* figures that are larger than 0, 1, ... *base* - 1 in *pairs* comparisons altogether."""
    above = [min(base, max(0, pairs - base * index)) for index in range(arm)]
    return np.array([count - 0.5 - 1e-3 * index for index, count in enumerate(above)])


def test_four_against_four_leave_the_whole_range() -> None:
    """Its coverage is 1 - 2/70; one difference fewer would cover 94.3 %."""
    assert critical_pairs(4, 4, 0.95) == 1
    assert coverage(4, 4, 1) == pytest.approx(1 - 2 / 70)
    assert coverage(4, 4, 2) < 0.95


@pytest.mark.parametrize(("base", "arm"), [(3, 3), (3, 4), (4, 3)])
def test_too_few_figures_cover_nothing_enough(base: int, arm: int) -> None:
    """Where the whole range of the differences covers less than asked for, there is no interval."""
    assert critical_pairs(base, arm, 0.95) == 0


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize(("base", "arm"), [(4, 4), (5, 9), (8, 8), (12, 20)])
def test_interval_is_the_shortest_that_covers_enough(base: int, arm: int, confidence: float) -> None:
    """Its coverage is at least the asked one, and one difference further in it would be less."""
    pairs = critical_pairs(base, arm, confidence)
    assert pairs == 0 or coverage(base, arm, pairs) >= confidence - 1e-9
    assert coverage(base, arm, pairs + 1) < confidence - 1e-9


def test_normal_approximation_meets_the_exact_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 50 against 50 trials the two agree to the one difference of 2,500."""
    exact = critical_pairs(50, 50, 0.95)
    monkeypatch.setattr(mann_whitney, "EXACT_PAIRS", 0)
    assert abs(critical_pairs(50, 50, 0.95) - exact) <= 1
