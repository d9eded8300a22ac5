"""`stream cache`: what a fleet's cache saves the database, how much quicker it is, and how old its answers get.

For each number of rows the same orders are made without the cache and with it, all through Kafka and audited: the
producer picks users by their propensity to buy, from the cache that a loader refreshes, or from the database.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from contract.fleet import ENTRIES, HALVES, Batch, Loaded
from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.errors import LoadFailed
from seawall.experiments.fleet_audit import FleetAudit
from seawall.experiments.fleet_figures import FleetTrial, fleet_figures
from seawall.experiments.fleet_judgement import claims_of, judged, outcome_of, reasons_of
from seawall.experiments.fleet_load import FleetLoad
from seawall.experiments.fleet_monitor import FleetMonitor
from seawall.experiments.fleet_outage import Away, away_beside
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_cache_options import CacheOptions, FleetArm
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, Outcome, Result, Trial
from seawall.result.cache_fleet import CACHE, COLD, FROM_CACHE, WARM, FleetFinding, FleetFindings
from seawall.stack.children import last_lines
from seawall.stack.grades import wrong_grades
from seawall.stack.more_rows import add_orders, add_products, add_users
from seawall.stack.price_changes import PriceChanges
from seawall.stack.stack import Stack
from seawall.stack.statements import statements_of_readers
from seawall.stack.worker import Worker
from seawall.targets.target import Targets

MOST_BUYERS = 50_000
"""Of the users who have ordered before the first trial: half of all, as far as these go."""
_BASE_USERS, _BASE_PRODUCTS = 1_000, 200
_FILLED_WITHIN_S = 60.0
_POLL_S = 0.05


class Watcher(Protocol):
    """Sees how a run goes on."""

    def rows_grow(self, rows: int, table: str, done: int, total: int) -> None:
        """Rows are written before the first trial of this size."""
        ...

    def trial_starts(self, number: int, total: int, rows: int, arm: str) -> None:
        """Begin a trial."""
        ...

    def trial_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def trial_ended(self, number: int, total: int, finding: FleetFinding) -> None:
        """What became of it."""
        ...


@dataclass
class _Beside:
    """What runs beside one trial, and what it saw."""

    monitor: FleetMonitor
    prices: PriceChanges
    loader: Worker | None = None


@dataclass(frozen=True)
class CacheRun:
    """All trials, one after the other, on one stack."""

    options: CacheOptions
    targets: Targets
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted. Raises
        `LoadFailed` where a worker does not do its work.
        """
        facts = RunFacts.begin(CACHE, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        arms = [arm_of(ArmPlan(name=arm.name, path="kafka"), settings) for arm in self.options.planned]
        trials: list[Trial] = []
        findings: list[FleetFinding] = []
        graded: list[str] = []
        total = len(arms) * len(self.options.rows)

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            outcome = outcome_of(findings, whole=len(findings) == total)
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=Outcome.FAIL if graded else outcome,
                interrupted=interrupted,
                reasons=[*reasons, *graded, *reasons_of(findings)],
                arms=arms,
                trials=list(trials),
                verdicts=_verdicts(arms, findings),
                fleet=FleetFindings(
                    trials=list(findings), claims=list(claims_of(findings, self.options.refresh_every_s))
                ),
            )

        def work() -> None:
            load, limits = FleetLoad(self.stack, self.directory), Limits.of(self.targets)
            with TrialRunner(
                self.stack,
                load,
                Limits(limits.response_ms, limits.visible_ms, steady=False),
                drain_timeout_s=self.options.drain_timeout_s,
                keep_rows=True,
                audit=FleetAudit(self.stack, load),
            ) as runner:
                for rows in self.options.rows:
                    self._fill(rows, watcher)
                    with self._grading(rows) as updater:
                        for arm in self.options.planned:
                            number = len(findings) + 1
                            watcher.trial_starts(number, total, rows, arm.name)
                            trial, finding = self._trial(rows, arm, number, load, runner, updater, watcher)
                            trials.append(trial)
                            findings.append(finding)
                            write(result())
                            watcher.trial_ended(number, total, finding)
                    graded.extend(self._grades_amiss(rows))

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _fill(self, rows: int, watcher: Watcher) -> None:
        """Bring the tables to so many users, to products that fill the cache, and to users of whom half have bought."""
        self.stack.fresh()
        connections, buyers = self.stack.connections, min(rows // 2, MOST_BUYERS)
        users, products = rows - _BASE_USERS, ENTRIES - _BASE_PRODUCTS
        add_users(connections, users, lambda done: watcher.rows_grow(rows, "users", done, users))
        add_products(connections, products, lambda done: watcher.rows_grow(rows, "products", done, products))
        add_orders(connections, buyers, lambda done: watcher.rows_grow(rows, "orders", done, done))

    @contextlib.contextmanager
    def _grading(self, rows: int) -> Iterator[Worker]:
        """Have grades updated until the block ends, which begins after the first batch."""
        variables = {"SEAWALL_FLEET_GRADES_S": repr(self.options.grades_every_s)}
        with self._worker("grade_updater", f"grades-{rows}", variables) as updater:
            _await(updater, lambda: bool(updater.lines()), within_s=_FILLED_WITHIN_S + rows / 10_000)
            first = msgspec.json.decode(updater.lines()[0], type=Batch)
            if first.failed:
                raise LoadFailed(f"no grades: {first.failed}")
            yield updater

    def _grades_amiss(self, rows: int) -> list[str]:
        """Run one batch more, and hold its grades against the orders; return what is wrong."""
        with self._worker("grade_updater", f"grades-{rows}-last", {}, "--once") as updater:
            _await(updater, lambda: updater.exit_code is not None, within_s=_FILLED_WITHIN_S + rows / 10_000)
        wrong = wrong_grades(self.stack.connections)
        return [f"{rows:,} rows: {wrong:,} users have another grade than their orders make"] if wrong else []

    def _trial(
        self,
        rows: int,
        arm: FleetArm,
        number: int,
        load: FleetLoad,
        runner: TrialRunner,
        updater: Worker,
        watcher: Watcher,
    ) -> tuple[Trial, FleetFinding]:
        name = f"{rows}-{arm.name}"
        self.stack.forget_cached()
        options = self.options
        load.prepare({"SEAWALL_PRODUCER_SOURCE": arm.source})
        plan = TrialPlan(arm.name, number, self._load(name))
        connections = self.stack.connections
        beside = _Beside(FleetMonitor(connections.redis_url), PriceChanges(connections))
        away = None
        if arm.away:
            away = Away.beside(self.stack, arm.away, warmup_s=options.warmup_s, duration_s=options.duration_s)
        with contextlib.ExitStack() as before:
            if arm.begun == WARM:
                beside.loader = before.enter_context(self._loader(name))
                _await(beside.loader, lambda: _filled(beside.loader), within_s=_FILLED_WITHIN_S)
            if arm.source == FROM_CACHE and arm.begun != WARM:
                load.on_begin = lambda _: setattr(beside, "loader", before.enter_context(self._loader(name)))
            else:
                load.on_begin = lambda _: None
            reads = statements_of_readers(self.stack.connections)
            goes_on = before.enter_context(away_beside(away, watcher.trial_goes_on))
            trial = runner.run(plan, goes_on, beside=_together(beside.monitor, beside.prices))
            trial = _with_rows(trial, {"users": rows, "products": ENTRIES})
            read = statements_of_readers(self.stack.connections)
        found = FleetTrial(
            trial=trial,
            source=arm.source,
            cold=arm.begun == COLD,
            journal=load.noted,
            loads=_loads(beside.loader),
            batches=[msgspec.json.decode(line, type=Batch) for line in updater.lines()],
            readings=beside.monitor.readings,
            stale_of=beside.prices.stale_s,
            changes=beside.prices.count,
            wall_ahead_s=time.time() - time.monotonic(),
            reads=None if reads is None or read is None else (read[0] - reads[0], read[1] - reads[1]),
        )
        draft = FleetFinding(
            arm=arm.name, trial=name, rows=rows, source=arm.source, begun=arm.begun, outcome=trial.outcome,
            away=arm.away, outage=away.outage(load.noted.orders, found.start_ns) if away else None,
            **fleet_figures(found),
        )  # fmt: skip
        outcome, reasons = judged(draft, trial, options.refresh_every_s)
        if beside.prices.failed and outcome is not Outcome.FAIL:
            outcome, reasons = Outcome.INVALID, [*reasons, f"prices could not be changed: {beside.prices.failed}"]
        return trial, msgspec.structs.replace(draft, outcome=outcome, reasons=reasons)

    def _load(self, name: str) -> TrialLoad:
        options = self.options
        return TrialLoad(
            name=name,
            path="kafka",
            entity="orders",
            users=options.buyers,
            rate_per_s=options.rate_per_s / options.buyers,
            warmup_s=options.warmup_s,
            duration_s=options.duration_s,
            seed=options.seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
        )

    def _loader(self, name: str) -> Worker:
        return self._worker(
            "cache_loader", f"{name}-loads", {"SEAWALL_FLEET_REFRESH_S": repr(self.options.refresh_every_s)}
        )

    def _worker(self, module: str, output: str, variables: dict[str, str], *arguments: str) -> Worker:
        return Worker(
            f"workers.{module}",
            self.stack,
            variables,
            *arguments,
            output=self.directory / "raw" / f"{output}.jsonl",
            log=self.directory / "logs" / f"{module.replace('_', '-')}.log",
        )


def _with_rows(trial: Trial, there: Mapping[str, int]) -> Trial:
    """Return *trial* with how many rows of each kind could be asked for: more than a fresh state holds."""
    if trial.lookups is None:
        return trial
    kinds = {
        name: msgspec.structs.replace(kind, there=there.get(name, kind.there))
        for name, kind in trial.lookups.kinds.items()
    }
    return msgspec.structs.replace(trial, lookups=msgspec.structs.replace(trial.lookups, kinds=kinds))


@contextlib.contextmanager
def _together(monitor: FleetMonitor, prices: PriceChanges) -> Iterator[None]:
    with monitor, prices:
        yield


def _await(worker: Worker, is_so: Callable[[], bool], *, within_s: float) -> None:
    """Wait until something is so; raises `LoadFailed` where the worker ends before, or the time is up."""
    deadline_s = time.monotonic() + within_s
    while not is_so():
        if worker.exit_code is not None:
            raise LoadFailed(f"{worker.module} ended with code {worker.exit_code}: {last_lines(worker.log, 1)}")
        if time.monotonic() > deadline_s:
            raise LoadFailed(f"{worker.module} has not done its work within {within_s:.0f} s; see {worker.log}")
        time.sleep(_POLL_S)


def _loads(loader: Worker | None) -> list[Loaded]:
    return [] if loader is None else [msgspec.json.decode(line, type=Loaded) for line in loader.lines()]


def _filled(loader: Worker | None) -> bool:
    return {load.half for load in _loads(loader) if not load.failed} == set(HALVES)


def _verdicts(arms: list[Arm], findings: list[FleetFinding]) -> dict[str, Outcome]:
    """Return the outcome of each arm over all sizes that were run."""
    found = {arm.name: [one for one in findings if one.arm == arm.name] for arm in arms}
    return {name: outcome_of(some, whole=True) for name, some in found.items() if some}
