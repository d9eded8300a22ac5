"""Effects of several factors, by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats  # type: ignore[import-untyped]  # scipy ships no types

from seawall.stats import effects
from seawall.stats.designs import Design, fractional, full, screening
from seawall.stats.effects import Effect, estimate_effects
from seawall.stats.errors import BadFigures, TooFewSamples

Floats = npt.NDArray[np.float64]


@pytest.fixture
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for a hundred simulated runs, where one run takes all."""
    monkeypatch.setattr(effects, "PERMUTATIONS", 499)


def simulated(
    design: Design, blocks: int, planted: dict[tuple[int, ...], float], rng: np.random.Generator, scatter: float = 0.1
) -> list[Effect]:
    """Return the effects of a run in which those of *planted* are there, as ratios, beside a drift over the blocks."""
    logs = np.tile(sum((design.column(who) * np.log(ratio) / 2 for who, ratio in planted.items()), np.zeros(1)), 1)
    logs = np.broadcast_to(logs, len(design.signs))
    block = np.repeat(np.arange(blocks), len(design.signs))
    figures = np.exp(np.tile(logs, blocks) + 0.3 * block + rng.normal(0, scatter, len(block)))
    columns = np.column_stack([design.column(term.factors) for term in design.terms])
    orders = [len(term.factors) for term in design.terms]
    return estimate_effects(np.tile(columns, (blocks, 1)), orders, figures, block)


@pytest.mark.usefixtures("few_permutations")
@pytest.mark.parametrize("design", [full(3), fractional(5, 3), screening(7)])
def test_where_nothing_does_anything_one_run_in_twenty_names_an_effect(design: Design) -> None:
    """Any of the effects below 0.05, in 2 to 9 of 100 runs of three blocks."""
    rng = np.random.default_rng(1)
    found = sum(min(effect.chance for effect in simulated(design, 3, {}, rng)) < 0.05 for _ in range(200))
    assert 0.02 <= found / 200 <= 0.09


@pytest.mark.usefixtures("few_permutations")
def test_finds_what_was_planted_and_no_other() -> None:
    """One main effect and one interaction, at a scatter of a tenth, in nine of ten runs; the others in few."""
    rng, design = np.random.default_rng(2), full(3)
    found = np.zeros(6)
    for _ in range(100):
        said = simulated(design, 4, {(0,): 1.3, (1, 2): 1.3}, rng)
        found += [effect.chance < 0.0125 for effect in said]
    terms = [term.factors for term in design.terms]
    planted = [terms.index((0,)), terms.index((1, 2))]
    assert found[planted].min() >= 90
    assert np.delete(found, planted).max() <= 5


@pytest.mark.usefixtures("few_permutations")
def test_intervals_cover_what_was_planted() -> None:
    """Of a main effect and of an interaction, whose ratio is that of one effect to the other."""
    rng, design = np.random.default_rng(3), full(3)
    place = [term.factors for term in design.terms].index((1, 2))
    held = np.zeros(2)
    for _ in range(300):
        said = simulated(design, 2, {(0,): 1.2, (1, 2): 1.1}, rng)
        held += [said[0].ratio.low < 1.2 < said[0].ratio.high, said[place].ratio.low < 1.21 < said[place].ratio.high]
    assert ((held / 300 > 0.92) & (held / 300 < 0.98)).all()


def test_is_least_squares_with_blocks() -> None:
    """One factor, each block a pair: the ratio and interval of a paired t test."""
    rng = np.random.default_rng(4)
    low, high = rng.lognormal(0, 0.2, (2, 8))
    signs = np.tile([-1.0, 1.0], 8)[:, None]
    figures = np.column_stack([low, high]).ravel()
    (effect,) = estimate_effects(signs, [1], figures, np.repeat(np.arange(8), 2))
    theirs = stats.ttest_rel(np.log(high), np.log(low))
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose(
        [effect.ratio.low, effect.ratio.estimate, effect.ratio.high],
        np.exp([interval.low, np.log(high / low).mean(), interval.high]),
    )


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(("times", "scatter"), [(1.2, 0.1), (1e3, 1e-3), (1e3, 1e-5)])
def test_levels_the_other_way_round_are_as_far_apart(times: float, scatter: float, unit: float) -> None:
    """However far, and in any unit: of four pairs, two of the sixteen ways to turn them tell at least the same."""
    signs = np.tile([-1.0, 1.0], 4)[:, None]
    for seed in range(10):
        pairs = np.random.default_rng(seed).lognormal(0, scatter, (4, 2)) * [1, times]
        (effect,) = estimate_effects(signs, [1], pairs.ravel() * unit, np.repeat(np.arange(4), 2))
        assert effect.chance > 0.11  # 0.125, as far as 4,999 of the ways tell it


def test_lost_trials_leave_the_rest() -> None:
    """A cell that broke off in one block takes no effect away."""
    rng, design = np.random.default_rng(5), full(2)
    columns = np.tile(np.column_stack([design.column(term.factors) for term in design.terms]), (4, 1))[1:]
    figures = rng.lognormal(0, 0.01, 15) * np.where(columns[:, 0] > 0, 2.0, 1.0)
    said = estimate_effects(columns, [1, 1, 2], figures, np.repeat(np.arange(4), 4)[1:])
    assert said[0].ratio.estimate == pytest.approx(2, rel=0.05)
    assert said[0].chance < 0.01


def test_what_cannot_be_told_is_refused() -> None:
    """Too few trials, a cell that no trial is left of, and figures of zero."""
    columns = np.array([[-1.0], [1.0]])
    with pytest.raises(TooFewSamples):
        estimate_effects(columns, [1], np.ones(2), np.zeros(2, dtype=np.int64))
    with pytest.raises(TooFewSamples):
        estimate_effects(np.ones((9, 1)), [1], np.ones(9), np.arange(9) % 3)
    with pytest.raises(BadFigures):
        estimate_effects(columns, [1], np.zeros(2), np.zeros(2, dtype=np.int64))
    with pytest.raises(BadFigures):
        estimate_effects(np.empty((0, 1)), [1], np.empty(0), np.empty(0, dtype=np.int64))
