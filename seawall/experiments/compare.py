"""`compare`: the write paths side by side, same records and same load, arms interleaved, every record audited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.broken import BREAKS, await_whole, broken_trial, is_broken, unmade_arm
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.draining import await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import ArmNotMade, NotDrained
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.experiments.kills import BesideOf, beside_of
from seawall.experiments.left_on_disk import DiskLook
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.pairs import compare_pairs
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.segments import Segment, planned_segments
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress
from seawall.result import Arm, ArmComparison, Outcome, Result, Trial
from seawall.stack.stack import Stack
from seawall.targets.target import Targets

if TYPE_CHECKING:
    from seawall.stack.adjustments import Adjustments

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

    total: int = 0
    number: int = 0
    arms: dict[str, Arm] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, trial: Trial, watcher: Watcher, write: Callable[[], None]) -> None:
        """Take a trial that is over."""
        self.number += 1
        self.trials.append(trial)
        watcher.trial_ended(trial)
        write()


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
    earlier: Result | None = None
    """What was measured before the experiment was interrupted; its trials are not run again."""
    warms_up: bool = True
    """Whether trials that are no part of the result come first; servers that are warm need none."""

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the experiment and is not passed on, unless no stack was up yet: the result says that
        it was interrupted. Nothing is written before a stack was up and reported its settings.
        """
        facts = RunFacts.begin(self.options.experiment, self.options.seed, self.options.as_json(), self.earlier)
        segments = planned_segments(self.options, self.directory / "raw")
        plans = self.options.arm_plans()
        course = _Course()
        if self.earlier is not None:
            course.trials += self.earlier.trials
            course.arms |= {arm.name: arm for arm in self.earlier.arms}
            course.number = len(course.trials)
        done = {trial.name for trial in course.trials}
        left = [[trial for trial in segment.trials if trial.load.name not in done] for segment in segments]
        course.total = course.number + sum(map(len, left))

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            names = dict.fromkeys([*(plan.name for plan in plans), *course.arms])
            arms = [course.arms[name] for name in names if name in course.arms]
            made = [trial for trial in course.trials if not is_broken(trial)]
            judged = judge_arms(self.targets, [arm.name for arm in arms], made)
            return Result(
                **facts.by_now(course.versions),
                outcome=outcome_of(course.trials, interrupted=interrupted),
                interrupted=interrupted,
                reasons=list(reasons),
                arms=arms,
                trials=list(course.trials),
                comparisons=self.compare(plans, arms, course.trials),
                targets=judged,
                verdicts=arm_verdicts(judged, course.trials),
            )

        def work() -> None:
            for segment, trials in zip(segments, left, strict=True):
                if not trials:
                    continue
                with self.stack_of(segment) as stack:
                    self._run_segment(segment, stack, watcher, course, trials, lambda: write(result()))

        return run_to_an_end(work, result, write, anything=lambda: bool(course.arms))

    def _run_segment(
        self,
        segment: Segment,
        stack: Stack,
        watcher: Watcher,
        course: _Course,
        left: list[TrialPlan],
        write: Callable[[], None],
    ) -> None:
        """Run the trials that are *left* of a segment, which becomes empty; on new clients after each that broke."""
        course.versions |= stack.versions
        warm_up = segment.warm_up if self.warms_up else ()
        while left:
            try:
                with self._sitting(segment, stack, watcher, course, write) as sitting:
                    if not self.options.goes_on:
                        sitting.make_all()
                    sitting.warm_up(warm_up)
                    warm_up = ()
                    while left:
                        trial = sitting.run(left[0])
                        del left[0]
                        sitting.settle(trial)
            except BREAKS as error:
                if warm_up or not left or not self.options.goes_on:
                    raise
                plan = left.pop(0)
                course.arms.setdefault(plan.arm, unmade_arm(plan))
                course.add(broken_trial(plan, error), watcher, write)
                await_whole(stack)

    @contextmanager
    def _sitting(
        self, segment: Segment, stack: Stack, watcher: Watcher, course: _Course, write: Callable[[], None]
    ) -> Iterator[_Sitting]:
        log = self.directory / "logs" / segment.name / "load.log"
        disk = None
        if self.options.looks_at_disk:
            disk = DiskLook(stack, rewrites=self.options.written_again, drain_timeout_s=self.options.drain_timeout_s)
        with (
            stack.adjustments() as adjustments,
            LoadProcess(stack.state.api_url, log) as load,
            TrialRunner(
                stack,
                load,
                replace(Limits.of(self.targets), steady=self.options.steady),
                drain_timeout_s=self.options.drain_timeout_s,
                keep_rows=self.options.keep,
                disk=disk,
            ) as runner,
        ):
            servers = _Servers(stack, adjustments, segment)
            yield _Sitting(self.options, segment, stack, servers, runner, watcher, course, write, self.beside)


@dataclass(frozen=True)
class _Sitting:
    """Trials of a segment that follow one another on the same clients."""

    options: CompareOptions
    segment: Segment
    stack: Stack
    servers: _Servers
    runner: TrialRunner
    watcher: Watcher
    course: _Course
    write: Callable[[], None]
    beside: BesideOf

    def make_all(self) -> None:
        """Make every arm once, so that one that cannot be made ends the experiment before its first trial."""
        for plan in self.segment.arms:
            self._make(plan)

    def warm_up(self, plans: Sequence[TrialPlan]) -> None:
        """Run trials that are no part of the result."""
        for plan in plans:
            self.watcher.trial_starts(plan, self.course.number + 1, self.course.total)
            self.servers.make(self.segment.arm(plan.arm))
            self.runner.run(_for(self.stack, plan), partial(self.watcher.trial_goes_on, plan))

    def run(self, plan: TrialPlan) -> Trial:
        """Run a trial, put it into the course, and return it."""
        self.watcher.trial_starts(plan, self.course.number + 1, self.course.total)
        self._make(self.segment.arm(plan.arm))
        beside = self.beside(self.stack, plan)

        def goes_on(progress: Progress) -> None:
            beside.load_goes_on(progress)
            self.watcher.trial_goes_on(plan, progress)

        trial = beside.told(self.runner.run(_for(self.stack, plan), goes_on, beside=beside))
        self.course.add(trial, self.watcher, self.write)
        return trial

    def settle(self, trial: Trial) -> None:
        """See to it that what *trial* left in the log is no burden of the next; raises `NotDrained`."""
        course = self.course
        if trial.audit.pending and self.options.goes_on:
            await_sinks(self.stack, 3 * self.options.drain_timeout_s)
        elif trial.audit.pending and course.number < course.total:
            raise NotDrained(
                f"stopped after {course.number} of {course.total} trials: {trial.audit.pending} records of"
                f" {trial.name} lie in the log and the sinks stand still"
            )

    def _make(self, plan: ArmPlan) -> None:
        self.course.arms[plan.name] = self.servers.make(plan)


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
