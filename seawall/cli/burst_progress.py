"""Show how far a run of bursts is."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.running_line import RunningLine
from seawall.load.trial import Progress
from seawall.report.burst_words import in_words
from seawall.report.verdicts import COLORS
from seawall.result import BurstFinding


class BurstProgress(RunningLine):
    """A line a burst, and on a terminal what runs now. Use as a context manager."""

    def burst_starts(self, number: int, total: int, arm: str, *, warm_up: bool) -> None:
        """Show which path is loaded."""
        self._begins(f"{number} of {total}: {arm}{', warming up' if warm_up else ''}")

    def burst_goes_on(self, progress: Progress) -> None:
        """Show how many requests were answered."""
        self._goes_on(progress)

    def burst_ended(self, number: int, total: int, finding: BurstFinding) -> None:
        """Print what became of it."""
        color = COLORS[finding.outcome]
        self._console.print(
            f"{number} of {total} {finding.arm}: [{color}]{finding.outcome.value}[/], {escape(in_words(finding))}",
            soft_wrap=True,
        )
