"""The tables of a run of k6, alone or beside Locust, on the console."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from seawall.report.compare_tables import audit_words
from seawall.report.table_styles import NOTHING, number, styled_table
from seawall.result import ArmComparison, Result, Trial
from seawall.result.agreement import FIGURES, K6, LOCUST, figure_of
from seawall.stats.errors import StatsError
from seawall.stats.trials import geometric_mean

_NAMES = {
    "response_p50_ms": "response p50, ms",
    "response_p95_ms": "response p95, ms",
    "response_p99_ms": "response p99, ms",
    "achieved_per_s": "achieved, /s",
    "service_p50_ms": "from the sending: p50, ms",
    "service_p95_ms": "from the sending: p95, ms",
    "start_lag_p50_ms": "start lag p50, ms",
    "start_lag_p99_ms": "start lag p99, ms",
    "generator_cpu_s_per_1000": "generator's CPU s / 1,000 requests",
}


def k6_tables(result: Result, style: str) -> list[Table]:
    """Return the table of trials, and beside Locust that of both tools' figures."""
    tables = [_trials(result, style)]
    return [*tables, _side_by_side(result, style)] if result.comparisons else tables


def _trials(result: Result, style: str) -> Table:
    table = styled_table("Response from the intended start; each row a trial", style)
    table.add_column("trial", no_wrap=True)
    for name in (
        "offered\n/s", "achieved\n/s", "p50\nms", "p95\nms", "p99\nms", "sent to\nanswer p95", "visible\np95 ms",
        "start lag\np50 ms", "start lag\np99 ms", "failed", "unsent", "cores",
    ):  # fmt: skip
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("audit")
    for trial in result.trials:
        response = trial.response_ms
        table.add_row(
            trial.name,
            number(trial.offered_per_s, 0),
            number(trial.achieved_per_s, 0),
            *(number(value, 2) for value in (response.p50, response.p95, response.p99, trial.service_ms.p95)),
            number(trial.visible_ms.p95 if trial.audited else None, 2),
            *(number(value, 2) for value in (trial.start_lag_ms.p50, trial.start_lag_ms.p99)),
            f"{trial.failed:,}",
            f"{trial.unsent:,}",
            number(trial.cores.get("load"), 2),
            audit_words(trial) if trial.audited else NOTHING,
        )
    return table


def _side_by_side(result: Result, style: str) -> Table:
    table = styled_table("k6 beside Locust: geometric means over trials, and their ratio, with 95 % intervals", style)
    table.add_column("figure", no_wrap=True)
    for name in (LOCUST, K6, "k6 against Locust", "says"):
        table.add_column(name, justify="left" if name == "says" else "right", no_wrap=True)
    rows = {row.metric: row for row in result.comparisons}
    for metric in FIGURES:
        row = rows.get(metric)
        if row is not None:
            shown = [_mean([t for t in result.trials if t.arm == tool], metric) for tool in (LOCUST, K6)]
            table.add_row(_NAMES[metric], *shown, _ratio(row), row.says)
    return table


def _mean(trials: list[Trial], metric: str) -> str:
    figures = [found for trial in trials if not trial.invalid_because and (found := figure_of(trial, metric))]
    try:
        mean = geometric_mean(np.array(figures))
    except StatsError:
        return f"{figures[0]:.4g}" if figures else NOTHING
    return f"{mean.estimate:,.4g} \\[{mean.low:,.4g}, {mean.high:,.4g}]"


def _ratio(row: ArmComparison) -> str:
    if row.ci_low is None or row.ci_high is None:
        return number(row.ratio, 3)
    return f"{row.ratio:.3f} \\[{row.ci_low:.3f}, {row.ci_high:.3f}]"
