"""Show how far a soak is."""

from __future__ import annotations

from seawall.cli.running_line import RunningLine
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress as LoadProgress
from seawall.report.verdicts import COLORS
from seawall.result import Trial


class SoakProgress(RunningLine):
    """A line a segment, and on a terminal what the running one does. Use as a context manager."""

    def segment_starts(self, number: int, total: int, plan: TrialPlan) -> None:
        """Show which segment runs."""
        self._begins(f"{plan.arm}: segment {number} of {total}")

    def segment_goes_on(self, plan: TrialPlan, progress: LoadProgress) -> None:  # noqa: ARG002 - every watcher is told
        """Show how many requests were answered."""
        self._goes_on(progress)

    def segment_ended(self, number: int, total: int, trial: Trial) -> None:
        """Print what became of the segment."""
        p95, visible = trial.response_ms.p95, trial.visible_ms.p95
        figures = f"{trial.achieved_per_s:,.0f} rows/s"
        figures += "" if p95 is None else f", p95 {p95:,.0f} ms"
        figures += "" if visible is None else f", visible {visible:,.0f} ms"
        memory = ", ".join(
            f"{name} {used / 1e6:,.1f} MB"
            for name, used in trial.rss_bytes.items()
            if name.partition("-")[0] in ("api", "sink", "load")
        )
        reasons = f" ({'; '.join(trial.reasons)})" if trial.reasons else ""
        self._console.print(
            f"segment {number} of {total}: {figures}; {memory}:"
            f" [{COLORS[trial.outcome]}]{trial.outcome.value}[/]{reasons}",
            soft_wrap=True,
        )
