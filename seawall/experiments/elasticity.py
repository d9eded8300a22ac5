"""`scale --autoscale`: sinks or API processes come and go under load, as an autoscaler would have it, or a script.

A loop reads the running stack and decides by the formulas of `seawall.experiments.autoscale` and the numbers of
`deploy/kubernetes`. The autoscaler's clock runs faster than a cluster's, and its targets are divided by a number, both
of which the result names; processes, their starts and ends, and the log are real.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from seawall.audit.fates import read_visible_ns
from seawall.audit.ledger import read_ledger
from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.deciders import ByFormula, ByScript, Decider
from seawall.experiments.elasticity_figures import moments, steps
from seawall.experiments.elasticity_judgement import judged
from seawall.experiments.elasticity_options import KINDS, ElasticityOptions
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.fault_figures import REFUSALS
from seawall.experiments.fault_warming import warm_lookups
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.manifests import ApiScaling, SinkScaling
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.scaler import Scaler
from seawall.experiments.scaling_metrics import CpuMetric, LagMetric, Metric, UnderWayMetric
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, ElasticityFinding, Outcome, Result, Trial
from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack

RESPONSE_MS, VISIBLE_MS = 200.0, 1_000.0
SETTLED_WITHIN_S = 90.0
_WARM_UP_RECORDS, _WARM_UP_CLIENTS = 2_000, 50


class Watcher(Protocol):
    """Sees how a run goes on."""

    def scaling_starts(self, scaler: Scaler | None) -> None:
        """Begin the trial; None for the one that only warms up."""
        ...

    def scaling_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...


@dataclass(frozen=True)
class Elasticity:
    """One run, on a stack with as many processes as there may be."""

    options: ElasticityOptions
    """With all that was left open, settled."""
    scaling: SinkScaling | ApiScaling
    """The manifest's numbers."""
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run the trial; *write* gets the result at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin("scale", self.options.seed, self.options.as_json())
        (plan,) = as_they_are([self.options.path])
        arm = arm_of(plan, self.stack.settings())
        trials: list[Trial] = []
        findings: list[ElasticityFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            outcome = findings[0].outcome if findings else Outcome.INVALID
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome,
                interrupted=interrupted,
                reasons=list(reasons),
                arms=[arm],
                trials=list(trials),
                verdicts={arm.name: outcome},
                elasticity=list(findings),
            )

        def work() -> None:
            with (
                LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
                TrialRunner(
                    self.stack,
                    load,
                    Limits(RESPONSE_MS, steady=False),
                    drain_timeout_s=self.options.drain_timeout_s,
                    keep_rows=False,
                ) as runner,
                Fleet(self.stack, KINDS[self.options.what]) as fleet,
            ):
                watcher.scaling_starts(None)
                warm_up = self._trial(arm, "warm-up", users=_WARM_UP_CLIENTS, count=_WARM_UP_RECORDS)
                runner.run(TrialPlan(arm.name, -1, warm_up), watcher.scaling_goes_on)
                finding, trial = self._measured(arm, runner, fleet, watcher)
                findings.append(finding)
                trials.append(trial)

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _measured(
        self, arm: Arm, runner: TrialRunner, fleet: Fleet, watcher: Watcher
    ) -> tuple[ElasticityFinding, Trial]:
        options = self.options
        first = options.first or self.scaling.behaviour.least
        fleet.scale_to(first)
        fleet.await_settled(SETTLED_WITHIN_S)
        scaler = Scaler(self.stack, fleet, self._decider(fleet), after_s=options.warmup_s)
        profile = options.profile()
        load = self._trial(
            arm,
            "load",
            users=options.users,
            profile=profile,
            rate_per_s=profile.count / (profile.length_ns / 1e9) / options.users,
            warmup_s=options.warmup_s,
            duration_s=options.judged_s,
        )
        watcher.scaling_starts(scaler)

        def progress(so_far: Progress) -> None:
            scaler.load_goes_on(so_far)
            watcher.scaling_goes_on(so_far)

        @contextmanager
        def beside() -> Iterator[None]:
            names = fleet.wanted if options.what == "api" else ()
            warm_lookups(self.stack, 1, names)
            with scaler:
                yield

        trial = runner.run(TrialPlan(arm.name, 1, load), progress, beside=beside())
        return self._finding(arm, trial, scaler, first), trial

    def _decider(self, fleet: Fleet) -> Decider:
        options, scaling = self.options, self.scaling
        assert options.stage_s is not None
        if options.steps:
            return ByScript(options.steps, options.stage_s)
        by = options.divisor or 1.0
        metrics: list[Metric]
        if isinstance(scaling, SinkScaling):
            metrics = [LagMetric(self.stack, scaling.lag_each / by)]
        else:
            metrics = [
                CpuMetric(self.stack, lambda: fleet.wanted, scaling.cores_each / by, scaling.utilization),
                UnderWayMetric(self.stack, lambda: fleet.wanted, scaling.under_way_each / by),
            ]
        assert options.most is not None
        return ByFormula(scaling.behaviour.at_most(options.most), metrics, options.faster or 1.0)

    def _finding(self, arm: Arm, trial: Trial, scaler: Scaler, first: int) -> ElasticityFinding:
        options = self.options
        path = self.directory / "raw" / f"{trial.name}.parquet"
        ledger, visible_ns = read_ledger(path), read_visible_ns(path)
        start_ns = trial.schedule_start_ns or 0
        end_ns = start_ns + int((trial.warmup_s + (trial.duration_s or 0.0)) * 1e9)
        assert visible_ns is not None
        course = moments(ledger, visible_ns, scaler.looks, first=first, start_ns=start_ns, end_ns=end_ns)
        limits_ms = (RESPONSE_MS if options.what == "api" else None, VISIBLE_MS)
        taken = steps(scaler.changes, course, start_ns=start_ns, limits_ms=limits_ms)
        failed = int((~ledger.succeeded).sum())
        wanted = [first, *(step.after for step in taken)]
        outcome, reasons = judged(
            trial,
            taken,
            failed=failed,
            refused=int(np.isin(ledger.status, REFUSALS).sum()),
            left=0 if options.steps else max(0, wanted[-1] - max(first, scaler.asked_in_the_end())),
            error=str(scaler.error or ""),
        )
        return ElasticityFinding(
            what=options.what,
            by=self._who(),
            faster=1.0 if options.steps else options.faster or 1.0,
            arm=arm.name,
            trial=trial.name,
            least=min(wanted),
            most=max(wanted),
            failed=failed,
            lost=trial.audit.lost,
            steps=taken,
            moments=course,
            unknown=dict(scaler.unknown),
            outcome=outcome,
            reasons=reasons,
        )

    def _who(self) -> str:
        """Return who decides, with the numbers."""
        options, scaling = self.options, self.scaling
        if options.steps:
            return f"a script: {', '.join(map(str, options.steps))}, each for {options.stage_s:g} s"
        by = options.divisor or 1.0
        divided = "" if math.isclose(by, 1.0) else f" (the manifest's, divided by {by:g})"
        if isinstance(scaling, SinkScaling):
            slow = f"; a sink is slowed down to about {options.sink_rate_per_s:g} records a second"
            who, target = "KEDA", f"a lag of {scaling.lag_each / by:g} a sink{divided}"
            target += slow if options.sink_rate_per_s else ""
        else:
            cores = scaling.cores_each * scaling.utilization / by
            under_way = f"{scaling.under_way_each / by:,.0f} requests under way a process"
            target = f"{cores * 1e3:,.0f}m of CPU and {under_way}{divided}"
            who = "the HorizontalPodAutoscaler"
        clock = options.faster or 1.0
        faster = "" if math.isclose(clock, 1.0) else f"; its clock runs {clock:g} times as fast"
        return f"{who}: {target}{faster}"

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
