"""Groups of figures against the first of them."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.groups import chances_against_first, least_chance


def test_of_groups_that_do_not_differ_one_in_twenty_is_found() -> None:
    """Five groups of four skewed figures: any of them below 0.05 in 3 to 7 of 100 sweeps."""
    rng = np.random.default_rng(1)
    found = sum(min(chances_against_first(list(rng.lognormal(0, 0.3, (5, 4))))) < 0.05 for _ in range(400))
    assert 0.025 <= found / 400 <= 0.08


def test_finds_the_one_that_differs_and_no_other() -> None:
    """A group that is half as large again, at a scatter of a tenth, is found in nine of ten sweeps."""
    rng = np.random.default_rng(2)
    found = np.zeros(4)
    for _ in range(100):
        groups = rng.lognormal(0, 0.1, (5, 4))
        groups[3] *= 1.5
        found += chances_against_first(list(groups)) < 0.0125
    assert found[2] >= 90
    assert found[[0, 1, 3]].max() <= 5


def test_is_about_dunnetts_for_normal_figures() -> None:
    """Where the logarithms are normal, scipy's test by Dunnett's distribution says about the same."""
    groups = list(np.random.default_rng(3).lognormal(0, 0.1, (4, 6)) * np.array([[1.0], [1.0], [1.1], [1.2]]))
    logs = [np.log(group) for group in groups]
    theirs = stats.dunnett(*logs[1:], control=logs[0], random_state=1).pvalue
    np.testing.assert_allclose(chances_against_first(groups), theirs, atol=0.04)


def test_groups_of_different_sizes() -> None:
    """A trial that was invalid leaves a smaller group."""
    rng = np.random.default_rng(4)
    chances = chances_against_first([rng.lognormal(0, 0.05, size) for size in (4, 2, 3)])
    assert chances.shape == (2,)
    assert ((chances > 0) & (chances <= 1)).all()


def test_what_cannot_be_compared_is_refused() -> None:
    """One group, one figure, or none above zero."""
    with pytest.raises(TooFewSamples):
        chances_against_first([np.ones(4)])
    with pytest.raises(TooFewSamples):
        chances_against_first([np.ones(4), np.ones(1)])
    with pytest.raises(BadFigures):
        chances_against_first([np.ones(4), np.zeros(4)])


@pytest.mark.parametrize(
    ("sizes", "least"),
    [((4, 4), 2 / 70), ((5, 5), 2 / 252), ((6, 6), 2 / 924), ((6, 4), 1 / 210), ((4, 4, 4), 2 / 34_650), ((4, 1), 1)],
)
def test_no_chance_is_smaller_than_the_least(sizes: tuple[int, ...], least: float) -> None:
    """However far a group lies from the first; whichever of two it is, the permutations tell the same."""
    assert least_chance(sizes) == least
    if min(sizes) > 1:
        rng = np.random.default_rng(5)
        groups = [rng.lognormal(0, 0.001, size) for size in sizes]
        groups[-1] *= 1_000
        chance = float(chances_against_first(groups)[-1])
        assert chance > least / 2
        if len(sizes) == 2:
            assert chance == pytest.approx(least, abs=0.006)
