"""Whether k6 and our generator agree: what follows from their trials and the ratios between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seawall.experiments.comparisons import compare_figures
from seawall.experiments.validity import LEAST_TOLERATED_MS
from seawall.result import ArmComparison, Outcome, Trial
from seawall.result.agreement import AGREES_ON, FIGURES, K6, LOCUST, figure_of
from seawall.stats.quantiles import FloatArray

_NAMES = {
    "response_p50_ms": "response p50",
    "response_p95_ms": "response p95",
    "response_p99_ms": "response p99",
    "achieved_per_s": "the achieved rate",
}
EQUIVALENT = "equivalent"


@dataclass(frozen=True)
class Agreement:
    """How the two came out, and what to say of it."""

    outcome: Outcome
    lines: list[str]


def tool_comparisons(trials: Sequence[Trial]) -> Iterator[ArmComparison]:
    """Yield each figure of k6's valid trials against that of our generator's."""
    good = [trial for trial in trials if trial.outcome is Outcome.PASS]
    for metric in FIGURES:
        base, arm = (_figures(good, tool, metric) for tool in (LOCUST, K6))
        if len(base) and len(arm):
            row = ArmComparison(base=LOCUST, arm=K6, metric=metric, kind="load", entity=good[0].entity)
            yield compare_figures(base, arm, row)


def agreement(rows: Sequence[ArmComparison], trials: Sequence[Trial], *, interrupted: bool) -> Agreement:
    """Return whether the two agree: PASS where every interval holds 1, or the difference is one that none may judge by.

    That is one within 5 %, or of less than the 5 ms that an instrument may err by. FAIL where they differ by more, or
    an audit found something; INCONCLUSIVE where there are too few trials for intervals; INVALID where trials say
    nothing.
    """
    found = {row.metric: row for row in rows}
    lines, apart, unknown = [], False, False
    for metric in AGREES_ON:
        row = found.get(metric)
        if row is None or row.ratio is None or row.ci_low is None or row.ci_high is None:
            unknown = True
            continue
        if row.ci_low <= 1 <= row.ci_high or row.says == EQUIVALENT:
            continue
        more = _difference(trials, metric)
        close = metric.endswith("_ms") and abs(more) < LEAST_TOLERATED_MS
        apart |= not close
        unit = "ms" if metric.endswith("_ms") else "/s"
        judged = f"less than the {LEAST_TOLERATED_MS:g} ms that an instrument may err by" if close else "they differ"
        lines.append(
            f"{_NAMES[metric]}: k6 tells {row.ratio:.3g} times what Locust tells ({row.ci_low:.3g} to"
            f" {row.ci_high:.3g}), {more:+.2f} {unit}: {judged}"
        )
    if any(trial.outcome is Outcome.FAIL for trial in trials):
        return Agreement(Outcome.FAIL, [_of_audits(trials), *lines])
    if interrupted:
        return Agreement(Outcome.INVALID, lines)
    if unknown:
        spoilt = [trial for trial in trials if trial.outcome is Outcome.INVALID]
        why = f"{len(spoilt)} of {len(trials)} trials say nothing" if spoilt else "four trials of each are the least"
        return Agreement(
            Outcome.INVALID if spoilt else Outcome.INCONCLUSIVE, [f"too few trials for intervals: {why}", *lines]
        )
    if apart:
        return Agreement(Outcome.FAIL, ["k6 and Locust do not agree on this load", *lines])
    whole = "within their intervals" if not lines else "within their intervals, but for what no verdict turns on"
    return Agreement(Outcome.PASS, [f"k6 and Locust agree on this load {whole}", *lines])


def _figures(trials: Sequence[Trial], tool: str, metric: str) -> FloatArray:
    found = [figure_of(trial, metric) for trial in trials if trial.arm == tool]
    return np.array([figure for figure in found if figure], dtype=np.float64)


def _difference(trials: Sequence[Trial], metric: str) -> float:
    """Return by how much k6's median figure is larger."""
    good = [trial for trial in trials if trial.outcome is Outcome.PASS]
    return float(np.median(_figures(good, K6, metric)) - np.median(_figures(good, LOCUST, metric)))


def _of_audits(trials: Sequence[Trial]) -> str:
    wrong = [trial for trial in trials if trial.outcome is Outcome.FAIL]
    return f"records are not where they should be: {wrong[0].name}: {', '.join(wrong[0].reasons)}"
