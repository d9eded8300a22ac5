"""`stream analytics`: live figures by windows, by a consumer of the log and by queries on the table.

A trial for each, and one without any, on fresh state under the same feed; what is published is held against the table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seawall.audit.feed_ledger import FeedLedger
from seawall.audit.ledger import NEVER
from seawall.audit.statements import cost_of
from seawall.audit.visibility import Journals
from seawall.audit.windows import read_asked
from seawall.experiments.analytics_figures import MARK, Watched, analytics_finding
from seawall.experiments.analytics_judgement import outcome_of, reasons_of, targets_of
from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.feed_trial import FeedRunner
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_analytics_options import ARMS, AnalyticsOptions
from seawall.load.order_feed.plan import FeedPlan
from seawall.load.trial import Progress
from seawall.result import Arm, Result, Trial
from seawall.result.live_analytics import ALONE, ANALYTICS, LOG, QUERIES, AnalyticsFinding
from seawall.stack.orders_table import placed_index
from seawall.stack.stack import Stack
from seawall.stack.workers import WorkerProcess

_WARM_UP_RECORDS = 2_000


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Begin a trial; number 0 is what only warms up."""
        ...

    def trial_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def finding(self, number: int, total: int, finding: AnalyticsFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class AnalyticsRun:
    """Each way to live figures, one after the other, on one stack."""

    options: AnalyticsOptions
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin(ANALYTICS, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        arms = [arm_of(ArmPlan(name=name, path="kafka"), settings) for name in ARMS]
        trials: list[Trial] = []
        findings: list[AnalyticsFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(findings, whole=len(findings) == len(arms)),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                trials=list(trials),
                targets=list(targets_of(findings)),
                verdicts={finding.arm: finding.outcome for finding in findings},
                live_analytics=list(findings),
            )

        def work() -> None:
            timeout_s = self.options.drain_timeout_s
            with FeedRunner(self.stack, self.directory, drain_timeout_s=timeout_s) as runner:
                watcher.trial_starts(0, len(arms), "warm-up")
                runner.begin()
                warm_up = FeedPlan(name="warm-up", directory=self._raw, seed=1, count=_WARM_UP_RECORDS)
                runner.run(warm_up, ALONE, 0, {}, lambda _: True, watcher.trial_goes_on)
                for number, arm in enumerate(arms, start=1):
                    watcher.trial_starts(number, len(arms), arm.name)
                    trial, finding = self._trial(runner, arm, number, watcher)
                    trials.append(trial)
                    findings.append(finding)
                    write(result())
                    watcher.finding(number, len(arms), finding)

        return run_to_an_end(work, result, write, anything=lambda: True)

    @property
    def _raw(self) -> str:
        return str(self.directory / "raw")

    def _trial(self, runner: FeedRunner, arm: Arm, number: int, watcher: Watcher) -> tuple[Trial, AnalyticsFinding]:
        name = f"{number:02d}-{arm.name.replace(' ', '-')}"
        connections = self.stack.connections
        place = self.directory / "raw" / name
        runner.begin()
        with contextlib.ExitStack() as beside:
            if arm.name == QUERIES:
                beside.enter_context(placed_index(connections))
            workers = self._workers(arm.name, name, place)
            for worker in workers.values():
                beside.enter_context(worker)
            before = cost_of(connections, MARK)
            plan = self.options.feed(name, self._raw)
            ran = runner.run(plan, arm.name, number, workers, self._over(arm.name, place), watcher.trial_goes_on)
            after = cost_of(connections, MARK)
            for worker in workers.values():
                worker.stop()  # which publishes what is new
            cost = None if before is None or after is None else after.since(before)
            watched = Watched(place / "groups", name, cost, self.options)
            return ran.trial, analytics_finding(arm.name, ran, watched, self.stack.connections)

    def _workers(self, arm: str, name: str, place: Path) -> dict[str, WorkerProcess]:
        options, directory = self.options, place / "groups"
        seconds = {"WINDOW_S": options.window_s, "LATENESS_S": options.lateness_s, "REFRESH_MS": options.refresh_ms}
        of_each: dict[str, tuple[str, str, Mapping[str, str]]] = {
            LOG: ("workers.groups", "GROUP", {"SEAWALL_GROUP_KIND": "analytics"}),
            QUERIES: ("workers.analytics.by_sql", "QUERIES", {}),
        }
        if arm not in of_each:
            return {}
        module, prefix, more = of_each[arm]
        variables = {f"SEAWALL_{prefix}_{key}": str(value) for key, value in seconds.items()}
        variables |= {f"SEAWALL_{prefix}_NAME": name, f"SEAWALL_{prefix}_DIRECTORY": str(directory.absolute())}
        worker = WorkerProcess(name, module, self.stack, directory.absolute(), {**variables, **more})
        return {"analytics": worker}

    def _over(self, arm: str, place: Path) -> Callable[[FeedLedger], bool]:
        """Return what tells that all records have had their chance to be in a published result."""
        directory = place / "groups"
        if arm == LOG:
            journals = Journals(directory)
            return lambda ledger: bool((journals.visible_ns(ledger.in_log()) != NEVER).all())
        if arm == QUERIES:
            name = place.name
            begun: list[int] = []

            def asked_since(_: FeedLedger) -> bool:
                asked = read_asked(directory / f"{name}.asked.jsonl")
                begun.append(len(asked))
                return len(asked) >= begun[0] + 2

            return asked_since
        return lambda _: True
