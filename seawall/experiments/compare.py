"""`compare`: the write paths side by side, same records and same load, arms interleaved, every record audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import ArmNotMade, NotDrained
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.experiments.kills import BesideOf, beside_of
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.machine import machine_facts
from seawall.experiments.pairs import compare_pairs
from seawall.experiments.segments import Segment, planned_segments
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress
from seawall.result import Arm, ArmComparison, Outcome, Result, Trial
from seawall.stack.adjustments import Adjustments
from seawall.stack.stack import Stack
from seawall.targets.target import Targets

StackOf = Callable[[Segment], AbstractContextManager[Stack]]
"""Gives the stack of a segment for as long as the segment runs."""


class Watcher(Protocol):
    """Sees a comparison's progress."""

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        """*number* counts from 1."""
        ...

    def trial_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """The audited trial."""
        ...


@dataclass
class _Course:
    """How far a comparison has come."""

    total: int
    number: int = 0
    arms: dict[str, Arm] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One comparison."""

    options: CompareOptions
    targets: Targets
    stack_of: StackOf
    directory: Path
    """Where raw columns, Locust's CSV files and the load's log go."""
    compare: Callable[[Sequence[ArmPlan], Sequence[Arm], Sequence[Trial]], list[ArmComparison]] = compare_pairs
    beside: BesideOf = field(default_factory=lambda: beside_of(""))

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the experiment and is not passed on, unless no stack was up yet: the result says that
        it was interrupted. Nothing is written before a stack was up and reported its settings.
        """
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        machine = machine_facts()
        segments = planned_segments(self.options, self.directory / "raw")
        plans = self.options.arm_plans()
        course = _Course(sum(len(segment.trials) for segment in segments))

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            arms = [course.arms[plan.name] for plan in plans if plan.name in course.arms]
            judged = judge_arms(self.targets, [arm.name for arm in arms], course.trials)
            return Result(
                experiment=self.options.experiment,
                started_at=started_at,
                finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
                seed=self.options.seed,
                outcome=outcome_of(course.trials, interrupted=interrupted),
                interrupted=interrupted,
                reasons=list(reasons),
                options=self.options.as_json(),
                environment={**machine, "servers": course.versions},
                arms=arms,
                trials=list(course.trials),
                comparisons=self.compare(plans, arms, course.trials),
                targets=judged,
                verdicts=arm_verdicts(judged, course.trials),
            )

        def work() -> None:
            for segment in segments:
                with self.stack_of(segment) as stack:
                    self._run_segment(segment, stack, watcher, course, lambda: write(result()))

        return run_to_an_end(work, result, write, anything=lambda: bool(course.arms))

    def _run_segment(
        self, segment: Segment, stack: Stack, watcher: Watcher, course: _Course, write: Callable[[], None]
    ) -> None:
        course.versions |= {name: service.version for name, service in stack.state.services.items() if service.version}
        log = self.directory / "logs" / segment.name / "load.log"
        with (
            stack.adjustments() as adjustments,
            LoadProcess(stack.state.api_url, log) as load,
            TrialRunner(
                stack,
                load,
                replace(Limits.of(self.targets), steady=self.options.steady),
                drain_timeout_s=self.options.drain_timeout_s,
                keep_rows=self.options.keep,
            ) as runner,
        ):
            servers = _Servers(stack, adjustments, segment)
            for plan in segment.arms:
                course.arms.setdefault(plan.name, servers.make(plan))
            for trial_plan in segment.warm_up:
                watcher.trial_starts(trial_plan, course.number + 1, course.total)
                servers.make(segment.arm(trial_plan.arm))
                runner.run(_for(stack, trial_plan), partial(watcher.trial_goes_on, trial_plan))
            for trial_plan in segment.trials:
                course.number += 1
                watcher.trial_starts(trial_plan, course.number, course.total)
                servers.make(segment.arm(trial_plan.arm))
                trial = self._run_trial(runner, stack, trial_plan, watcher)
                course.trials.append(trial)
                watcher.trial_ended(trial)
                write()
                if trial.audit.pending and course.number < course.total:
                    raise NotDrained(
                        f"stopped after {course.number} of {course.total} trials: {trial.audit.pending} records of"
                        f" {trial.name} lie in the log and the sinks stand still"
                    )

    def _run_trial(self, runner: TrialRunner, stack: Stack, plan: TrialPlan, watcher: Watcher) -> Trial:
        beside = self.beside(stack, plan)

        def goes_on(progress: Progress) -> None:
            beside.load_goes_on(progress)
            watcher.trial_goes_on(plan, progress)

        return runner.run(_for(stack, plan), goes_on, beside=beside)


class _Servers:
    """The servers of a segment, brought to what each arm asks for."""

    def __init__(self, stack: Stack, adjustments: Adjustments, segment: Segment) -> None:
        self._stack, self._adjustments = stack, adjustments
        self._change = len({msgspec.json.encode(arm.settings) for arm in segment.arms}) > 1
        self._settings: dict[str, Any] | None = None
        self._made: ArmPlan | None = None
        self._arms: dict[str, Arm] = {}

    def make(self, plan: ArmPlan) -> Arm:
        """Adjust the servers to *plan* and return the arm as they report it; raises `ArmNotMade`.

        What they report for an arm has to be the same each time.
        """
        if self._made == plan:
            return self._arms[plan.name]
        if self._change or self._settings is None:
            self._adjustments.apply(plan.settings)
            self._settings = self._stack.settings()
        arm = arm_of(plan, self._settings)
        first = self._arms.setdefault(plan.name, arm)
        if first != arm:
            raise ArmNotMade(
                f"{plan.name}: the servers report other settings than when it ran first: {_differences(first, arm)};"
                " somebody else seems to change them"
            )
        self._made = plan
        return first


def _differences(first: Arm, now: Arm) -> str:
    return ", ".join(
        f"{server}: {now.settings.get(server)} instead of {settings}"
        for server, settings in first.settings.items()
        if now.settings.get(server) != settings
    )


def _for(stack: Stack, plan: TrialPlan) -> TrialPlan:
    """Return *plan* with what only the stack knows."""
    load = msgspec.structs.replace(plan.load, partitions=stack.state.partitions)
    return TrialPlan(plan.arm, plan.block, load)


def outcome_of(trials: list[Trial], *, interrupted: bool) -> Outcome:
    """Return the whole run's outcome: anything lost or pending is FAIL, whatever else happened."""
    found = {trial.outcome for trial in trials}
    if Outcome.FAIL in found:
        return Outcome.FAIL
    if Outcome.INVALID in found or interrupted or not trials:
        return Outcome.INVALID
    return Outcome.INCONCLUSIVE if Outcome.INCONCLUSIVE in found else Outcome.PASS
