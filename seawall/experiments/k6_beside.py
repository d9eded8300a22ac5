"""The same load by k6 and by our generator, in turns on one stack: do the two agree?

Trials go there and back, L K K L, each on fresh state, and both tools' ledgers are judged by the same code.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from seawall.audit.ledger import read_ledger
from seawall.experiments.agreement import agreement, tool_comparisons
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.judgement import arm_verdicts, judge_arms, unjudged
from seawall.experiments.k6 import arm_of_k6, thresholds_of
from seawall.experiments.k6_options import K6Options
from seawall.experiments.k6_process import K6Place, run_k6
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.recorded import audit_of
from seawall.experiments.recorded_trial import Recorded, Standard, recorded_trial
from seawall.experiments.run_facts import RunFacts
from seawall.load.run_record import RunRecord, Share
from seawall.load.start_lag import StartLag
from seawall.load.trial import TrialDone, TrialLoad
from seawall.result import Arm, Result, Trial
from seawall.result.agreement import AGREEMENT, K6, LOCUST
from seawall.stack.k6_binary import K6Program
from seawall.stack.stack import Stack
from seawall.targets.target import Targets


class Watcher(Protocol):
    """Sees how the trials go on."""

    def trial_starts(self, name: str, number: int, total: int) -> None:
        """*number* counts from 1; 0 is what only warms up."""
        ...

    def trial_goes_on(self, elapsed_s: float) -> None:
        """Called a few times a second."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """The judged trial."""
        ...


@dataclass(frozen=True)
class BesideLocust:
    """One comparison of the two tools on one stack."""

    options: K6Options
    targets: Targets
    k6: K6Program
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on once there is a trial. Raises `LoadFailed` where a tool
        could not make its load.
        """
        facts = RunFacts.begin(AGREEMENT, self.options.seed, self.options.as_json())
        arms = self._arms()
        trials: list[Trial] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            rows = list(tool_comparisons(trials))
            judged = judge_arms(self.targets, [arm.name for arm in arms], trials, attain=self.options.attain)
            found = agreement(rows, trials, interrupted=interrupted)
            return Result(
                **facts.by_now(self.stack.versions, k6=self.k6.version),
                outcome=found.outcome,
                interrupted=interrupted,
                reasons=[*reasons, *found.lines],
                arms=arms,
                trials=list(trials),
                comparisons=rows,
                targets=judged,
                verdicts=arm_verdicts(judged, trials),
                not_judged=unjudged(self.targets, trials, attain=self.options.attain),
            )

        def work() -> None:
            with LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load:
                watcher.trial_starts("warm-up", 0, self._total)
                self.stack.fresh()
                load.run(self._locusts("warm-up", count=self.options.warm_up_records), lambda _: None)
                for number, (tool, name, block) in enumerate(self._order(), start=1):
                    watcher.trial_starts(name, number, self._total)
                    self.stack.fresh()
                    recorded = self._by_k6(name, watcher) if tool == K6 else self._by_locust(name, load, watcher)
                    trials.append(self._judged(recorded, tool, name, block))
                    watcher.trial_ended(trials[-1])
                    write(result())

        return run_to_an_end(work, result, write, anything=lambda: bool(trials))

    @property
    def _total(self) -> int:
        return 4 * self.options.blocks

    def _order(self) -> Iterator[tuple[str, str, int]]:
        for block in range(self.options.blocks):
            for tool, half in ((LOCUST, "a"), (K6, "a"), (K6, "b"), (LOCUST, "b")):
                yield tool, f"{tool}-{block}{half}", block

    def _arms(self) -> list[Arm]:
        loaded = arm_of_k6(self.options, self.stack)
        return [msgspec.structs.replace(loaded, name=name) for name in (LOCUST, K6)]

    def _judged(self, recorded: Recorded, tool: str, name: str, block: int) -> Trial:
        audit = audit_of(recorded, self.stack)
        standard = Standard(self.targets, skip_s=self.options.warmup_s)
        return recorded_trial(recorded, tool, standard, audit, name=name, block=block)

    def _by_k6(self, name: str, watcher: Watcher) -> Recorded:
        load = self.options.load(self.stack.state.partitions)
        place = K6Place(self.directory / "raw", name)
        thresholds = thresholds_of(self.options, self.targets)
        ended = run_k6(self.k6, load, self.stack.state.api_url, place, thresholds, watcher.trial_goes_on)
        if ended.interrupted:
            raise KeyboardInterrupt
        return ended.recorded

    def _by_locust(self, name: str, load: LoadProcess, watcher: Watcher) -> Recorded:
        options = self.options
        started_at = datetime.now(UTC)
        done = load.run(
            self._locusts(
                name,
                rate_per_s=options.rate_per_s / options.users,
                warmup_s=options.warmup_s,
                duration_s=options.duration_s,
            ),
            lambda _: watcher.trial_goes_on((datetime.now(UTC) - started_at).total_seconds()),
        )
        if done.interrupted:
            raise KeyboardInterrupt
        return self._recorded(done, started_at)

    def _locusts(self, name: str, **amount: float) -> TrialLoad:
        return TrialLoad(
            name=name,
            path=self.options.path,
            entity=self.options.entity,
            users=self.options.users,
            seed=self.options.seed,
            directory=str(self.directory / "raw"),
            partitions=self.stack.state.partitions,
            **amount,  # type: ignore[arg-type]  # a count is a whole number
        )

    def _recorded(self, done: TrialDone, started_at: datetime) -> Recorded:
        """Return a trial of our generator as a plain run that was recorded."""
        options, ledger = self.options, read_ledger(Path(done.ledger))
        lag = StartLag()
        lag.add(ledger.sent_ns - ledger.intended_ns)
        record = RunRecord(
            tool=LOCUST,
            run_ms=ledger.run.ms,
            run_nonce=ledger.run.nonce,
            seed=options.seed,
            entity=options.entity,
            loop="open",
            arrival="uniform",
            rate_per_s=options.rate_per_s / options.users,
            record_bytes=None,
            compressibility=None,
            key_skew=0.0,
            partitions=self.stack.state.partitions,
            started_at=started_at.isoformat(timespec="milliseconds"),
            host=self.stack.state.api_url,
            started_ns=done.start_ns,
            all_users_ns=done.start_ns,
            ended_ns=done.end_ns,
        )
        share = Share(
            worker=0,
            host=socket.gethostname(),
            users=options.users,
            requests=done.sent,
            unsent=max(0, done.planned - done.sent),
            start_lag=dict(lag.counts),
            health=done.health,
            cpu_s=done.cpu_s,
        )
        record.conclude([share])
        return Recorded(Path(done.ledger), record, ledger)
