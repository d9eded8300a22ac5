"""Show how processes come and go."""

from __future__ import annotations

from seawall.cli.running_line import RunningLine
from seawall.experiments.scaler import Scaler
from seawall.load.trial import Progress


class ElasticityProgress(RunningLine):
    """A line a step, and on a terminal what runs now. Use as a context manager."""

    _scaler: Scaler | None = None
    _told = 0

    def scaling_starts(self, scaler: Scaler | None) -> None:
        """Show that the load begins."""
        self._scaler = scaler
        self._begins("warming up" if scaler is None else "under load")

    def scaling_goes_on(self, progress: Progress) -> None:
        """Print the steps that were decided since the last call."""
        self._goes_on(progress)
        for change in self._scaler.changes[self._told :] if self._scaler else ():
            self._told += 1
            self._console.print(f"{change.before} to {change.after}: {change.why}", soft_wrap=True, markup=False)
