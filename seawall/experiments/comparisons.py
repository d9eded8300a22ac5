"""Arms held against one another: how many times larger a figure is, with an interval over trials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import msgspec
import numpy as np

from seawall.result import ArmComparison, Trial
from seawall.stats.errors import StatsError
from seawall.stats.quantiles import FloatArray
from seawall.stats.ratios import compare_with_band, hodges_lehmann_ratio, is_significant

TOO_FEW = "too few trials"

METRICS: dict[str, tuple[str, ...]] = {
    "data": ("duration_s", "achieved_per_s"),
    "load": ("response_p95_ms", "visible_p95_ms", "achieved_per_s", "cpu_s_per_1000_rows"),
}
OF_SWEEPS = ("left_bytes_per_record", "longest_stop_ms")
"""What sweeps of some knobs measure besides."""


def compare_arms(arms: list[str], trials: Iterable[Trial]) -> Iterator[ArmComparison]:
    """Yield, for each cell and metric, every pair of arms, the earlier one as the base.

    A trial that is not PASS does not count, nor does one without the figure.
    """
    good = [trial for trial in trials if trial.outcome == "PASS"]
    cells = dict.fromkeys((trial.kind, trial.entity, trial.count) for trial in good)
    for kind, entity, count in cells:
        here = [trial for trial in good if (trial.kind, trial.entity, trial.count) == (kind, entity, count)]
        besides = [metric for metric in OF_SWEEPS if any(figure_of(trial, metric) for trial in here)]
        for metric in (*METRICS[kind], *besides):
            figures = {arm: figures_of(here, arm, metric) for arm in arms}
            for base, arm in combinations(arms, 2):
                if len(figures[base]) and len(figures[arm]):
                    row = ArmComparison(base=base, arm=arm, kind=kind, entity=entity, count=count, metric=metric)
                    yield compare_figures(figures[base], figures[arm], row)


def compare_figures(base: FloatArray, arm: FloatArray, row: ArmComparison) -> ArmComparison:
    """Return *row* with the ratio of two sets of figures, one figure a trial each, and what it says."""
    trials = min(len(base), len(arm))
    estimate = float(np.exp(np.median(np.subtract.outer(np.log(arm), np.log(base)))))
    try:
        ratio = hodges_lehmann_ratio(base, arm)
    except StatsError:
        return msgspec.structs.replace(row, ratio=round(estimate, 4), trials=trials, says=TOO_FEW)
    return msgspec.structs.replace(
        row,
        ratio=round(ratio.estimate, 4),
        ci_low=round(ratio.low, 4),
        ci_high=round(ratio.high, 4),
        significant=is_significant(ratio),
        says=compare_with_band(ratio),
        trials=trials,
    )


def figures_of(trials: list[Trial], arm: str, metric: str) -> FloatArray:
    """Return the figure of each of the arm's trials that has one, shape ``(trials,)``."""
    found = [figure_of(trial, metric) for trial in trials if trial.arm == arm]
    return np.array([figure for figure in found if figure], dtype=np.float64)


def figure_of(trial: Trial, metric: str) -> float | None:
    """Return the figure of a trial; None where it has none."""
    if metric == "response_p95_ms":
        return trial.response_ms.p95
    if metric == "visible_p95_ms":
        return trial.visible_ms.p95
    if metric == "cpu_s_per_1000_rows":
        return trial.cpu_s_per_1000_rows
    figure: float | None = getattr(trial, metric)
    return figure
