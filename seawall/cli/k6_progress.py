"""Shows how far k6 is, and Locust beside it."""

from __future__ import annotations

from typing import Self

from rich.console import Console

from seawall.cli.running_line import RunningLine
from seawall.result import Trial


class K6Progress(RunningLine):
    """Shows trials as they run; a line for each that is over. Use as a context manager."""

    def __init__(self, console: Console, schedule_s: float) -> None:
        super().__init__(console)
        self._schedule_s = schedule_s

    def __enter__(self) -> Self:
        """Begin to show."""
        return super().__enter__()

    def trial_starts(self, name: str, number: int, total: int) -> None:
        """Show a trial's name; *number* counts from 1, and 0 is what only warms up."""
        self._begins(f"{number}/{total} {name}" if number and total > 1 else name)

    def trial_goes_on(self, elapsed_s: float) -> None:
        """Show how much of its time is over."""
        if self._task is not None:
            at_s = min(elapsed_s, self._schedule_s)
            self._line.update(self._task, description=f"{self._what}: {at_s:.0f} of {self._schedule_s:.0f} s")

    def trial_ended(self, trial: Trial) -> None:
        """Say what came of a trial."""
        response = trial.response_ms.p95
        told = f"{trial.achieved_per_s or 0:,.0f} a second, response p95 {response or 0:.1f} ms"
        self._console.print(f"{trial.name}: {trial.outcome}, {told}")
        for reason in trial.reasons:
            self._console.print(f"[yellow]{trial.name}[/]: {reason}")
