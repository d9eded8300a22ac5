"""Effects of a designed experiment in blocks, with intervals, and the chance of any among so many accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # type: ignore[import-untyped]  # scipy ships no types, and loads its parts when they are used

from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

PERMUTATIONS = 4_999
LEVEL = 0.95
FEWEST_TO_SPARE = 3
"""Trials beyond what is estimated: with fewer, the scatter is not known."""
_ROUNDING = 1e-9
_STEPS = {1: 2.0, 2: 4.0}
"""From -1 to 1 a main effect is two coefficients, and an interaction, one effect against the other's, is four."""


@dataclass(frozen=True)
class Effect:
    """How many times larger the figure gets."""

    ratio: Interval
    chance: float
    """How likely chance alone makes any of the effects stand out as far as this one."""


def estimate_effects(
    columns: FloatArray, orders: list[int], figures: FloatArray, blocks: npt.NDArray[np.int64], seed: int = 1
) -> list[Effect]:
    """Return the effect of each of *columns*, shape ``(trials, effects)`` of -1 and 1, on the *figures*.

    *figures* and *blocks* have the shape ``(trials,)``; figures are taken as logarithms, so effects are ratios, and
    what is common to a block counts for nobody. *orders* tells of each effect whether it is one factor's (1), and then
    its ratio is that of the second level to the first, or of two (2), and then it is by how many times the one's ratio
    is larger where the other has its second level. Intervals are of least squares and hold for one effect each. The
    chance is that of the largest of all effects, in standard errors, over permutations of the figures within their
    blocks (Westfall & Young 1993), which is exact where nothing has an effect.
    Raises `TooFewSamples` where the trials cannot tell the effects apart or leave too few to know the scatter,
    `BadFigures` where a figure is not positive.
    """
    if not len(figures) or not (figures > 0).all() or not np.isfinite(figures).all():
        raise BadFigures("Figures whose ratio counts must be positive")
    of_blocks = (blocks[:, None] == np.unique(blocks)[None, :]).astype(np.float64)
    model = np.hstack([of_blocks, columns])
    spare = len(figures) - model.shape[1]
    if spare < FEWEST_TO_SPARE or np.linalg.matrix_rank(model) < model.shape[1]:
        raise TooFewSamples("The trials cannot tell so many effects apart and leave enough to know their scatter")
    logs = np.log(figures)
    logs -= logs.mean()
    fit = _Fit(model, columns.shape[1], spare)
    coefficients, distances = fit.of(logs[None, :])
    _, shuffled = fit.of(_shuffled(logs, blocks, seed))
    # by a share: the same figures with the levels the other way round are as far, but for the last digits of their sums
    as_far = (shuffled.max(axis=1)[:, None] >= distances[0][None, :] * (1 - _ROUNDING)).sum(axis=0)
    chances = (as_far + 1) / (PERMUTATIONS + 1)
    reach = scipy.stats.t.ppf((1 + LEVEL) / 2, spare)
    found = []
    for coefficient, error, order, chance in zip(coefficients[0], fit.errors(logs), orders, chances, strict=True):
        low, middle, high = np.exp(_STEPS[order] * (coefficient + error * np.array([-reach, 0.0, reach])))
        found.append(Effect(Interval(float(middle), float(low), float(high)), float(chance)))
    return found


class _Fit:
    """Least squares of one model for many rows of figures."""

    def __init__(self, model: FloatArray, effects: int, spare: int) -> None:
        self._base, _ = np.linalg.qr(model)
        self._solve = np.linalg.pinv(model)[-effects:]
        self._spread = np.sqrt(np.diag(np.linalg.inv(model.T @ model))[-effects:])
        self._spare = spare

    def of(self, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coefficients, and how many standard errors they lie from 0; a row for each row of *logs*."""
        coefficients = logs @ self._solve.T
        return coefficients, np.abs(coefficients) / (self._scatter(logs)[:, None] * self._spread)

    def errors(self, logs: FloatArray) -> FloatArray:
        """Return the standard errors of the coefficients."""
        return np.asarray(self._scatter(logs[None, :])[0] * self._spread)

    def _scatter(self, logs: FloatArray) -> FloatArray:
        squares = ((logs - logs @ self._base @ self._base.T) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 1e-24) / self._spare))


def _shuffled(logs: FloatArray, blocks: npt.NDArray[np.int64], seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    found = np.tile(logs, (PERMUTATIONS, 1))
    for block in np.unique(blocks):
        here = blocks == block
        found[:, here] = rng.permuted(found[:, here], axis=1)
    return found
