"""Show how far a scale-out is."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.trial_progress import TrialProgress
from seawall.result import ScalePoint


class ScaleProgress(TrialProgress):
    """As for any experiment of trials, and a line a point. Use as a context manager."""

    def point_made(self, point: ScalePoint) -> None:
        """Print what a record cost, and why that says nothing, if so."""
        cost = "-" if point.cost_us is None else f"{point.cost_us:,.0f} µs a record"
        busy = "" if point.machine_busy is None else f", machine {point.machine_busy:.0%} busy"
        invalid = (
            f" [yellow]not part of the law: {escape(point.invalid_because[0])}[/]" if point.invalid_because else ""
        )
        self._console.print(f"{point.trial}: {cost}{busy}{invalid}")
