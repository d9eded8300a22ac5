"""Show how far a search for capacity is."""

from __future__ import annotations

from seawall.cli.running_line import RunningLine
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress as LoadProgress
from seawall.result import CapacityFinding, LoadStep, Trial


class CapacityProgress(RunningLine):
    """A line a step, and on a terminal what the running one does. Use as a context manager."""

    def step_starts(self, plan: TrialPlan, load_per_s: float | None) -> None:
        """Show which load is tried."""
        self._begins(f"{plan.arm}: " + ("warming up" if load_per_s is None else f"{load_per_s:,.0f}/s"))

    def step_goes_on(self, plan: TrialPlan, progress: LoadProgress) -> None:  # noqa: ARG002 - every watcher is told
        """Show how many requests were answered."""
        self._goes_on(progress)

    def step_ended(self, finding: CapacityFinding, step: LoadStep, trial: Trial) -> None:
        """Print what became of the load."""
        color = {"held": "green", "broke": "red"}.get(step.step, "yellow")
        p95 = trial.response_ms.p95
        figures = f"{trial.achieved_per_s:,.0f} rows/s" + ("" if p95 is None else f", p95 {p95:,.0f} ms")
        reason = f" ({step.reason})" if step.reason else ""
        burst = f", {finding.burst_s:g} s of" if finding.burst_s else ""
        knee = f" ({step.share_of_knee:.0%} of the knee)" if step.share_of_knee else ""
        self._console.print(
            f"{finding.arm}{burst} {step.load_per_s:,.0f}/s{knee}: {figures}: [{color}]{step.step}[/]{reason}"
        )
