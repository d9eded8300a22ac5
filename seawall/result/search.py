"""What a search for the best setting found."""

from __future__ import annotations

from typing import Any

import msgspec


class SearchStep(msgspec.Struct, kw_only=True, frozen=True):
    """One candidate in one round."""

    round: int
    arm: str
    trials: int
    """Valid ones that the figure is taken over, of this round and those before."""
    figure: float | None = None
    """Their median."""
    stays: bool = False
    """Whether it is in the next round, or is what the search comes to."""


class SearchFinding(msgspec.Struct, kw_only=True, frozen=True):
    """The goal, the way, and what fresh trials say of the best candidate."""

    goal: str
    metric: str
    base: str
    """The arm with what is shipped, or with what stands in the settings."""
    steps: list[SearchStep] = []
    arm: str = ""
    """The best candidate; empty where it is the base, or none came to the end."""
    settings: dict[str, dict[str, Any]] = {}
    """All settings of the best candidate, by place."""
    ratio: float | None = None
    """Of the metric, on trials that the search did not see: the best candidate's to the base's."""
    ci_low: float | None = None
    ci_high: float | None = None
    chance: float | None = None
    """How likely chance alone sets the two so far apart."""
    trials: int = 0
    """Fresh and valid ones, of the arm that has fewer."""
    better: bool = False
    says: str = ""
