"""Show how far a run of faults is."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.running_line import RunningLine
from seawall.experiments.fault_options import FaultPlan
from seawall.load.trial import Progress
from seawall.report.fault_tables import in_words
from seawall.report.verdicts import COLORS
from seawall.result import FaultFinding


class FaultProgress(RunningLine):
    """A line a fault, and on a terminal what runs now. Use as a context manager."""

    def fault_starts(self, number: int, total: int, plan: FaultPlan | None) -> None:
        """Show which fault is made."""
        self._begins("warming up" if plan is None else f"{number} of {total}: {plan.fault}")

    def fault_goes_on(self, progress: Progress) -> None:
        """Show how many requests were answered."""
        self._goes_on(progress)

    def fault_ended(self, number: int, total: int, finding: FaultFinding) -> None:
        """Print what became of it."""
        color = COLORS[finding.outcome]
        self._console.print(
            f"{number} of {total} {finding.name}: [{color}]{finding.outcome.value}[/], {escape(in_words(finding))}",
            soft_wrap=True,
        )
