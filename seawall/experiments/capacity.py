"""`capacity`: the highest load at which a path holds all targets.

Every step is a trial of its own, on fresh state and audited; which load comes next is
[seawall/stats/capacity.py](../stats/capacity.py)'s. Where the database is made slower or farther away there is a stack
for each such place, and on it a search for each path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil

from seawall.experiments.arms import arm_of
from seawall.experiments.break_even import break_even
from seawall.experiments.capacity_options import CapacityOptions, Place
from seawall.experiments.capacity_steps import bottleneck_above, outcome_of, overload_of, step_of
from seawall.experiments.draining import await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits as TimeLimits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, CapacityFinding, LoadStep, Result, Trial
from seawall.stack.stack import Stack
from seawall.stats.capacity import CapacitySearch, Knee
from seawall.targets.target import Targets

SHARES_OF_KNEE = (0.5, 0.7, 0.9)
"""Loads run after a search, to see how times rise towards the knee."""
_WARM_UP_CLIENTS = 50

StackOf = Callable[[Place], AbstractContextManager[Stack]]
"""Gives the stack of a place for as long as searches run there."""


class Watcher(Protocol):
    """Sees a search's progress."""

    def step_starts(self, plan: TrialPlan, load_per_s: float | None) -> None:
        """Begin a trial; None for one that only warms up."""
        ...

    def step_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def step_ended(self, finding: CapacityFinding, step: LoadStep, trial: Trial) -> None:
        """What became of it, as a step of the search that *finding* belongs to."""
        ...


@dataclass(frozen=True)
class _Search:
    """One search: by one arm, in one place, with a load that lasts or with a burst."""

    number: int
    arm: Arm
    place: Place
    burst_s: float | None = None

    @property
    def kind(self) -> str:
        """How its trials' names begin: names of files."""
        burst = f"-burst-{self.burst_s:g}s" if self.burst_s else ""
        return f"{self.number:02d}-{self.arm.path}{burst}"

    def finding(self, knee: Knee, steps: list[LoadStep], trials: list[Trial], targets: Targets) -> CapacityFinding:
        """Return *knee* for the result."""
        found = bottleneck_above(trials, steps, targets, psutil.cpu_count() or 1)
        return CapacityFinding(
            arm=self.arm.name,
            path=self.arm.path,
            database_delay_ms=self.place.database_delay_ms,
            flush_delay_ms=self.place.flush_delay_ms,
            burst_s=self.burst_s,
            last_pass_per_s=knee.last_pass,
            first_fail_per_s=knee.first_fail,
            limit=knee.limit.value,
            confirmed=knee.confirmed,
            steps=list(steps),
            bottleneck=found.what,
            advice=found.advice,
            overload="" if self.burst_s else overload_of(trials),
        )


@dataclass
class _Course:
    """How far the searches have come."""

    arms: list[Arm] = field(default_factory=list)
    findings: list[CapacityFinding] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Capacity:
    """All searches, place after place."""

    options: CapacityOptions
    targets: Targets
    stack_of: StackOf
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Search; *write* gets the result so far after each step, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the search and is not passed on, unless no stack was up yet: the result says that it
        was interrupted.
        """
        facts = RunFacts.begin("capacity", self.options.seed, self.options.as_json())
        options, course = self.options, _Course()
        searches = len(options.places) * len(options.paths) * (1 + len(options.bursts_s))

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            unfinished = interrupted or len(course.findings) < searches
            return Result(
                **facts.by_now(course.versions),
                outcome=outcome_of(course.findings, course.trials, interrupted=unfinished),
                interrupted=interrupted,
                reasons=list(reasons),
                arms=list(course.arms),
                trials=list(course.trials),
                capacity=list(course.findings),
                break_even=break_even(course.findings),
            )

        def work() -> None:
            for place in options.places:
                with self.stack_of(place) as stack:
                    self._search_all(place, stack, watcher, course, lambda: write(result()))

        return run_to_an_end(work, result, write, anything=lambda: bool(course.arms))

    def _search_all(
        self, place: Place, stack: Stack, watcher: Watcher, course: _Course, write: Callable[[], None]
    ) -> None:
        course.versions |= stack.versions
        settings = stack.settings()
        arms = [arm_of(place.arm(path), settings) for path in self.options.paths]
        course.arms += arms
        log = self.directory / "logs" / place.words.replace(",", "").replace(" ", "-") / "load.log"
        with (
            LoadProcess(stack.state.api_url, log) as load,
            TrialRunner(
                stack,
                load,
                TimeLimits.of(self.targets),
                drain_timeout_s=self.options.drain_timeout_s,
                keep_rows=False,
            ) as runner,
        ):
            steps = _Steps(self.options, self.targets, stack, runner, watcher, self.directory)
            for arm in arms:
                steps.warm_up(arm, len(course.findings))
                for burst_s in (None, *self.options.bursts_s):
                    search = _Search(len(course.findings) + 1, arm, place, burst_s)
                    steps.run(search, course, write)


@dataclass(frozen=True)
class _Steps:
    """Runs the steps of searches on one stack."""

    options: CapacityOptions
    targets: Targets
    stack: Stack
    runner: TrialRunner
    watcher: Watcher
    directory: Path

    def warm_up(self, arm: Arm, number: int) -> None:
        """Run a trial that is no part of the result."""
        plan = self._plan(
            arm, f"{number + 1:02d}-{arm.path}-warm-up", -1, users=_WARM_UP_CLIENTS, count=self.options.warm_up_records
        )
        self.watcher.step_starts(plan, None)
        self.runner.run(plan, partial(self.watcher.step_goes_on, plan))

    def run(self, search: _Search, course: _Course, write: Callable[[], None]) -> None:
        """Search, and put what is known into *course* after every step."""
        options = self.options
        loads = CapacitySearch(
            start=options.start_per_s, least=options.least_per_s, most=options.most_per_s, precision=options.precision
        )
        steps: list[LoadStep] = []
        trials: list[Trial] = []
        place = len(course.findings)
        for load_per_s, share in _loads(loads, search):
            trial = self._trial(search, len(steps), load_per_s)
            step, reason = step_of(trial, self.targets, burst=search.burst_s is not None)
            if share is None:
                loads.note(load_per_s, step)
            steps.append(
                LoadStep(load_per_s=load_per_s, trial=trial.name, step=step.value, reason=reason, share_of_knee=share)
            )
            trials.append(trial)
            course.trials.append(trial)
            course.findings[place:] = [search.finding(loads.knee(), steps, trials, self.targets)]
            self.watcher.step_ended(course.findings[place], steps[-1], trial)
            write()
            if trial.audit.pending:
                await_sinks(self.stack, 3 * options.drain_timeout_s)

    def _trial(self, search: _Search, number: int, load_per_s: float) -> Trial:
        options, burst_s = self.options, search.burst_s
        users = options.users_of(load_per_s)
        plan = self._plan(
            search.arm,
            f"{search.kind}-step-{number + 1}",
            number,
            users=users,
            rate_per_s=load_per_s / users,
            warmup_s=0.0 if burst_s else options.warmup_s,
            duration_s=burst_s or options.duration_s,
        )
        self.watcher.step_starts(plan, load_per_s)
        limits = TimeLimits.of(self.targets)
        return self.runner.run(
            plan,
            partial(self.watcher.step_goes_on, plan),
            dataclasses.replace(limits, steady=False) if burst_s else limits,
        )

    def _plan(self, arm: Arm, name: str, block: int, **rest: Any) -> TrialPlan:
        load = TrialLoad(
            name=name,
            path=arm.path,
            entity=self.options.entity,
            seed=self.options.seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
            **rest,
        )
        return TrialPlan(arm.name, block, load)


def _loads(loads: CapacitySearch, search: _Search) -> Iterator[tuple[float, float | None]]:
    """Yield the loads of a search, then shares of its knee, each with its share; each is noted before the next."""
    while (load_per_s := loads.next_load) is not None:
        yield load_per_s, None
    last_pass = loads.knee().last_pass
    if last_pass is not None and search.burst_s is None:
        for share in SHARES_OF_KNEE:
            yield float(f"{share * last_pass:.3g}"), share
