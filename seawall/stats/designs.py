"""Two-level designs over several factors: which cells are run, which effects they tell, and which they cannot part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt
from pydoe import ff2n, fracfact_by_res, pbdesign

RESOLUTIONS = (3, 4, 5)
_SAME, _NONE = 1 - 1e-9, 1e-9

Signs = npt.NDArray[np.float64]
Factors = tuple[int, ...]
"""The place of one factor, or of the two that interact."""


@dataclass(frozen=True)
class Term:
    """An effect that a design tells, with what it cannot be told from."""

    factors: Factors
    aliases: tuple[Factors, ...] = ()
    """Interactions of two whose column is the same: the estimate is of their sum, or of their difference."""
    partly: tuple[Factors, ...] = ()
    """Interactions of two that lend a share of themselves to the estimate."""


@dataclass(frozen=True)
class Design:
    """Cells in rows, factors in columns, shape ``(cells, factors)``: -1 is the first level and 1 the second.

    The first cell has the first level of every factor.
    """

    signs: Signs
    with_interactions: bool = True
    """Whether interactions of two factors are estimated as well."""

    def column(self, factors: Factors) -> Signs:
        """Return the signs of an effect, shape ``(cells,)``."""
        return np.asarray(self.signs[:, list(factors)].prod(axis=1))

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The effects that it tells, main ones first; of those that are one, all are named with the first."""
        factors = range(self.signs.shape[1])
        pairs: list[Factors] = list(combinations(factors, 2))
        heads: list[Factors] = [(factor,) for factor in factors]
        if self.with_interactions:
            for pair in pairs:
                if all(self._share(head, pair) < _SAME for head in heads):
                    heads.append(pair)
        return tuple(self._term(head, pairs) for head in heads)

    def _term(self, head: Factors, pairs: list[Factors]) -> Term:
        shares = {pair: self._share(head, pair) for pair in pairs if pair != head}
        return Term(
            head,
            tuple(pair for pair, share in shares.items() if share >= _SAME),
            tuple(pair for pair, share in shares.items() if _NONE < share < _SAME),
        )

    def _share(self, one: Factors, other: Factors) -> float:
        return abs(float(self.column(one) @ self.column(other))) / len(self.signs)


def full(factors: int) -> Design:
    """Return every combination of the levels: 2 to the power of *factors* cells."""
    return Design(_from_the_first(ff2n(factors)))


def fractional(factors: int, resolution: int) -> Design:
    """Return a regular fraction of at least the *resolution*, and of a higher one where that takes no more cells.

    With resolution 3 main effects are aliased with interactions of two factors, with 4 only these with one another,
    with 5 neither (Box & Hunter 1961).
    """
    least = fracfact_by_res(factors, resolution)
    higher = (fracfact_by_res(factors, one) for one in reversed(RESOLUTIONS) if one > resolution)
    return Design(_from_the_first(next((signs for signs in higher if len(signs) == len(least)), least)))


def screening(factors: int) -> Design:
    """Return Plackett & Burman's design (1946) for so many *factors*: the fewest cells, and main effects alone."""
    return Design(_from_the_first(pbdesign(factors)), with_interactions=False)


def _from_the_first(signs: Signs) -> Signs:
    """Return the design with the first level of every factor in its first cell; only names of levels change."""
    return np.asarray(-signs * signs[0], dtype=np.float64)
