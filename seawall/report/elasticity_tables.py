"""The steps of a run in which processes came and went, on the console."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from seawall.report.elasticity_words import NAMES, late_words, step_row
from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import ElasticityFinding, Result


def elasticity_tables(result: Result, style: str) -> Iterator[Table]:
    """Yield a table a finding, a line a step."""
    for finding in result.elasticity:
        table = styled_table(f"{NAMES[finding.what]} under load: each step, and what clients saw of it", style)
        for name in ("at s", "from", "to", "there\nafter s", "times back\nafter s", "worst visible\np95 ms"):
            table.add_column(name, justify="right")
        table.add_column("by")
        table.add_column("")
        for number, step in enumerate(finding.steps):
            outcome = f"[{COLORS[step.outcome]}]{step.outcome.value}[/]" if step.asked else "not asked"
            cells = step_row(finding, number)
            table.add_row(*cells, escape(step.why), outcome + (f": {escape(step.reason)}" if step.reason else ""))
        yield table


def elasticity_lines(finding: ElasticityFinding) -> Iterator[str]:
    """Yield who decided, what was lost and failed, what could not be read, and why it came out so."""
    yield f"decided by {finding.by}"
    yield f"{finding.least} to {finding.most} {NAMES[finding.what]}; {late_words(finding)}"
    yield f"{finding.failed:,} requests failed, {finding.lost:,} records lost"
    for words, count in finding.unknown.items():
        yield f"not known at {count} looks, and nothing scaled down by it: {words}"
    yield from finding.reasons
