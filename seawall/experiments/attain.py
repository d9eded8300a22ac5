"""`attain`: the targets through rising stages of load, path after path.

Every stage is run at its upper end, each repeat a trial of its own on fresh state and audited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psutil

from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.attain_options import AttainOptions, Stage
from seawall.experiments.draining import await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.segments import HEAVY_PER_S, HEAVY_WARM_UP_S
from seawall.experiments.stage_judgement import stage_finding
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.profile import HEADROOM
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, JudgedTarget, Outcome, Result, StageFinding, Trial
from seawall.stack.stack import Stack
from seawall.targets.target import Targets
from seawall.targets.verdict import verdict

MOST_FAILED = 2
"""So many failed stages end a path: the first shows where it falls short, the second how it goes on."""
MOST_TIMES_REPEATED = 2
"""A stage that its repeats leave open is run up to so many times as often: two trials that differ decide little, and a
generator that was late once need not be again."""
LEFT_OPEN = (Outcome.INCONCLUSIVE, Outcome.INVALID)
_WARM_UP_CLIENTS = 50


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, plan: TrialPlan, stage: Stage | None) -> None:
        """Begin a trial; None for one that only warms up."""
        ...

    def trial_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def stage_ended(self, finding: StageFinding, trials: list[Trial]) -> None:
        """What became of a stage, or that it was not run."""
        ...


@dataclass(frozen=True)
class Attainment:
    """A run through the stages on one stack, path after path."""

    options: AttainOptions
    targets: Targets
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all stages; *write* gets the result so far after each trial, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin("attain", self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        arms = [arm_of(plan, settings) for plan in as_they_are(self.options.paths)]
        found: dict[tuple[str, str], StageFinding] = {}
        trials: list[Trial] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            stages = [
                found.get((arm.name, stage.name)) or self._not_run(arm, stage)
                for arm in arms
                for stage in self.options.stages()
            ]
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(stages),
                interrupted=interrupted,
                reasons=list(reasons),
                arms=arms,
                trials=list(trials),
                targets=[named_by_stage(stage, row) for stage in stages for row in stage.targets],
                verdicts={arm.name: outcome_of([one for one in stages if one.arm == arm.name]) for arm in arms},
                stages=stages,
            )

        def work() -> None:
            with (
                LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
                TrialRunner(
                    self.stack,
                    load,
                    Limits.of(self.targets),
                    drain_timeout_s=self.options.drain_timeout_s,
                    keep_rows=False,
                    limits_of=partial(Limits.of, self.targets),
                ) as runner,
            ):
                for arm in arms:
                    for finding, trial in self._climb(arm, runner, watcher):
                        found[finding.arm, finding.stage] = finding
                        trials.append(trial)
                        write(result())

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _climb(self, arm: Arm, runner: TrialRunner, watcher: Watcher) -> Iterator[tuple[StageFinding, Trial]]:
        """Run the stages of one path, and yield after each trial what is known of its stage."""
        for plan in self._warm_up(arm):
            watcher.trial_starts(plan, None)
            self._settled(runner.run(plan, partial(watcher.trial_goes_on, plan)))
        failed = 0
        for number, stage in enumerate(self.options.stages(), start=1):
            if failed == MOST_FAILED:
                watcher.stage_ended(self._not_run(arm, stage), [])
                continue
            mine: list[Trial] = []
            finding = self._not_run(arm, stage)
            for repeat in range(MOST_TIMES_REPEATED * self.options.repeats):
                if repeat >= self.options.repeats and finding.outcome not in LEFT_OPEN:
                    break
                load = self._stage_load(arm, f"stage-{number}-{repeat + 1}", stage)
                plan = TrialPlan(arm.name, repeat, load)
                watcher.trial_starts(plan, stage)
                mine.append(runner.run(plan, partial(watcher.trial_goes_on, plan)))
                finding = self._finding(arm, stage, mine)
                yield finding, mine[-1]
                self._settled(mine[-1])
            watcher.stage_ended(finding, mine)
            failed += finding.outcome is Outcome.FAIL

    def _finding(self, arm: Arm, stage: Stage, trials: list[Trial]) -> StageFinding:
        return stage_finding(
            self._not_run(arm, stage),
            trials,
            self.targets,
            share_of_writes=self.options.share_of_writes,
            cores=psutil.cpu_count() or 1,
        )

    def _not_run(self, arm: Arm, stage: Stage) -> StageFinding:
        users = self.options.users_of(stage.load_per_s)
        return StageFinding(arm=arm.name, stage=stage.name, load_per_s=stage.load_per_s, users=users)

    def _warm_up(self, arm: Arm) -> Iterator[TrialPlan]:
        """Yield trials that are not part of the result; the first heavy stage also warms up by itself."""
        records = self._load(arm, "warm-up", users=_WARM_UP_CLIENTS, count=self.options.warm_up_records)
        yield TrialPlan(arm.name, -1, records)
        heavy = next((stage for stage in self.options.stages() if stage.load_per_s >= HEAVY_PER_S), None)
        if heavy is not None:
            load = self._stage_load(arm, "warm-up-load", heavy)
            yield TrialPlan(arm.name, -1, msgspec.structs.replace(load, duration_s=HEAVY_WARM_UP_S))

    def _stage_load(self, arm: Arm, name: str, stage: Stage) -> TrialLoad:
        options = self.options
        users = options.users_of(stage.load_per_s)
        weights = options.scope_weights
        return self._load(
            arm,
            name,
            users=users,
            rate_per_s=HEADROOM * stage.load_per_s / users,
            warmup_s=options.warmup_s,
            duration_s=options.duration_s,
            arrival="poisson" if weights else "uniform",
            weights=weights,
            new_connections=options.new_connections,
            tls=options.tls,
            tls_url=self.stack.state.api_tls_url,
        )

    def _load(self, arm: Arm, name: str, **rest: Any) -> TrialLoad:
        return TrialLoad(
            name=f"{arm.name}-{name}",
            path=arm.path,
            entity=self.options.entity,
            seed=self.options.seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
            **rest,
        )

    def _settled(self, trial: Trial) -> None:
        """Wait for the sinks where a trial has left something to them; raises `NotDrained`."""
        if trial.audit.pending:
            await_sinks(self.stack, 3 * self.options.drain_timeout_s)


def outcome_of(stages: list[StageFinding]) -> Outcome:
    """Return the outcome of *stages*: PASS where each was run and passed; a stage that was not run is INVALID."""
    return verdict(stage.outcome or Outcome.INVALID for stage in stages)


def named_by_stage(stage: StageFinding, row: JudgedTarget) -> JudgedTarget:
    """Return *row* with its stage in its name, for reports that know paths alone."""
    return msgspec.structs.replace(row, name=f"{stage.stage}/s: {row.name}")
