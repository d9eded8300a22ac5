"""The table of a scale-out and its law in words, on the console."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.table_styles import NOTHING, number, styled_table
from seawall.result import Estimate, Result, ScaleFinding, ScalePoint, Trial

_COLUMNS = (
    "number", "trial", "achieved\n/s", "cost µs\na record", "projected\n/s", "busiest\nof them", "machine\nbusy",
    "p95\nms", "visible\np95 ms", "most\nlag", "rebal-\nances", "connec-\ntions",
)  # fmt: skip


def scale_table(finding: ScaleFinding, result: Result, style: str) -> Table:
    """Return all points, the smaller numbers first."""
    trials = {trial.name: trial for trial in result.trials}
    table = styled_table(f"{finding.what}: constant work each, projected to a core each", style)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "trial" else "right")
    table.add_column("")
    for point in sorted(finding.points, key=lambda point: point.count):
        table.add_row(*_row(point, trials[point.trial]))
    table.caption = (
        "Projected and not measured: what they would carry with a core each, if a record cost what it cost here."
        " Cost: of the scaled processes only, partitions: broker, API and sink."
    )
    return table


def scale_lines(finding: ScaleFinding) -> Iterator[str]:
    """Yield what the law is, or why there is none."""
    if finding.gamma is not None and finding.alpha is not None and finding.beta is not None:
        yield f"one carries (gamma)  {_told(finding.gamma, 0)} a second, projected at a core each"
        yield f"contention (alpha)   {_told(finding.alpha, 4)}"
        yield f"coherency (beta)     {_told(finding.beta, 5)}"
        yield "most throughput at   " + (
            _told(finding.peak, 1)
            if finding.peak is not None
            else f"no number up to {finding.curve[-1].count} is shown to have it; further out nothing is claimed"
        )
    if finding.reason:
        yield finding.reason


def _row(point: ScalePoint, trial: Trial) -> list[str]:
    return [
        str(point.count),
        point.trial,
        number(trial.achieved_per_s, 0),
        number(point.cost_us, 1),
        number(point.projected_per_s, 0),
        NOTHING if point.busiest is None else f"{point.busiest:.2f} x",
        NOTHING if point.machine_busy is None else f"{point.machine_busy:.0%}",
        number(trial.response_ms.p95, 1),
        number(trial.visible_ms.p95, 1),
        NOTHING if trial.lag is None else f"{trial.lag.maximum:,}",
        NOTHING if point.rebalances is None else str(point.rebalances),
        f"{trial.instrument.connections_opened:,}",
        f"[yellow]not part of the law: {escape('; '.join(point.invalid_because))}[/]" if point.invalid_because else "",
    ]


def _told(figure: Estimate, digits: int) -> str:
    return f"{figure.value:,.{digits}f} [{figure.low:,.{digits}f} to {figure.high:,.{digits}f}]"
