"""Show how far a scenario is that feeds the log itself."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.running_line import RunningLine
from seawall.load.trial import Progress
from seawall.report.verdicts import COLORS
from seawall.result import Outcome


class ScenarioProgress(RunningLine):
    """A line a trial, and on a terminal what runs now. Use as a context manager."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Show which trial runs; number 0 is what only warms up."""
        self._begins(f"{number} of {total}: {arm}" if number else arm)

    def trial_goes_on(self, progress: Progress) -> None:
        """Show how many records were acknowledged."""
        self._goes_on(progress)

    def trial_ended(self, number: int, total: int, arm: str, outcome: Outcome, said: str) -> None:
        """Print what became of it."""
        color = COLORS[outcome]
        self._console.print(f"{number} of {total} {arm}: [{color}]{outcome.value}[/], {escape(said)}", soft_wrap=True)
