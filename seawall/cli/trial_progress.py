"""Show how far an experiment's trials are."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress as LoadProgress
from seawall.result import Trial


class TrialProgress:
    """Shows trials as they run: a bar on a terminal, a line a trial elsewhere. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bar.stop()

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        """Show the trial's name; *number* counts from 1."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._number, self._total = number, total
        self._bar.update(self._task, completed=number - 1, description=plan.load.name)

    def trial_goes_on(self, plan: TrialPlan, progress: LoadProgress) -> None:
        """Show how many requests were answered."""
        if self._task is not None:
            failed = f", {progress.failed:,} failed" if progress.failed else ""
            self._bar.update(self._task, description=f"{plan.load.name}: {progress.answered:,} answered{failed}")

    def trial_ended(self, trial: Trial) -> None:
        """Print what is wrong with the trial; where there is no terminal, also a line for now and then a trial."""
        if self._task is not None:
            self._bar.update(self._task, advance=1)
        for reason in trial.reasons:
            self._console.print(f"[yellow]{trial.name}[/]: {reason}")
        for name, count in trial.restarts.items():
            self._console.print(f"[yellow]{trial.name}[/]: {name} died and was started again ({count} x)")
        if not self._console.is_terminal and (trial.kind == "load" or self._number % 10 == 0):
            self._console.print(f"{self._number}/{self._total} {trial.name}: {trial.achieved_per_s or 0:,.0f} rows/s")
