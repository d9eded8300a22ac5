"""`stream ingest`: many times the rate that can be sustained, for seconds: who absorbs it, and when is it visible?

A trial for each path on fresh state, audited like any other: a rate, a burst, and the same rate again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seawall.audit.fates import read_visible_ns
from seawall.audit.ledger import read_ledger
from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.burst_figures import BurstRequests, burst_figures, burst_stages
from seawall.experiments.burst_judgement import answer_words, judged, outcome_of, reasons_of
from seawall.experiments.draining import await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.fault_figures import moments
from seawall.experiments.figures import missing_times
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_ingest_options import IngestOptions
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, BurstFinding, Outcome, Result, Trial
from seawall.result.bursts import AFTER, BURST, INGEST
from seawall.stack.stack import Stack
from seawall.targets.target import Targets

RESPONSE_MS, VISIBLE_MS = 200.0, 1_000.0
"""Beyond these a request counts as late where no target says otherwise."""
_WARM_UP_CLIENTS = 50


class Watcher(Protocol):
    """Sees how a run goes on."""

    def burst_starts(self, number: int, total: int, arm: str, *, warm_up: bool) -> None:
        """Begin a trial."""
        ...

    def burst_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def burst_ended(self, number: int, total: int, finding: BurstFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class IngestRun:
    """A burst on each path, one after the other, on one stack."""

    options: IngestOptions
    targets: Targets
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Make all bursts; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin(INGEST, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        arms = [arm_of(plan, settings) for plan in as_they_are(self.options.paths)]
        trials: list[Trial] = []
        findings: list[BurstFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(findings, whole=len(findings) == len(arms)),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                trials=list(trials),
                verdicts={finding.arm: finding.outcome for finding in findings},
                bursts=list(findings),
            )

        def work() -> None:
            with (
                LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
                TrialRunner(
                    self.stack,
                    load,
                    Limits(*self._limits_ms, steady=False),
                    drain_timeout_s=self.options.drain_timeout_s,
                    keep_rows=False,
                ) as runner,
            ):
                for number, arm in enumerate(arms, start=1):
                    watcher.burst_starts(number, len(arms), arm.name, warm_up=True)
                    runner.run(self._warm_up(arm), watcher.burst_goes_on)
                    watcher.burst_starts(number, len(arms), arm.name, warm_up=False)
                    plan = self._burst(arm, number)
                    trial = runner.run(plan, watcher.burst_goes_on)
                    trials.append(trial)
                    findings.append(self._finding(arm, plan.load, trial))
                    write(result())
                    watcher.burst_ended(number, len(arms), findings[-1])
                    if trial.audit.pending:
                        await_sinks(self.stack, self.options.drain_timeout_s)

        return run_to_an_end(work, result, write, anything=lambda: True)

    @property
    def _limits_ms(self) -> tuple[float, float]:
        """Beyond which response time and visible delay a request counts as late."""
        limits = Limits.of(self.targets)
        return limits.response_ms or RESPONSE_MS, limits.visible_ms or VISIBLE_MS

    def _finding(self, arm: Arm, load: TrialLoad, trial: Trial) -> BurstFinding:
        ledger_path = self.directory / "raw" / f"{trial.name}.parquet"
        ledger, visible_ns = read_ledger(ledger_path), read_visible_ns(ledger_path)
        assert load.profile is not None
        assert visible_ns is not None  # the audit has just written it
        start_ns = trial.schedule_start_ns or 0
        requests = BurstRequests(
            ledger, visible_ns, missing_times(load, start_ns, ledger), profile=load.profile, start_ns=start_ns
        )
        figures = burst_figures(requests, self._limits_ms)
        stages = list(burst_stages(requests, trial, self.targets, self._limits_ms))
        outcome, reasons = judged(stages, figures, trial)
        burst = requests.window(BURST)
        return BurstFinding(
            arm=arm.name,
            path=arm.path,
            trial=trial.name,
            base_per_s=self.options.rate_per_s,
            burst_per_s=self.options.burst_per_s,
            begin_s=round((burst.start_ns - start_ns) / 1e9, 6),
            end_s=round((burst.end_ns - start_ns) / 1e9, 6),
            answer="" if outcome is Outcome.INVALID else answer_words(stages, figures),
            stages=stages,
            refused_p50_ms=figures.refused_p50_ms,
            refused_p99_ms=figures.refused_p99_ms,
            lag_highest=figures.lag_highest,
            all_visible_s=figures.all_visible_s,
            recover_s=figures.recover_s,
            acknowledged=trial.audit.acknowledged,
            lost=trial.audit.lost,
            doubled=trial.audit.duplicates,
            pending=trial.audit.pending,
            unknown=trial.audit.unknown,
            outcome=outcome,
            reasons=reasons,
            moments=moments(ledger, visible_ns, start_ns=start_ns, end_ns=requests.window(AFTER).end_ns),
        )

    def _warm_up(self, arm: Arm) -> TrialPlan:
        load = self._trial(arm, "warm-up", users=_WARM_UP_CLIENTS, count=self.options.warm_up_records)
        return TrialPlan(arm.name, -1, load)

    def _burst(self, arm: Arm, number: int) -> TrialPlan:
        options, profile = self.options, self.options.profile()
        load = self._trial(
            arm,
            "burst",
            users=options.users,
            rate_per_s=profile.count / (options.warmup_s + options.judged_s) / options.users,
            profile=profile,
            warmup_s=options.warmup_s,
            duration_s=options.judged_s,
        )
        return TrialPlan(arm.name, number, load)

    def _trial(self, arm: Arm, name: str, **rest: Any) -> TrialLoad:
        return TrialLoad(
            name=f"{arm.name}-{name}",
            path=arm.path,
            entity=self.options.entity,
            seed=self.options.seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
            **rest,
        )
