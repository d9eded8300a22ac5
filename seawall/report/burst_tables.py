"""The tables of a run of bursts, on the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.burst_words import burst_figures, stage_figures
from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result

_OF_STAGES = {
    "rate": "rate\n/s", "offered": "offered", "in_time": "in\ntime", "late": "late", "refused": "refused",
    "failed": "failed", "unsent": "not\nsent", "p95": "p95\nms", "visible_late": "rows\nlate",
    "visible": "visible\np95 ms",
}  # fmt: skip
_OF_BURSTS = {
    "refused_p50": "refused\np50 ms", "lag": "highest\nlag", "all_visible": "all visible\nafter s",
    "recovered": "as before\nafter s", "lost": "lost", "doubled": "doubled",
}  # fmt: skip


def burst_tables(result: Result, style: str) -> Iterator[Table]:
    """Return what became of the requests of each stage, and what each path did with its burst."""
    yield _stages(result, style)
    yield _bursts(result, style)


def _stages(result: Result, style: str) -> Table:
    table = styled_table("Requests by when they were due: before, in and after the burst", style)
    _columns(table, ("path", "stage"), _OF_STAGES.values())
    for finding in result.bursts:
        for stage in finding.stages:
            figures = stage_figures(stage)
            table.add_row(finding.arm, stage.name, *(figures[name] for name in _OF_STAGES), _colored(stage.outcome))
        table.add_section()
    return table


def _bursts(result: Result, style: str) -> Table:
    table = styled_table("Bursts: what each path did, and what followed", style)
    _columns(table, ("path",), _OF_BURSTS.values())
    for finding in result.bursts:
        figures = burst_figures(finding)
        remarks = f": {escape(figures['remarks'])}" if figures["remarks"] else ""
        table.add_row(finding.arm, *(figures[name] for name in _OF_BURSTS), _colored(finding.outcome) + remarks)
    return table


def _columns(table: Table, names: tuple[str, ...], figures: Iterable[str]) -> None:
    for name in names:
        table.add_column(name)
    for name in figures:
        table.add_column(name, justify="right")
    table.add_column("")


def _colored(outcome: Outcome) -> str:
    return f"[{COLORS[outcome]}]{outcome.value}[/]"
