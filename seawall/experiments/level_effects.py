"""The levels of a knob held against the base: an effect counts where chance does not make one among so many."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.experiments.arms import ArmPlan
from seawall.experiments.comparisons import TOO_FEW, figures_of
from seawall.experiments.pairs import compare_pairs
from seawall.result import Arm, ArmComparison, Trial
from seawall.stats.errors import StatsError
from seawall.stats.groups import chances_against_first, least_chance

BY_CHANCE = 0.05
"""Of sweeps of a knob that does nothing, so many may name an effect; shared by the metrics."""
NOT_SHOWN = "no difference shown"


def compare_levels(plans: Sequence[ArmPlan], arms: Sequence[Arm], trials: Sequence[Trial]) -> list[ArmComparison]:
    """Return each level against the first; what chance finds among so many levels and metrics does not count.

    Where there are so few trials that nothing could count, that is what the rows say.
    """
    base = plans[0].name
    rows = [row for row in compare_pairs(plans, arms, trials) if row.base == base]
    metrics = list(dict.fromkeys(row.metric for row in rows))
    good = [trial for trial in trials if trial.outcome == "PASS"]
    shown = {(arm, metric) for metric in metrics for arm in _differing(metric, arms, good, BY_CHANCE / len(metrics))}
    untold = {metric for metric in metrics if not _can_tell(metric, arms, good, BY_CHANCE / len(metrics))}
    return [
        row
        if (row.arm, row.metric) in shown
        else msgspec.structs.replace(
            row,
            significant=False,
            says=TOO_FEW if row.metric in untold else NOT_SHOWN if row.significant else row.says,
        )
        for row in rows
    ]


def _can_tell(metric: str, arms: Sequence[Arm], trials: list[Trial], level: float) -> bool:
    """Tell whether there are enough trials that an effect, were it ever so large, would count."""
    sizes = [count for arm in arms if (count := len(figures_of(trials, arm.name, metric)))]
    return least_chance(sizes) < level


def _differing(metric: str, arms: Sequence[Arm], trials: list[Trial], level: float) -> list[str]:
    """Return the arms whose figures are further from the first arm's than chance sets any."""
    groups = {arm.name: found for arm in arms if len(found := figures_of(trials, arm.name, metric))}
    if arms[0].name not in groups:
        return []
    try:
        chances = chances_against_first(list(groups.values()))
    except StatsError:
        return []
    return [name for name, chance in zip(list(groups)[1:], chances, strict=True) if chance < level]
