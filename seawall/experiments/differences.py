"""Two runs held against each other: what may not differ between them, and what did change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.experiments.comparisons import METRICS, compare_figures, figures_of
from seawall.experiments.conditions import NOT_THE_LOAD, settings_of
from seawall.result import ArmComparison, Outcome, Result, Trial

WORSE = {
    "duration_s": "larger",
    "response_p95_ms": "larger",
    "visible_p95_ms": "larger",
    "cpu_s_per_1000_rows": "larger",
    "achieved_per_s": "smaller",
}
"""For each metric, the change that is a regression."""
BAND = 0.05
"""A change within it does not matter in practice."""
_MACHINE = ("cpu", "cores", "memory_bytes", "kernel", "python")


def obstacles(base: Result, other: Result) -> list[str]:
    """Return in what two runs differ beside what was measured; ratios between them then say little or nothing."""
    found = []
    if base.experiment != other.experiment:
        found.append(f"experiment: {base.experiment} against {other.experiment}")
    found += _differing("machine", base.environment, other.environment, _MACHINE)
    names = [name for name in base.options | other.options if name not in NOT_THE_LOAD]
    found += _differing("option", base.options, other.options, names)
    arms = {arm.name: arm for arm in other.arms}
    for arm in base.arms:
        twin = arms.get(arm.name)
        if twin is None:
            continue
        if twin.durability != arm.durability:
            found.append(f"durability of {arm.name}: {arm.durability} against {twin.durability}")
        elif (there := settings_of(twin)) != (here := settings_of(arm)):
            servers = [name for name in here | there if here.get(name) != there.get(name)]
            found.append(f"settings of {arm.name} in {', '.join(servers)}")
    if not set(arms) & {arm.name for arm in base.arms}:
        found.append("arms: none is in both")
    return found


def differences(base: Result, other: Result) -> Iterator[ArmComparison]:
    """Yield, for each cell, arm and metric of both runs, how many times larger the figure of *other* is.

    `base` and `arm` of a row are the same arm; the interval is that of `compare_arms`, over the trials of both runs.
    """
    for kind, entity, count in dict.fromkeys((t.kind, t.entity, t.count) for t in base.trials):
        before, after = _cell(base, kind, entity, count), _cell(other, kind, entity, count)
        for metric in METRICS[kind]:
            for arm in base.arms:
                then, now = figures_of(before, arm.name, metric), figures_of(after, arm.name, metric)
                if len(then) and len(now):
                    row = ArmComparison(
                        base=arm.name, arm=arm.name, kind=kind, entity=entity, count=count, metric=metric
                    )
                    yield compare_figures(then, now, row)


def is_regression(row: ArmComparison) -> bool:
    """Tell whether a row of `differences` shows a change for the worse.

    Its whole interval must lie beyond the band that does not matter. Of rows where nothing changed at most 1.5 % do so
    by chance (four trials against four cover 97.1 %), and fewer the quieter the machine.
    """
    if row.ci_low is None or row.ci_high is None:
        return False
    worse = WORSE.get(row.metric)
    return row.ci_low > 1 + BAND if worse == "larger" else worse == "smaller" and row.ci_high < 1 / (1 + BAND)


def regression_outcome(rows: list[ArmComparison]) -> Outcome:
    """Return FAIL where anything got worse, INCONCLUSIVE where no row has an interval, INVALID for no row at all."""
    if any(map(is_regression, rows)):
        return Outcome.FAIL
    if not rows:
        return Outcome.INVALID
    return Outcome.PASS if any(row.ci_low is not None for row in rows) else Outcome.INCONCLUSIVE


def _cell(result: Result, kind: str, entity: str, count: int | None) -> list[Trial]:
    return [
        trial
        for trial in result.trials
        if trial.outcome is Outcome.PASS and (trial.kind, trial.entity, trial.count) == (kind, entity, count)
    ]


def _differing(what: str, base: dict[str, Any], other: dict[str, Any], names: Any) -> list[str]:
    return [
        f"{what} {name}: {base.get(name)} against {other.get(name)}"
        for name in names
        if base.get(name) != other.get(name)
    ]
