"""`stream fanout`: the same records for one reader and for many, from the log and copied through the database.

Each trial begins on fresh state, with all groups reading already; then orders are written to the log as fast as it
takes them, and each group is waited for and what it made is held against the table.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from seawall.audit.rows import row_reader
from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.fanout_figures import fanout_finding
from seawall.experiments.fanout_groups import Readers
from seawall.experiments.fanout_judgement import outcome_of, reasons_of, targets_of
from seawall.experiments.feed_trial import FeedRunner, FeedTrial
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_fanout_options import FanoutOptions, TrialPlan
from seawall.load.order_feed.plan import FeedPlan
from seawall.load.order_feed.records import ORDERS
from seawall.load.trial import Progress
from seawall.result import Outcome, Result, Trial
from seawall.result.fanout import DATABASE, FANOUT, FanoutFinding, RebuildFinding
from seawall.stack.orders_table import copies_of_orders, lose_orders, rows_in
from seawall.stack.stack import Stack
from seawall.stack.workers import WorkerProcess
from seawall.targets.verdict import verdict

_WARM_UP_RECORDS = 2_000
_LOOK_S = 0.1


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Begin a trial; number 0 is what only warms up."""
        ...

    def trial_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def finding(self, number: int, total: int, finding: FanoutFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class FanoutRun:
    """Each number of groups each way, one after the other, on one stack."""

    options: FanoutOptions
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin(FANOUT, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        arms = [arm_of(ArmPlan(name=name, path="kafka"), settings) for name in self.options.ways]
        plans = self.options.trials()
        trials: list[Trial] = []
        findings: list[FanoutFinding] = []
        rebuilt: list[RebuildFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            whole = len(findings) == len(plans) and len(rebuilt) == self.options.rebuild
            of_arms = {arm.name: [one.outcome for one in findings if one.arm == arm.name] for arm in arms}
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(findings, rebuilt, whole=whole),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                trials=list(trials),
                targets=list(targets_of(findings, rebuilt)),
                verdicts={name: verdict(outcomes) for name, outcomes in of_arms.items() if outcomes},
                fanout=list(findings),
                rebuilt=list(rebuilt),
            )

        def work() -> None:
            timeout_s = self.options.drain_timeout_s
            with FeedRunner(self.stack, self.directory, drain_timeout_s=timeout_s) as runner:
                watcher.trial_starts(0, len(plans), "warm-up")
                runner.begin()
                warm_up = FeedPlan(name="warm-up", directory=self._raw, seed=1, count=_WARM_UP_RECORDS)
                runner.run(warm_up, self.options.ways[0], 0, {}, lambda _: True, watcher.trial_goes_on)
                for number, plan in enumerate(plans, start=1):
                    watcher.trial_starts(number, len(plans), plan.name)
                    ran, finding = self._trial(runner, plan, number, findings, watcher)
                    trials.append(ran.trial)
                    findings.append(finding)
                    write(result())
                    watcher.finding(number, len(plans), finding)
                if self.options.rebuild:
                    # of the last trial, whose rows and log are still there
                    rebuilt.append(self._rebuild(ran))

        return run_to_an_end(work, result, write, anything=lambda: True)

    @property
    def _raw(self) -> str:
        return str(self.directory / "raw")

    def _trial(
        self, runner: FeedRunner, plan: TrialPlan, number: int, before: list[FanoutFinding], watcher: Watcher
    ) -> tuple[FeedTrial, FanoutFinding]:
        name = f"{number:02d}-{plan.name}"
        connections = self.stack.connections
        runner.begin()
        readers = Readers(plan, number, self.stack, self.options, Path(self._raw) / name)
        with contextlib.ExitStack() as beside:
            if plan.arm == DATABASE:
                beside.enter_context(copies_of_orders(connections, readers.queues))
            beside.callback(readers.stop)
            readers.start()
            ran = runner.run(
                self.options.feed(name, self._raw),
                plan.arm,
                number,
                readers.workers,
                lambda ledger: readers.are_done(int(ledger.acked.sum())),
                watcher.trial_goes_on,
            )
            readers.stop()
            checked = readers.check(connections)
        return ran, fanout_finding(plan, ran, readers, checked, before)

    def _rebuild(self, ran: FeedTrial) -> RebuildFinding:
        """Lose the table, build it again by a group that has read nothing yet, and compare."""
        connections, run = self.stack.connections, ran.ledger.run
        reader = row_reader(connections)
        try:
            before = reader.rows(ORDERS, run)
            lose_orders(connections)
            place = (self.directory / "raw" / "rebuild").absolute()
            name = f"rebuild-{run.ms}"
            variables = {
                "SEAWALL_SINK_GROUP": name,
                "SEAWALL_SINK_NAME": name,
                "SEAWALL_SINK_JOURNAL": "false",
                "SEAWALL_JOURNAL_DIR": str(place),
            }
            started_s = time.monotonic()
            with WorkerProcess(name, "workers.sink", self.stack, place, variables, says_ready=False):
                deadline_s = started_s + self.options.drain_timeout_s
                while (built := rows_in(connections, "orders")) < len(before.low) and time.monotonic() < deadline_s:
                    time.sleep(_LOOK_S)
                took_s = time.monotonic() - started_s
            after = reader.rows(ORDERS, run)
        finally:
            reader.close()
        old = dict(zip(before.low.tolist(), before.digest.tolist(), strict=True))
        new = dict(zip(after.low.tolist(), after.digest.tolist(), strict=True))
        differing = sum(old.get(low) != new.get(low) for low in old.keys() | new.keys())
        differing += len(after.low) - len(np.unique(after.low))
        same = built == len(before.low) and not differing
        return RebuildFinding(
            rows=len(before.low),
            built=built,
            differing=differing,
            took_s=round(took_s, 3) if same else None,
            outcome=Outcome.PASS if same else Outcome.FAIL,
        )
