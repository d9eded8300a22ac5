"""Which pairs of arms are held against one another, and what must stand beside each ratio."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import msgspec

from seawall.experiments.arms import ArmPlan, unequal
from seawall.experiments.comparisons import TOO_FEW, compare_arms, figures_of
from seawall.result import Arm, ArmComparison, Trial
from seawall.stats.errors import StatsError
from seawall.stats.precision import trials_for_ratio

PRECISION = 0.10
"""What is asked of a ratio: an interval that reaches at most so far to either side."""


def compare_pairs(plans: Sequence[ArmPlan], arms: Sequence[Arm], trials: Sequence[Trial]) -> list[ArmComparison]:
    """Return the comparisons of all pairs worth comparing, the earlier arm of *plans* as the base.

    Arms of one stack are compared there. Where an arm has a bridge, a twin of the same path and settings on the other
    stack, the twin is compared in its place. A pair that ran on two stacks says so.
    """
    found = {arm.name: arm for arm in arms}
    chosen = {
        (base.name, arm.name): across(base, arm) for base, arm in combinations(plans, 2) if is_fair(base, arm, plans)
    }
    return [
        msgspec.structs.replace(
            row,
            unequal=unequal(found[row.base], found[row.arm]),
            across_stacks=chosen[row.base, row.arm],
            trials_needed=_trials_needed(row, trials),
        )
        for row in compare_arms([arm.name for arm in arms], trials)
        if (row.base, row.arm) in chosen
    ]


def across(base: ArmPlan, arm: ArmPlan) -> bool:
    """Tell whether two arms run on two stacks."""
    return (base.brokers or 1) != (arm.brokers or 1)


def is_fair(base: ArmPlan, arm: ArmPlan, plans: Sequence[ArmPlan]) -> bool:
    """Tell whether there is no better pair that says the same: a twin of one of them on the stack of the other."""
    if not across(base, arm) or _are_twins(base, arm):
        return True
    for one, other in ((base, arm), (arm, base)):
        if any(_are_twins(one, twin) and not across(twin, other) for twin in plans):
            return False
    return True


def _are_twins(one: ArmPlan, other: ArmPlan) -> bool:
    return one.path == other.path != "kafka" and one.settings == other.settings and across(one, other)


def _trials_needed(row: ArmComparison, trials: Sequence[Trial]) -> int | None:
    """Return how many trials an arm give this ratio `PRECISION`; None where it has an interval, or nobody can tell."""
    if row.says != TOO_FEW:
        return None
    here = [
        trial
        for trial in trials
        if trial.outcome == "PASS" and (trial.kind, trial.entity, trial.count) == (row.kind, row.entity, row.count)
    ]
    try:
        base, arm = (figures_of(here, name, row.metric) for name in (row.base, row.arm))
        return trials_for_ratio(base, arm, PRECISION)
    except StatsError:
        return None
