"""Show how far a run of the cache fleet is."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.running_line import RunningLine
from seawall.load.trial import Progress
from seawall.report.fleet_words import in_words
from seawall.report.verdicts import COLORS
from seawall.result.cache_fleet import FleetFinding


class FleetProgress(RunningLine):
    """A line a trial, and on a terminal what runs now. Use as a context manager."""

    def rows_grow(self, rows: int, table: str, done: int, total: int) -> None:
        """Show how many rows are written."""
        share = f" ({done / total:.0%})" if total else ""
        self._begins(f"{rows:,} rows: {done:,} {table}{share}")

    def trial_starts(self, number: int, total: int, rows: int, arm: str) -> None:
        """Show what is loaded."""
        self._begins(f"{number} of {total}: {arm}, {rows:,} rows")

    def trial_goes_on(self, progress: Progress) -> None:
        """Show how many orders were answered."""
        self._goes_on(progress)

    def trial_ended(self, number: int, total: int, finding: FleetFinding) -> None:
        """Print what became of it."""
        color = COLORS[finding.outcome]
        self._console.print(
            f"{number} of {total} {finding.trial}: [{color}]{finding.outcome.value}[/], {escape(in_words(finding))}",
            soft_wrap=True,
        )
