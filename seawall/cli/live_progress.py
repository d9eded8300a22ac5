"""Show how far a run of feeds is."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.running_line import RunningLine
from seawall.load.trial import Progress
from seawall.report.live_words import in_words
from seawall.report.verdicts import COLORS
from seawall.result import LiveFinding


class LiveProgress(RunningLine):
    """A line a feed, and on a terminal what runs now. Use as a context manager."""

    def live_starts(self, number: int, total: int, arm: str, what: str) -> None:
        """Show which part of which trial runs."""
        self._begins(f"{number} of {total}: feed by the {arm}, {what}")

    def live_goes_on(self, progress: Progress) -> None:
        """Show how many requests were answered."""
        self._goes_on(progress)

    def live_ended(self, number: int, total: int, finding: LiveFinding) -> None:
        """Print what became of it."""
        color = COLORS[finding.outcome]
        self._console.print(
            f"{number} of {total} feed by the {finding.source}: [{color}]{finding.outcome.value}[/],"
            f" {escape(in_words(finding))}",
            soft_wrap=True,
        )
