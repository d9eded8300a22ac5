"""The tables of a soak, on the console."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from seawall.report.soak_rows import GROUPS, slope_row
from seawall.report.table_styles import number, styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Result, Trial

MOST_SEGMENTS = 12
"""A table of more is not read; the first and the last ones are shown."""


def soak_tables(result: Result, style: str) -> list[Table]:
    """Return the course of a soak, and the slopes of its figures."""
    return [_course(result, style), slopes_table(result, style)]


def _course(result: Result, style: str) -> Table:
    table = styled_table("Segments: one load, on the same servers, rows kept", style)
    for name in ("", "at\nmin", "achieved\n/s", "p50\nms", "p95\nms", "visible\np95 ms", "lag\nmost"):
        table.add_column(name, justify="right" if name else "left")
    for group in GROUPS:
        table.add_column(f"{group}\nMB", justify="right")
    table.add_column("")
    rows = list(zip(result.segments, result.trials, strict=True))
    half = MOST_SEGMENTS // 2
    shown = rows if len(rows) <= MOST_SEGMENTS else rows[:half] + rows[-half:]
    for place, (segment, trial) in enumerate(shown):
        if len(shown) < len(rows) and place == half:
            table.add_section()
        says = "warm-up" if segment.warm_up else f"[{COLORS[trial.outcome]}]{trial.outcome.value}[/]"
        table.add_row(
            str(trial.block),
            number(segment.at_s / 60, 1),
            number(trial.achieved_per_s, 0),
            *(number(value, 1) for value in (trial.response_ms.p50, trial.response_ms.p95, trial.visible_ms.p95)),
            number(None if trial.lag is None else trial.lag.maximum, 0),
            *(number(_megabytes(trial, group), 1) for group in GROUPS),
            says + (f" (sitting {segment.sitting})" if segment.sitting > 1 else ""),
        )
    return table


def _megabytes(trial: Trial, group: str) -> float | None:
    """Return the memory of all processes of a group at the trial's end; None where there are none."""
    used = [memory for name, memory in trial.rss_bytes.items() if name.partition("-")[0] == group]
    return sum(used) / 1e6 if used else None


def slopes_table(result: Result, style: str) -> Table:
    """Return by how much each figure rises."""
    table = styled_table("By how much each figure rises in an hour", style)
    for name in ("of", "figure", "an hour", "95 % interval", "at most", "verdict", ""):
        table.add_column(name, justify="right" if name in ("an hour", "95 % interval", "at most") else "left")
    for slope in result.slopes:
        row = slope_row(slope)
        verdict = row.verdict if slope.outcome is None else f"[{COLORS[slope.outcome]}]{row.verdict}[/]"
        table.add_row(row.service, row.metric, row.per_hour, row.interval, row.limit, verdict, escape(row.reason))
    return table
