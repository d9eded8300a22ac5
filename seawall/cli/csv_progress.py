"""Show how far an import of a CSV file is."""

from __future__ import annotations

from typing import Any

from seawall.cli.scenario_progress import ScenarioProgress
from seawall.report.csv_words import in_words
from seawall.result.csv_import import CsvFinding


class CsvProgress(ScenarioProgress):
    """A line an import, and on a terminal how much of the file is read. Use as a context manager."""

    def import_goes_on(self, state: dict[str, Any], size_bytes: int) -> None:
        """Show how much of the file is read."""
        share = min(state["bytes"] / size_bytes, 1.0) if size_bytes else 1.0
        said = "read to its end" if state["over"] else f"{share:.0%} read"
        rejected = f", {state['bad']:,} rejected" if state["bad"] else ""
        self._says(f"{said}, {state['good']:,} rows{rejected}")

    def finding(self, number: int, total: int, finding: CsvFinding) -> None:
        """Print what became of it."""
        self.trial_ended(number, total, finding.arm, finding.outcome, in_words(finding))
