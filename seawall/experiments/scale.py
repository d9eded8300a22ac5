"""`scale`: what a record costs with 1 to N processes at constant work each, and the law that follows from it.

On a machine of few cores, N processes at full speed would measure the cores. So each process gets the same small work,
whatever N is, and what is measured is the processor time that a record takes from all of them together: cost(N). What
N processes would carry with a core each is then X(N) = N / cost(N). That is a projection and is called so everywhere.
Contention and coordination between processes show as a cost that grows with N; waiting that takes no processor time
shows in the delays beside it, and not in X(N). [docs/scaling.md](../../docs/scaling.md) says what follows and what
does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import NotDrained
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.locust_workers import LocustWorkers
from seawall.experiments.processor_use import cores_used, machine_use, readings_of
from seawall.experiments.resources import ResourceWatch
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.scale_options import ScaleOptions
from seawall.experiments.scale_points import (
    expected_processes,
    finding_of,
    outcome_of,
    point_of,
    scaled_processes,
    window_of,
)
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits as TimeLimits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, Result, ScalePoint, Trial
from seawall.stack.stack import Stack
from seawall.stack.state import StackState
from seawall.targets.target import Targets

_WARM_UP_CLIENTS = 50
StackOf = Callable[[int], AbstractContextManager[Stack]]
"""Gives the stack for a number of what is scaled, for as long as it is used."""


class Watcher(Protocol):
    """Sees a scale-out's progress."""

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        """*number* counts from 1."""
        ...

    def trial_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second, where the load is not Locust's own."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """The audited trial."""
        ...

    def point_made(self, point: ScalePoint) -> None:
        """What the trial came to."""
        ...


@dataclass
class _Course:
    """How far a scale-out has come."""

    arms: dict[str, Arm] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    points: list[ScalePoint] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def note(self, arm: str, stack: Stack, path: str) -> None:
        """Keep what the servers report."""
        self.versions |= stack.versions
        (plan,) = as_they_are((path,))
        self.arms[arm] = msgspec.structs.replace(arm_of(plan, stack.settings()), name=arm)


@dataclass(frozen=True)
class _Step:
    """One trial that is to be; *number* counts from 1."""

    what: str
    count: int
    repeat: int
    number: int
    total: int

    @property
    def arm(self) -> str:
        """As the results call it."""
        return f"{self.what}-{self.count}"

    @property
    def name(self) -> str:
        """Of the trial."""
        return f"{self.arm}-{self.repeat + 1}"


_Make = Callable[[Stack, _Step, Watcher], Trial]


@dataclass(frozen=True)
class Scale:
    """One scale-out."""

    options: ScaleOptions
    targets: Targets
    targets_file: Path
    """Where *targets* are from: Locust, as a process of its own, reads them again."""
    stack_of: StackOf
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the experiment and is not passed on, unless no stack was up yet: the result says that
        it was interrupted.
        """
        facts = RunFacts.begin("scale", self.options.seed, asdict(self.options))
        course = _Course()
        order = self.options.order()
        steps = [_Step(self.options.what, *one, number, len(order)) for number, one in enumerate(order, start=1)]

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            finding = finding_of(self.options.what, course.points)
            return Result(
                **facts.by_now(course.versions),
                outcome=outcome_of(finding, course.trials, interrupted=interrupted),
                interrupted=interrupted,
                reasons=list(reasons),
                arms=sorted(course.arms.values(), key=lambda arm: int(arm.name.rpartition("-")[2])),
                trials=list(course.trials),
                scaling=[finding],
            )

        def step(stack: Stack, one: _Step, make: _Make) -> None:
            course.note(one.arm, stack, self.options.path)
            trial, point = self._measured(stack, one, make, watcher)
            course.trials.append(trial)
            course.points.append(point)
            watcher.trial_ended(trial)
            watcher.point_made(point)
            write(result())
            if trial.audit.pending:
                raise NotDrained(
                    f"{trial.audit.pending:,} records of {trial.name} lie in the log: the sinks stand still"
                )

        def work() -> None:
            if self.options.what == "workers":
                with self.stack_of(1) as stack:
                    with self._load_process(stack, "warm-up") as load, self._runner(stack, load) as runner:
                        self._warm_up(stack, steps[0], runner, watcher)
                    for one in steps:
                        step(stack, one, self._by_locust)
                return
            for one in steps:
                with self.stack_of(one.count) as stack:
                    step(stack, one, self._by_generator)

        return run_to_an_end(work, result, write, anything=lambda: bool(course.arms))

    def _measured(self, stack: Stack, one: _Step, make: _Make, watcher: Watcher) -> tuple[Trial, ScalePoint]:
        assignments = assignments_so_far(stack.state)
        with ResourceWatch(machine_use) as machine:
            trial = make(stack, one, watcher)
        columns = self.directory / "raw" / f"{trial.name}.parquet"
        machine.write(columns / "machine.parquet")
        readings = [*readings_of(columns / "resources.parquet"), *readings_of(columns / "machine.parquet")]
        used = cores_used(readings, window_of(trial))
        now = assignments_so_far(stack.state)
        return trial, point_of(
            one.count,
            trial,
            used,
            scaled=scaled_processes(self.options.what, stack.state, used),
            expected=expected_processes(self.options.what, one.count, stack.state),
            cores=len(os.sched_getaffinity(0)),
            rebalances=None if now is None or assignments is None else now - assignments,
            alike=self.options.what != "partitions",
        )

    def _by_generator(self, stack: Stack, one: _Step, watcher: Watcher) -> Trial:
        """Warm the stack up, which is as new, and make the trial with one generator."""
        options = self.options
        plan = TrialPlan(
            one.arm,
            one.repeat,
            self._load(
                stack,
                one.name,
                users=options.users(one.count),
                rate_per_s=options.rate_each_per_s / options.users_each,
                warmup_s=options.warmup_s,
                duration_s=options.duration_s,
            ),
        )
        with self._load_process(stack, one.name) as load, self._runner(stack, load) as runner:
            self._warm_up(stack, one, runner, watcher)
            watcher.trial_starts(plan, one.number, one.total)
            return runner.run(plan, partial(watcher.trial_goes_on, plan))

    def _by_locust(self, stack: Stack, one: _Step, watcher: Watcher) -> Trial:
        plan = TrialPlan(one.arm, one.repeat, self._load(stack, one.name, users=self.options.users(one.count)))
        watcher.trial_starts(plan, one.number, one.total)
        locust = LocustWorkers(self.options, stack, self.directory, self.targets_file)
        return msgspec.structs.replace(locust.run(one.name, one.count), arm=one.arm, block=one.repeat)

    def _warm_up(self, stack: Stack, one: _Step, runner: TrialRunner, watcher: Watcher) -> None:
        load = self._load(stack, f"{one.name}-warm-up", users=_WARM_UP_CLIENTS, count=self.options.warm_up_records)
        plan = TrialPlan(one.arm, -1, load)
        watcher.trial_starts(plan, one.number, one.total)
        runner.run(plan, partial(watcher.trial_goes_on, plan))

    def _load_process(self, stack: Stack, name: str) -> LoadProcess:
        return LoadProcess(stack.state.api_url, self.directory / "logs" / f"{name}-load.log")

    def _runner(self, stack: Stack, load: LoadProcess) -> TrialRunner:
        return TrialRunner(
            stack, load, TimeLimits.of(self.targets), drain_timeout_s=self.options.drain_timeout_s, keep_rows=False
        )

    def _load(self, stack: Stack, name: str, **rest: Any) -> TrialLoad:
        return TrialLoad(
            name=name,
            path=self.options.path,
            entity=self.options.entity,
            seed=self.options.seed,
            directory=str(self.directory / "raw"),
            partitions=stack.state.partitions,
            **rest,
        )


def assignments_so_far(state: StackState) -> int | None:
    """Return how often the sinks have told in their logs that partitions came or went; None without sinks of ours."""
    logs = [Path(service.log) for service in state.services.values() if service.kind == "sink" and service.log]
    if not logs:
        return None
    return sum(
        "; now " in line and " partitions" in line
        for log in logs
        if log.exists()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    )
