"""The negative controls as tables: what there is, and what was found."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result

_CAUGHT = {Outcome.PASS: "yes", Outcome.FAIL: "NO", Outcome.INVALID: "did not bite", Outcome.INCONCLUSIVE: "unclear"}


def catalogue_table(rows: Iterable[tuple[str, str, str]], style: str) -> Table:
    """Return the table of (name, what is planted, how it has to come out)."""
    table = styled_table("Negative controls", style)
    for name in ("control", "planted", "has to come out as"):
        table.add_column(name, no_wrap=name == "control")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def findings_table(result: Result, style: str) -> Table:
    """Return the table of what was planted, what was found, and whether that is right."""
    table = styled_table("Negative controls: services that misbehave on purpose", style)
    for name in ("control", "planted", "has to come out as", "found", "caught"):
        table.add_column(name, no_wrap=name in ("control", "caught"))
    for finding in result.controls:
        caught = f"[{COLORS[finding.outcome]}]{_CAUGHT[finding.outcome]}[/]"
        table.add_row(finding.name, *map(escape, (finding.planted, finding.expected, finding.found)), caught)
        table.add_section()
    return table
