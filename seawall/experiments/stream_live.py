"""`stream live`: accepted records to thousands of subscribers, by the log, and by asking the database again and again.

A trial for each source on fresh state, audited like any other, while subscribers listen in a process of their own; then
what arrived at each of them is held against the ledger.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from seawall.audit.feed import audit_feed, expected_deliveries
from seawall.audit.ledger import read_ledger
from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.draining import await_sinks
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.figures import Window, cpu_of_database, quantiles_ms
from seawall.experiments.live_figures import live_figures
from seawall.experiments.live_judgement import (
    answer_words,
    judged,
    judged_arrivals,
    lateness_of_subscribers,
    outcome_of,
    reasons_of,
    target_of,
)
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_live_options import PATHS, LiveOptions
from seawall.experiments.subscribers_process import SubscribersProcess
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.feed.arrivals import LEFT, Attempt, read_arrivals
from seawall.load.feed.subscribers import ENTITY, FeedLoad, subscriber
from seawall.load.feed.trial import FeedDone
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Arm, LiveFinding, Quantiles, Result, Trial
from seawall.result.live import LIVE
from seawall.stack.feed import name_of
from seawall.stack.samples import Samples, read_page
from seawall.stack.stack import Stack
from seawall.targets.target import Targets

_WARM_UP_CLIENTS, _WARM_UP_RECORDS = 50, 4_000
_CONNECTED_WITHIN_S, _CONNECTED_EACH_S = 60.0, 0.1
_SETTLED_S = 1.0
"""So long nothing more may arrive before all is taken to be over: what comes twice comes soon."""


class Watcher(Protocol):
    """Sees how a run goes on."""

    def live_starts(self, number: int, total: int, arm: str, what: str) -> None:
        """Begin a part of a trial: warming up, subscribing, writing, waiting for the last arrivals."""
        ...

    def live_goes_on(self, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def live_ended(self, number: int, total: int, finding: LiveFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class LiveRun:
    """A feed by each source, one after the other, on one stack."""

    options: LiveOptions
    targets: Targets
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Make all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says that it was interrupted.
        """
        facts = RunFacts.begin(LIVE, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        sources = {PATHS[source]: source for source in self.options.sources}
        arms = [arm_of(plan, settings) for plan in as_they_are(sources)]
        trials: list[Trial] = []
        findings: list[LiveFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(findings, whole=len(findings) == len(arms)),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                trials=list(trials),
                targets=[finding.target for finding in findings if finding.target is not None],
                verdicts={finding.arm: finding.outcome for finding in findings},
                live=list(findings),
            )

        def work() -> None:
            with (
                LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
                TrialRunner(
                    self.stack,
                    load,
                    Limits(target_of(self.targets).limit.number, steady=False),
                    drain_timeout_s=self.options.drain_timeout_s,
                    keep_rows=False,
                ) as runner,
            ):
                for number, arm in enumerate(arms, start=1):
                    part = _Part(self, watcher, number, len(arms), arm, sources[arm.path])
                    part.warm_up(runner)
                    trial, finding = part.measure(runner)
                    trials.append(trial)
                    findings.append(finding)
                    write(result())
                    watcher.live_ended(number, len(arms), finding)
                    if trial.audit.pending:
                        await_sinks(self.stack, self.options.drain_timeout_s)

        return run_to_an_end(work, result, write, anything=lambda: True)


class _Part:
    """One trial, with its subscribers."""

    def __init__(self, run: LiveRun, watcher: Watcher, number: int, total: int, arm: Arm, source: str) -> None:
        self._run, self._watcher, self._arm, self._source = run, watcher, arm, source
        self._number, self._total = number, total
        self._service = run.stack.state.services[name_of(source)]
        self._settled = True
        self._done: FeedDone | None = None
        self._ended: dict[str, float] = {}

    def warm_up(self, runner: TrialRunner) -> None:
        """Have compilers and pools see some records."""
        self._says("warming up")
        load = self._trial("warm-up", users=_WARM_UP_CLIENTS, count=_WARM_UP_RECORDS)
        runner.run(TrialPlan(self._arm.name, -1, load), self._watcher.live_goes_on)

    def measure(self, runner: TrialRunner) -> tuple[Trial, LiveFinding]:
        """Write and listen."""
        options = self._run.options
        load = self._trial(
            "live",
            users=options.writers,
            rate_per_s=options.rate_per_s / options.writers,
            warmup_s=options.warmup_s,
            duration_s=options.duration_s,
        )
        feed = FeedLoad(
            name=load.name,
            url=self._service.address,
            key=self._run.stack.state.api_key,
            seed=options.seed,
            directory=str(self._run.directory / "raw" / f"{load.name}-arrivals"),
            users=options.subscribers,
            whole=options.whole,
            silent=options.silent,
            sse=options.sse,
            returning=options.returning,
            leaves_after_s=(options.warmup_s, options.warmup_s + options.duration_s / 2),
        )
        beside = self._listening(feed, load)
        trial = runner.run(TrialPlan(self._arm.name, self._number, load), self._watcher.live_goes_on, beside=beside)
        assert self._done is not None
        return trial, self._finding(feed, load, trial, self._done)

    @contextlib.contextmanager
    def _listening(self, feed: FeedLoad, load: TrialLoad) -> Iterator[None]:
        """Have all subscribe before the load begins, and listen until everything has arrived."""
        run = self._run
        before = self._ends()
        self._says("subscribing")
        with SubscribersProcess(feed, run.directory / "logs" / "subscribers.log") as subscribers:
            subscribers.await_connected(_CONNECTED_WITHIN_S + feed.total * _CONNECTED_EACH_S)
            self._says("writing")
            yield
            self._says("waiting for the last arrivals")
            expected = expected_deliveries(feed, read_ledger(_ledger(load)))
            self._settled = subscribers.await_arrivals(expected, run.options.drain_timeout_s, _SETTLED_S, lambda: None)
            self._ended = self._ends().by("seawall_feed_ended_total", "reason")
            for reason, count in before.by("seawall_feed_ended_total", "reason").items():
                self._ended[reason] -= count
            self._done = subscribers.stop()

    def _finding(self, feed: FeedLoad, load: TrialLoad, trial: Trial, done: FeedDone) -> LiveFinding:
        ledger = read_ledger(_ledger(load))
        counts, deliveries = audit_feed(feed, ledger, read_arrivals(Path(done.directory)))
        start_ns = (trial.schedule_start_ns or 0) + int(trial.warmup_s * 1e9)
        window = Window(start_ns, start_ns + int((trial.duration_s or 0.0) * 1e9))
        figures = live_figures(ledger, deliveries, counts, window)
        target = target_of(self._run.targets)
        invalid = [*trial.invalid_because, *lateness_of_subscribers(done.health, target.limit.number)]
        silent = range(feed.users + feed.whole, feed.total)
        late_drops = int(self._ended.get("too_slow", 0))
        finding = LiveFinding(
            arm=self._arm.name,
            path=self._arm.path,
            source=self._source,
            trial=trial.name,
            offered_per_s=self._run.options.rate_per_s,
            subscribers=feed.users,
            whole=feed.whole,
            silent=feed.silent,
            sse=sum(subscriber(feed, number).protocol == "sse" for number in range(feed.total)),
            returned=sum(bool(one.resumed and one.in_ns) for one in done.attempts),
            connect_ms=_connecting(done.attempts),
            refused=sum(bool(one.refused) for one in done.attempts),
            records=trial.audit.acknowledged,
            expected=counts.expected,
            delivered=counts.delivered,
            missing=counts.missing,
            doubled=counts.doubled,
            disordered=counts.disordered,
            strayed=counts.strayed + counts.phantom,
            examples=counts.examples,
            dropped=min(feed.silent, late_drops),
            broken=_broken(done.attempts, silent),
            frames=done.frames,
            deliveries_per_s=figures.deliveries_per_s,
            arrival_ms=figures.arrival_ms,
            course=figures.course,
            accepted_ms=figures.accepted_ms,
            propagation_ms=figures.propagation_ms,
            delivery_ms=figures.delivery_ms,
            instrument=done.health,
            feed_cpu_s=trial.cpu_s.get(self._service_name, 0.0),
            database_cpu_s=cpu_of_database(trial.cpu_s),
            target=judged_arrivals(target, figures.arrival_ms, self._arm.name, invalid),
            outcome=trial.outcome,
        )
        return _concluded(finding, trial, invalid)

    @property
    def _service_name(self) -> str:
        return name_of(self._source)

    def _ends(self) -> Samples:
        return Samples.parse(read_page(self._service.metrics_url))

    def _says(self, what: str) -> None:
        self._watcher.live_starts(self._number, self._total, self._source, what)

    def _trial(self, name: str, **rest: Any) -> TrialLoad:
        return TrialLoad(
            name=f"{self._arm.name}-{name}",
            path=self._arm.path,
            entity=ENTITY,
            seed=self._run.options.seed,
            directory=str(self._run.directory / "raw"),
            partitions=self._run.stack.state.partitions,
            **rest,
        )


def _ledger(load: TrialLoad) -> Path:
    return Path(load.directory) / f"{load.name}.parquet"


def _connecting(attempts: list[Attempt]) -> Quantiles:
    """Return how long first connections took until their first frame."""
    first = [one for one in attempts if not one.resumed]
    took_ns = np.array([one.in_ns - one.begun_ns for one in first if one.in_ns], dtype=np.int64)
    return quantiles_ms(took_ns, len(first) - len(took_ns))


def _broken(attempts: list[Attempt], silent: range) -> dict[str, int]:
    """Return the ends that readers did not choose, and how often."""
    ends = Counter(one.end for one in attempts if one.end not in ("", LEFT) and one.subscriber not in silent)
    return dict(ends.most_common())


def _concluded(finding: LiveFinding, trial: Trial, invalid: list[str]) -> LiveFinding:
    """Return *finding* with its outcome and its answer."""
    outcome, reasons = judged(finding, trial, invalid)
    finding = msgspec.structs.replace(finding, outcome=outcome, reasons=reasons)
    return msgspec.structs.replace(finding, answer=answer_words(finding))
