"""Show how far the judging of reviews is."""

from __future__ import annotations

from seawall.cli.scenario_progress import ScenarioProgress
from seawall.report.reviews_words import in_words
from seawall.result.reviews import ReviewsFinding


class ReviewsProgress(ScenarioProgress):
    """A line an arm, and on a terminal how many reviews are done. Use as a context manager."""

    def judging_goes_on(self, sent: int, done: int) -> None:
        """Show how many are in the log, and how many done."""
        self._says(f"{sent:,} in the log, {done:,} done")

    def finding(self, number: int, total: int, finding: ReviewsFinding) -> None:
        """Print what became of it."""
        self.trial_ended(number, total, finding.arm, finding.outcome, in_words(finding))
