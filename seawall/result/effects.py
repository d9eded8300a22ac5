"""What a plan of several knobs found."""

from __future__ import annotations

import msgspec


class EffectFinding(msgspec.Struct, kw_only=True, frozen=True):
    """What a knob, or two of them together, did to one metric, over all cells of the plan."""

    metric: str
    factors: list[str]
    """The knob, or the two that interact."""
    levels: list[str]
    """Of each factor, like ``0 to 25``."""
    aliases: list[list[str]] = []
    """Interactions of two that this design cannot tell from the effect: the figures are of all of them together."""
    partly: list[list[str]] = []
    """Interactions of two that lend a share of themselves to the figures."""
    ratio: float | None = None
    """Of one factor: how many times larger the metric is at its second level than at its first. Of two: how many times
    larger the one's ratio is where the other has its second level."""
    ci_low: float | None = None
    ci_high: float | None = None
    """The 95 % interval's ends, for this effect alone."""
    chance: float | None = None
    """How likely chance alone makes any effect on the metric stand out so far."""
    significant: bool = False
    """Whether the chance is below the limit, which the metrics share."""
    says: str = ""
    """larger, smaller, no effect shown, or too few valid trials."""
    trials: int = 0
    """All that it is taken over."""


class DesignCell(msgspec.Struct, kw_only=True, frozen=True):
    """An arm of a plan: a level for each factor."""

    arm: str
    levels: dict[str, str]
    """By knob."""
