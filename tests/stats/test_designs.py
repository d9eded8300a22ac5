"""Designs of several factors with two levels."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.stats.designs import Design, fractional, full, screening


@pytest.mark.parametrize(
    ("design", "cells"),
    [
        (full(2), 4),
        (full(5), 32),
        (fractional(4, 3), 8),
        (fractional(7, 3), 8),
        (fractional(7, 4), 16),
        (fractional(6, 5), 32),
        (screening(7), 8),
        (screening(11), 12),
        (screening(19), 20),
        (screening(23), 24),
    ],
)
def test_levels_are_balanced_and_factors_can_be_told_apart(design: Design, cells: int) -> None:
    """Each level stands in half of the cells, any two factors are orthogonal, and the first cell is the base."""
    assert design.signs.shape[0] == cells
    factors = design.signs.shape[1]
    np.testing.assert_allclose(design.signs.T @ design.signs, cells * np.eye(factors), atol=1e-9)
    np.testing.assert_allclose(design.signs.sum(axis=0), 0)
    assert (design.signs[0] == -1).all()
    assert len({tuple(row) for row in design.signs}) == cells


def test_a_full_design_aliases_nothing() -> None:
    """Of four factors it tells four main effects and six interactions."""
    terms = full(4).terms
    assert len(terms) == 10
    assert not any(term.aliases or term.partly for term in terms)


def test_each_resolution_keeps_its_promise() -> None:
    """3: main effects aliased with pairs; 4: pairs with pairs alone; 5: nothing; every pair is named once."""
    three, four, five = fractional(7, 3).terms, fractional(7, 4).terms, fractional(6, 5).terms
    assert [len(term.factors) for term in three] == [1] * 7
    assert all(len(term.aliases) == 3 for term in three)
    assert not any(term.aliases for term in four if len(term.factors) == 1)
    assert sum(1 + len(term.aliases) for term in four if len(term.factors) == 2) == 21
    assert not any(term.aliases for term in five)
    assert len(five) == 6 + 15


def test_a_fraction_is_of_the_highest_resolution_for_its_cells() -> None:
    """Four factors in eight cells need not alias a main effect with a pair, though resolution 3 would do."""
    assert not any(term.aliases for term in fractional(4, 3).terms if len(term.factors) == 1)


def test_screening_says_whose_interactions_it_holds() -> None:
    """In twelve cells each main effect holds a third of every pair of other factors, and is aliased with none."""
    terms = screening(11).terms
    assert [term.factors for term in terms] == [(factor,) for factor in range(11)]
    for term in terms:
        assert len(term.partly) == 45
        assert not term.aliases
        assert all(term.factors[0] not in pair for pair in term.partly)
