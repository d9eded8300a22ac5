"""The table of a run of bursts, on the console."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.burst_words import burst_figures
from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Result

COLUMNS = {
    "offered": "offered", "in_time": "in\ntime", "late": "late", "refused": "refused", "refused_p50": "refused\np50 ms",
    "failed": "failed", "unsent": "not\nsent", "response": "answers p95 ms\nbefore / in / after",
    "visible": "visible p95 ms\nbefore / in / after", "lag": "highest\nlag", "all_visible": "all visible\nafter s",
    "recovered": "as before\nafter s", "lost": "lost",
}  # fmt: skip
"""The figures of `burst_figures`, with their headings."""


def burst_tables(result: Result, style: str) -> Iterator[Table]:
    """Return what each path did with its burst."""
    table = styled_table("Bursts: what became of the requests that were due in them", style)
    for name in ("path", *COLUMNS.values(), ""):
        table.add_column(name, justify="left" if name in ("path", "") else "right")
    for finding in result.bursts:
        figures = burst_figures(finding)
        remarks = escape(figures["remarks"])
        table.add_row(
            finding.arm,
            *(figures[name] for name in COLUMNS),
            f"[{COLORS[finding.outcome]}]{finding.outcome.value}[/]" + (f": {remarks}" if remarks else ""),
        )
    yield table
