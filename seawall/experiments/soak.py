"""`soak`: one path at a fixed load for a long time, on servers that are never restarted and tables that grow.

The time is cut into segments, each an audited trial whose rows stay. What was measured is written after each, so that
an end at any time costs one segment at most; and the next sitting goes on where the last one ended.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import BadOptions, DiskFull, LoadFailed, NotDrained
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.readings import Readings
from seawall.experiments.room import Room, is_full
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.slopes import slopes_of
from seawall.experiments.soak_options import SoakOptions
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits as TimeLimits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, JudgedTarget, Outcome, Result, SlopeFinding, SoakSegment, Trial
from seawall.stack.stack import Stack
from seawall.targets.target import Targets
from seawall.targets.verdict import verdict


class Watcher(Protocol):
    """Sees a soak's progress."""

    def segment_starts(self, number: int, total: int, plan: TrialPlan) -> None:
        """Begin a segment; *number* counts from 1."""
        ...

    def segment_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def segment_ended(self, number: int, total: int, trial: Trial) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class Soak:
    """A soak on one stack; *earlier* is what its last sitting left, where it goes on."""

    options: SoakOptions
    targets: Targets
    stack: Stack
    directory: Path
    earlier: Result | None = None

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run segment after segment; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` and a full disk end the soak and are not passed on: the result says so.
        """
        arm = self._arm()
        sitting = _Sitting.after(self.earlier)
        limits = TimeLimits.of(self.targets)
        readings = Readings(self.directory)
        facts = RunFacts.begin("soak", self.options.seed, asdict(self.options), self.earlier)

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            trials, segments = sitting.trials, sitting.segments
            slopes = slopes_of(segments, trials, readings.memory, limits, self.options.duration_s)
            warm = {segment.trial for segment in segments if segment.warm_up}
            targets = judge_arms(self.targets, [arm.name], [trial for trial in trials if trial.name not in warm])
            missing = self.options.segments - len(trials)
            said = [*reasons, *reasons_of(trials, slopes)]
            if missing > 0:
                said.append(f"{len(trials)} of {self.options.segments} segments; --resume runs the others")
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(trials, slopes, targets, whole=not missing and not interrupted),
                interrupted=interrupted,
                reasons=said,
                arms=[arm],
                trials=list(trials),
                targets=targets,
                verdicts=arm_verdicts(targets, trials),
                segments=list(segments),
                slopes=slopes,
            )

        def work() -> None:
            if self.earlier is None:
                self.stack.fresh()
            try:
                self._sit(arm, sitting, readings, limits, watcher, lambda: write(result()))
            except (OSError, LoadFailed) as error:
                if is_full(error):
                    raise DiskFull(f"the disk is full: {error}; make room and go on with --resume") from error
                raise

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _arm(self) -> Arm:
        """Return the arm; raises `BadOptions` where the servers promise something else than in the last sitting."""
        (plan,) = as_they_are([self.options.path])
        arm = arm_of(plan, self.stack.settings())
        if self.earlier is not None and arm.durability != self.earlier.arm(arm.name).durability:
            before = self.earlier.arm(arm.name).durability
            raise BadOptions([f"--resume: the servers promise {arm.durability!r}, and the soak began on {before!r}"])
        return arm

    def _sit(
        self,
        arm: Arm,
        sitting: _Sitting,
        readings: Readings,
        limits: TimeLimits,
        watcher: Watcher,
        write: Callable[[], None],
    ) -> None:
        total = self.options.segments
        with (
            Room(self.directory, Path(self.stack.state.data_dir)) as room,
            LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
            TrialRunner(
                self.stack, load, limits, drain_timeout_s=self.options.drain_timeout_s, keep_rows=True
            ) as runner,
        ):
            for number in range(len(sitting.trials) + 1, total + 1):
                plan = TrialPlan(arm.name, number, self._load(arm, number))
                raw = self.directory / "raw" / f"{plan.load.name}.parquet"
                shutil.rmtree(raw, ignore_errors=True)  # of a segment that an interruption left without an audit
                room.trial_starts()
                watcher.segment_starts(number, total, plan)
                trial = runner.run(plan, partial(watcher.segment_goes_on, plan))
                room.trial_ended()
                segment = sitting.segment(trial, warm_up_s=self.options.warm_up_s, segment_s=self.options.segment_s)
                readings.keep(segment, trial, raw / "resources.parquet")
                sitting.add(segment, trial)
                write()
                if not self.options.keep_raw and trial.outcome is not Outcome.FAIL:
                    _remove_raw(raw)
                watcher.segment_ended(number, total, trial)
                if trial.audit.pending and number < total:
                    raise NotDrained(
                        f"{trial.audit.pending:,} records of {trial.name} lie in the log: the sinks do not keep up"
                    )

    def _load(self, arm: Arm, number: int) -> TrialLoad:
        options = self.options
        return TrialLoad(
            name=f"{arm.name}-segment-{number:04d}",
            path=arm.path,
            entity=options.entity,
            seed=options.seed,
            users=options.users,
            rate_per_s=options.rate_per_s / options.users,
            warmup_s=options.settling_s,
            duration_s=options.segment_s - options.settling_s,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
        )


@dataclass
class _Sitting:
    """The segments so far, of which the last ones are of this call, on these servers."""

    number: int
    begun_s: float
    """Since the soak began, when this sitting did."""
    trials: list[Trial]
    segments: list[SoakSegment]
    _begun_ns: int = field(default_factory=time.monotonic_ns)

    @classmethod
    def after(cls, earlier: Result | None) -> _Sitting:
        """Return the sitting that follows *earlier*, or the first one."""
        if earlier is None:
            return cls(1, 0.0, [], [])
        last = max((segment.at_s for segment in earlier.segments), default=0.0)
        since_s = (datetime.now(UTC) - datetime.fromisoformat(earlier.started_at)).total_seconds()
        number = max((segment.sitting for segment in earlier.segments), default=0) + 1
        return cls(number, max(last, since_s), list(earlier.trials), list(earlier.segments))

    def segment(self, trial: Trial, *, warm_up_s: float, segment_s: float) -> SoakSegment:
        """Return where *trial*, the next one, stands; a sitting warms up for *warm_up_s* under load."""
        loaded_s = segment_s * sum(segment.sitting == self.number for segment in self.segments)
        at_s = self.begun_s + ((trial.schedule_start_ns or self._begun_ns) - self._begun_ns) / 1e9
        return SoakSegment(trial=trial.name, sitting=self.number, at_s=round(at_s, 3), warm_up=loaded_s < warm_up_s)

    def add(self, segment: SoakSegment, trial: Trial) -> None:
        """Note a segment that has ended."""
        self.segments.append(segment)
        self.trials.append(trial)


def reasons_of(trials: Sequence[Trial], slopes: Iterable[SlopeFinding]) -> list[str]:
    """Return what speaks against a soak, beyond its targets."""
    found = [
        f"{trial.name}: {name} died and came back {'once' if times == 1 else f'{times} times'}"
        for trial in trials
        for name, times in trial.restarts.items()
    ]
    found += [f"{trial.name}: {', '.join(trial.reasons)}" for trial in trials if trial.outcome is Outcome.FAIL]
    invalid = [trial for trial in trials if trial.outcome is Outcome.INVALID]
    if invalid:
        found.append(
            f"{len(invalid)} of {len(trials)} segments say nothing; {invalid[0].name}: {invalid[0].reasons[0]}"
        )
    return found + [
        f"{slope.metric.replace('_', ' ')} of {slope.service}: {slope.reason}"
        for slope in slopes
        if slope.outcome is Outcome.FAIL
    ]


def outcome_of(
    trials: Sequence[Trial], slopes: Iterable[SlopeFinding], targets: Iterable[JudgedTarget], *, whole: bool
) -> Outcome:
    """Return the soak's outcome.

    FAIL where a record is not where it should be, a server died, a figure rises or a target is missed; INVALID where
    the soak is not *whole* or most of its segments say nothing.
    """
    found = [row.outcome for row in targets] + [slope.outcome for slope in slopes if slope.outcome is not None]
    if Outcome.FAIL in found or any(trial.outcome is Outcome.FAIL or trial.restarts for trial in trials):
        return Outcome.FAIL
    if not whole or 2 * sum(trial.outcome is Outcome.INVALID for trial in trials) > len(trials):
        return Outcome.INVALID
    if any(trial.outcome is Outcome.INCONCLUSIVE for trial in trials):
        found.append(Outcome.INCONCLUSIVE)
    return verdict(found)


def _remove_raw(ledger: Path) -> None:
    """Remove a ledger and the CSV files of Locust beside it."""
    shutil.rmtree(ledger)
    for path in ledger.parent.glob(f"{ledger.stem}_*.csv"):
        path.unlink()
