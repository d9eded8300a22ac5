"""Show how far a run through the stages is."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from seawall.experiments.attain_options import Stage
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress as LoadProgress
from seawall.report.verdicts import COLORS
from seawall.result import StageFinding, Trial


class AttainProgress:
    """A line a stage, and on a terminal a bar for the running trial. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TimeElapsedColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None
        self._what = ""

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bar.stop()

    def trial_starts(self, plan: TrialPlan, stage: Stage | None) -> None:
        """Show which stage is run."""
        load = plan.load
        planned = load.count or load.users * (load.rate_per_s or 0.0) * (load.warmup_s + load.duration_s)
        self._what = f"{plan.arm}: " + ("warming up" if stage is None else f"{stage.name}/s, trial {plan.block + 1}")
        if self._task is None:
            self._task = self._bar.add_task("")
        self._bar.reset(self._task, total=planned, description=self._what)

    def trial_goes_on(self, plan: TrialPlan, progress: LoadProgress) -> None:  # noqa: ARG002 - every watcher is told
        """Show how many requests were answered."""
        if self._task is not None:
            failed = f", {progress.failed:,} failed" if progress.failed else ""
            description = f"{self._what}: {progress.answered:,} answered{failed}"
            self._bar.update(self._task, completed=progress.answered, description=description)

    def stage_ended(self, finding: StageFinding, trials: list[Trial]) -> None:
        """Print what became of the stage."""
        head = f"{finding.arm} {finding.stage}/s"
        if finding.outcome is None:
            self._console.print(f"{head}: not run, since two stages below it failed")
            return
        rows = [trial.achieved_per_s or 0.0 for trial in trials]
        p95 = [trial.response_ms.p95 for trial in trials if trial.response_ms.p95 is not None]
        figures = f"{sum(rows) / len(rows):,.0f} rows/s" + (f", p95 {max(p95):,.0f} ms at most" if p95 else "")
        said = f" ({finding.bottleneck})" if finding.bottleneck else ""
        color = COLORS[finding.outcome]
        self._console.print(f"{head} by {finding.users:,} users: {figures}: [{color}]{finding.outcome.value}[/]{said}")
