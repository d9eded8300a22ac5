"""The stages of a plain run whose load changed, as a table on the console."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from seawall.report.shape_words import stage_figures, verdict_word
from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Result

COLUMNS = ("rate /s", "for s", "planned", "sent", "not sent", "achieved /s", "p50 ms", "p95 ms", "p99 ms")


def shape_table(result: Result, style: str) -> Table:
    """Return the table; times count from the intended moments of a stage, whenever its requests were sent."""
    table = styled_table(f"{result.options.get('shape', 'load')}, stage by stage", style)
    table.add_column("stage")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for stage in result.stages:
        word = verdict_word(stage)
        table.add_row(
            escape(stage.stage), *stage_figures(stage), f"[{COLORS[stage.outcome]}]{word}[/]" if stage.outcome else word
        )
    return table
