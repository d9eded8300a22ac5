"""`fault`: what goes wrong while a load runs, and whether anything is lost, doubled, or does not come back.

Each fault is a trial of its own on fresh state, audited like any other.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seawall.audit.errors import AuditFailed
from seawall.audit.fates import read_visible_ns
from seawall.audit.ledger import read_ledger
from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.draining import AWAIT_POLL_S, await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import BadOptions, LoadFailed, NotHealed
from seawall.experiments.fault_figures import FaultFigures, fault_figures, moments
from seawall.experiments.fault_injection import Injection
from seawall.experiments.fault_judgement import judged, outcome_of, reasons_of, tells_recovery
from seawall.experiments.fault_lookups import LookupProbe
from seawall.experiments.fault_memory import FaultMemory
from seawall.experiments.fault_options import FaultOptions, FaultPlan, still_told
from seawall.experiments.fault_warming import warm_lookups
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.readings import Readings
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, FaultFinding, Outcome, Result, Trial
from seawall.stack.errors import Unreachable
from seawall.stack.faults.catalogue import CATALOGUE
from seawall.stack.faults.fault import Fault, Field
from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack
from seawall.stack.state import StackState

RESPONSE_MS, VISIBLE_MS = 200.0, 1_000.0
"""Beyond these a request counts as late; the targets of the set `always`."""
WHOLE_WITHIN_S = 60.0
_WARM_UP_RECORDS, _WARM_UP_CLIENTS = 4_000, 50
_MOST_REHEARSALS = 5


class Watcher(Protocol):
    """Sees how a run goes on."""

    def fault_starts(self, number: int, total: int, plan: FaultPlan | None) -> None:
        """Begin a trial; None for one that only warms up."""
        ...

    def fault_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def fault_ended(self, number: int, total: int, finding: FaultFinding) -> None:
        """What became of it."""
        ...


def obstacles(state: StackState, named: Collection[str]) -> dict[str, str]:
    """Return for every fault what keeps it from being made on a stack; empty words where nothing does.

    Those of a kind of database that the stack has not are among them only where they were *named*.
    """
    kinds = {"", *(service.kind for service in state.services.values())}
    return {
        name: fault.obstacle(state) for name, fault in CATALOGUE.items() if fault.database in kinds or name in named
    }


@dataclass(frozen=True)
class FaultRun:
    """A run of faults on one stack, one after the other."""

    options: FaultOptions
    stack: Stack
    directory: Path
    plans: list[FaultPlan]
    left_out: Mapping[str, str]
    """Faults that cannot be made here, and why."""
    earlier: Result | None = None
    """What was made of these plans before the run was interrupted; it goes on behind that."""

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Make all faults; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin("fault", self.options.seed, self.options.as_json(), self.earlier)
        (plan,) = as_they_are([self.options.path])
        arm = arm_of(plan, self.stack.settings())
        earlier = self.earlier
        told = dict(still_told(earlier)) if earlier else {}
        trials = {trial.block: trial for trial in earlier.trials if trial.block in told} if earlier else {}
        if earlier is not None and [one.durability for one in earlier.arms] != [arm.durability]:
            raise BadOptions([f"--resume: the servers promise {arm.durability!r}, and the run began on others"])
        memory = FaultMemory(Readings(self.directory))
        notes: list[str] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            findings = [told[number] for number in sorted(told)]
            slopes = memory.slopes(len(self.plans) * self.options.trial_s) or (earlier.slopes if earlier else [])
            outcome = outcome_of(findings, whole=len(told) == len(self.plans), memory=slopes)
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome,
                interrupted=interrupted,
                reasons=[
                    *reasons,
                    *notes,
                    *reasons_of(findings, self.left_out, arm, in_memory=self._in_memory, memory=slopes),
                ],
                arms=[arm],
                trials=[trials[number] for number in sorted(trials)],
                verdicts={arm.name: outcome},
                faults=findings,
                slopes=slopes,
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
                self._fleets() as fleets,
            ):
                watcher.fault_starts(0, len(self.plans), None)
                notes.extend(self._warm(arm, runner, watcher))
                for number, one in enumerate(self.plans, start=1):
                    if number in told:
                        continue
                    watcher.fault_starts(number, len(self.plans), one)
                    finding, trial = self._make(arm, number, one, runner, watcher, fleets)
                    told[number] = finding
                    if trial is not None:
                        trials[number] = trial
                        memory.keep(trial, f"{trial.name}.parquet")
                    write(result())
                    watcher.fault_ended(number, len(self.plans), finding)
                    if trial is not None and trial.audit.pending:
                        await_sinks(self.stack, self.options.drain_timeout_s)

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _make(
        self,
        arm: Arm,
        number: int,
        plan: FaultPlan,
        runner: TrialRunner,
        watcher: Watcher,
        fleets: Mapping[str, Fleet],
    ) -> tuple[FaultFinding, Trial | None]:
        """Make one fault, and return what it did; raises `NotHealed` where it cannot be made on a whole stack."""
        self._await_whole(fleets)
        fault = CATALOGUE[plan.fault]
        # the choice among processes has to be the same for the same seed, whatever was drawn for the moment
        disturbance = fault.make(Field(self.stack, random.Random(f"{plan.seed} {plan.fault}"), fleets))
        lookups = LookupProbe(self.stack.state.api_url, self.stack.api_headers)
        injection = Injection(disturbance, after_s=self.options.before_judged_s + plan.before_s, hold_s=plan.hold_s)

        def progress(so_far: Progress) -> None:
            injection.load_goes_on(so_far)
            watcher.fault_goes_on(so_far)

        @contextmanager
        def beside() -> Iterator[None]:
            names = fleets["api"].wanted if "api" in fleets else ()
            warm_lookups(self.stack, self.options.api_processes, names)
            with lookups, injection:
                yield

        load = self._load(arm, f"{number:03d}-{plan.fault}", plan.seed)
        try:
            trial = runner.run(self._anew(TrialPlan(arm.name, number, load)), progress, beside=beside())
            bit = "" if injection.made_ns is None else disturbance.bite()
        except Unreachable as error:
            return self._without_trial(arm, fault, plan, load.name, f"the service did not come back: {error}"), None
        except (AuditFailed, LoadFailed) as error:
            why = f"nothing can be said of it: {error}"
            return self._without_trial(arm, fault, plan, load.name, why, Outcome.INVALID), None
        return self._finding(arm, fault, plan, injection, bit, trial, lookups), trial

    @contextmanager
    def _fleets(self) -> Iterator[Mapping[str, Fleet]]:
        """Take away those processes that are there to take over, until the block ends."""
        if not self.stack.state.options.balancer:
            yield {}
            return
        wanted = {"api": self.options.api_processes, "sink": self.options.sinks}
        with ExitStack() as held:
            fleets = {kind: held.enter_context(Fleet(self.stack, kind)) for kind in wanted}
            for kind, fleet in fleets.items():
                if fleet.names:  # no sinks without Kafka
                    fleet.scale_to(wanted[kind])
            for fleet in fleets.values():
                fleet.await_settled(WHOLE_WITHIN_S)
            yield fleets

    def _await_whole(self, fleets: Mapping[str, Fleet]) -> None:
        """Wait until every service is there and can work; raises `NotHealed` when that takes too long."""
        deadline_s = time.monotonic() + WHOLE_WITHIN_S
        away = [name for fleet in fleets.values() for name in fleet.names if name not in fleet.wanted]
        while True:
            try:
                missing = self.stack.missing(away)
            except Unreachable as error:
                missing = str(error)
            if not missing:
                return
            if time.monotonic() > deadline_s:
                raise NotHealed(f"{WHOLE_WITHIN_S:g} s after the last fault the service was not whole: {missing}")
            time.sleep(AWAIT_POLL_S)

    def _without_trial(
        self, arm: Arm, fault: Fault, plan: FaultPlan, trial: str, why: str, outcome: Outcome = Outcome.FAIL
    ) -> FaultFinding:
        return FaultFinding(
            name=fault.name, does=fault.does, arm=arm.name, trial=trial, seed=plan.seed, outcome=outcome, reasons=[why],
        )  # fmt: skip

    def _finding(
        self,
        arm: Arm,
        fault: Fault,
        plan: FaultPlan,
        injection: Injection,
        bit: str,
        trial: Trial,
        lookups: LookupProbe,
    ) -> FaultFinding:
        start_ns = trial.schedule_start_ns or 0
        end_ns = start_ns + int((trial.warmup_s + (trial.duration_s or 0.0)) * 1e9)
        figures: FaultFigures | None = None
        course = []
        ledger_path = self.directory / "raw" / f"{trial.name}.parquet"
        visible_ns = read_visible_ns(ledger_path)
        if injection.begun_ns is not None and injection.ended_ns is not None and visible_ns is not None:
            ledger = read_ledger(ledger_path)
            figures = fault_figures(
                ledger,
                visible_ns,
                begin_ns=injection.begun_ns,
                end_ns=injection.ended_ns,
                last_due_ns=end_ns,
                settled_ns=start_ns + int(trial.warmup_s * 1e9),
                limits_ms=(RESPONSE_MS, VISIBLE_MS),
            )
            course = moments(ledger, visible_ns, start_ns=start_ns, end_ns=end_ns)
        error = str(injection.error or "")
        if fault.under_load and injection.ended_ns is not None and injection.ended_ns > end_ns:
            error = error or "the load ended before it did: --duration makes it longer"
        outcome, reasons = judged(fault, arm.path, bit, error, figures, trial, lookups_failed=lookups.failed)
        return FaultFinding(
            name=fault.name,
            does=fault.does,
            arm=arm.name,
            trial=trial.name,
            seed=plan.seed,
            begin_s=None if injection.begun_ns is None else round((injection.begun_ns - start_ns) / 1e9, 3),
            end_s=None if injection.ended_ns is None else round((injection.ended_ns - start_ns) / 1e9, 3),
            bit=bit,
            detect_s=figures.detect_s if figures else None,
            recover_s=figures.recover_s if figures else None,
            recovery_asked=figures is not None and tells_recovery(fault, figures),
            failed=figures.failed if figures else trial.failed,
            refused=figures.refused if figures else 0,
            refused_p50_ms=figures.refused_p50_ms if figures else None,
            refused_p99_ms=figures.refused_p99_ms if figures else None,
            unknown=trial.audit.unknown,
            absorbed=trial.audit.absorbed_duplicates,
            lost=trial.audit.lost,
            doubled=trial.audit.duplicates,
            lookups=lookups.asked,
            lookups_failed=lookups.failed,
            lookup_longest_ms=round(lookups.longest_s * 1e3, 3) if lookups.longest_s else None,
            outcome=outcome,
            reasons=reasons,
            moments=course if outcome is not Outcome.PASS or not self.chaotic else [],
        )

    @property
    def _in_memory(self) -> bool:
        return bool(self.stack.state.mounts)

    @property
    def chaotic(self) -> bool:
        """Whether chance chooses the faults."""
        return bool(self.options.chaos)

    def _warm(self, arm: Arm, runner: TrialRunner, watcher: Watcher) -> list[str]:
        """Have the servers compile what they need: several brokers until a trial without a fault is answered in time.

        Three virtual machines that compile on few cores would make the first trials INVALID, also where a run goes on.
        Returns what a reader should know of it; raises `NotHealed` where anything is wrong without a fault.
        """
        runner.run(self._anew(self._warm_up(arm)), watcher.fault_goes_on)
        rehearsals = _MOST_REHEARSALS if self.options.brokers > 1 else 0
        for _ in range(rehearsals):
            load = self._load(arm, "rehearsal", self.options.seed)
            try:
                trial = runner.run(self._anew(TrialPlan(arm.name, -1, load)), watcher.fault_goes_on)
            except (AuditFailed, LoadFailed, Unreachable):
                continue
            if trial.audit.violations:
                wrong = ", ".join(f"{count} {name}" for name, count in trial.audit.violations.items())
                raise NotHealed(f"there was no fault yet, and the audit found {wrong}")
            if trial.audit.pending:
                await_sinks(self.stack, self.options.drain_timeout_s)
            p95_ms = trial.response_ms.p95
            if p95_ms is not None and p95_ms <= RESPONSE_MS and not trial.invalid_because:
                return []
        return [f"after {rehearsals} trials without a fault answers still came late"] if rehearsals else []

    def _warm_up(self, arm: Arm) -> TrialPlan:
        load = self._trial(
            arm, "warm-up", self.options.seed, users=_WARM_UP_CLIENTS, count=_WARM_UP_RECORDS * self.options.brokers
        )
        return TrialPlan(arm.name, -1, load)

    def _anew(self, plan: TrialPlan) -> TrialPlan:
        """Return *plan*; what an earlier sitting left of it, a warm-up or a trial without an audit, is removed."""
        shutil.rmtree(self.directory / "raw" / f"{plan.load.name}.parquet", ignore_errors=True)
        return plan

    def _load(self, arm: Arm, name: str, seed: int) -> TrialLoad:
        options = self.options
        return self._trial(
            arm,
            name,
            seed,
            users=options.users,
            rate_per_s=options.rate_per_s / options.users,
            warmup_s=options.before_judged_s,
            duration_s=options.trial_s,
        )

    def _trial(self, arm: Arm, name: str, seed: int, **rest: Any) -> TrialLoad:
        return TrialLoad(
            name=f"{arm.name}-{name}",
            path=arm.path,
            entity=self.options.entity,
            seed=seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
            **rest,
        )
