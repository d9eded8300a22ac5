"""Show how far a Spark job is."""

from __future__ import annotations

from seawall.cli.scenario_progress import ScenarioProgress
from seawall.report.spark_words import in_words
from seawall.result.spark import SparkFinding


class SparkProgress(ScenarioProgress):
    """A line an arm, and on a terminal how many reviews have features. Use as a context manager."""

    def job_goes_on(self, sent: int, done: int) -> None:
        """Show how many are sent, and how many done."""
        self._says(f"{sent:,} sent, {done:,} done")

    def finding(self, number: int, total: int, finding: SparkFinding) -> None:
        """Print what became of it."""
        self.trial_ended(number, total, finding.arm, finding.outcome, in_words(finding))
