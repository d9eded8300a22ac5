"""Runs one trial with a feed: fresh state, orders straight to the log, drain, audit, figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import psutil

from seawall.audit.drain import DrainProof
from seawall.audit.feed_audit import FeedAudit, FeedFates
from seawall.audit.feed_ledger import FeedLedger, read_feed
from seawall.audit.ledger import NEVER
from seawall.experiments.draining import drain
from seawall.experiments.feed_process import FeedProcess
from seawall.experiments.figures import quantiles_ms
from seawall.load.order_feed.plan import FeedDone, FeedPlan
from seawall.load.trial import Progress
from seawall.result import Outcome, Trial
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse
from seawall.stack.workers import WorkerProcess

LATENESS_TOLERATED_MS = 50.0
"""A feed that sends later than that, at the 99th percentile, says nothing of delays that are judged by the second."""
_LOOK_S = 0.05


@dataclass(frozen=True)
class FeedTrial:
    """One trial, and what its figures are made from."""

    trial: Trial
    ledger: FeedLedger
    fates: FeedFates
    done: FeedDone
    settled: bool
    """Whether all that was waited for was over in time."""
    cores: float
    """How many cores servers, workers and feed kept busy, until all was over."""
    others_cores: float
    """How many everything else on the machine did."""


class FeedRunner:
    """Runs trials on one stack; use as a context manager."""

    def __init__(self, stack: Stack, directory: Path, *, drain_timeout_s: float) -> None:
        self._stack, self._directory, self._drain_timeout_s = stack, directory, drain_timeout_s
        self._audit = FeedAudit(stack.connections, Path(stack.state.journal_dir))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._audit.__exit__()

    def begin(self) -> None:
        """Bring the stack to its first state; what works beside the feed is started after that."""
        self._stack.fresh()
        self._audit.begin()

    def run(
        self,
        plan: FeedPlan,
        arm: str,
        block: int,
        workers: Mapping[str, WorkerProcess],
        over: Callable[[FeedLedger], bool],
        on_progress: Callable[[Progress], None],
    ) -> FeedTrial:
        """Send *plan*, wait until the log is stored and *over* holds, or the time is up, and audit.

        The processor time of *workers* is part of the figures.
        """
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        log = self._directory / "logs" / "feed.log"
        with FeedProcess(plan, self._stack.connections, log, self._stack.state.api_url) as feed:
            before, begun_s, busy_s = self._use(workers), time.monotonic(), _busy_s()
            done = feed.run(on_progress)
        ledger = read_feed(Path(plan.directory) / plan.name)
        drained = drain(self._stack, through_the_log=True, timeout_s=self._drain_timeout_s, pause_s=_LOOK_S)
        settled = self._await(lambda: over(ledger))
        after, took_s, busy_s = self._use(workers), time.monotonic() - begun_s, _busy_s() - busy_s
        fates = self._audit.audit(ledger)
        used = {name: use for name, use in after.items() if name in before}
        trial = Trial(
            name=plan.name,
            kind="data" if plan.rate_per_s is None else "load",
            arm=arm,
            block=block,
            entity="orders",
            started_at=started_at,
            users=1,
            count=plan.count if plan.rate_per_s is None else None,
            schedule_start_ns=done.start_ns,
            offered_per_s=plan.rate_per_s,
            cpu_s={
                **{name: round(max(0.0, use.cpu_s - before[name].cpu_s), 3) for name, use in used.items()},
                "load": round(done.cpu_s, 3),
            },
            rss_bytes={**{name: use.rss_bytes for name, use in used.items()}, "load": done.rss_bytes},
            disk_bytes={name: max(0, use.written_bytes - before[name].written_bytes) for name, use in used.items()},
            audit=fates.whole.counts,
            examples=fates.whole.examples,
            **_times(plan, ledger, fates, done),  # type: ignore[arg-type]  # names and types are those of `Trial`
        )
        cores = sum(trial.cpu_s.values()) / took_s
        others = max(0.0, busy_s / took_s - cores)
        return FeedTrial(_judged(trial, plan, drained), ledger, fates, done, settled, cores, others)

    def _use(self, workers: Mapping[str, WorkerProcess]) -> dict[str, ResourceUse]:
        of_workers = {name: use for name, worker in workers.items() if (use := worker.use()) is not None}
        return {**self._stack.resources(), **of_workers}

    def _await(self, is_over: Callable[[], bool]) -> bool:
        deadline_s = time.monotonic() + self._drain_timeout_s
        while not is_over():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_LOOK_S)
        return True


def _busy_s() -> float:
    """Return the processor seconds that all of the machine has spent so far."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _times(plan: FeedPlan, ledger: FeedLedger, fates: FeedFates, done: FeedDone) -> dict[str, object]:
    """Return rates and delays; a record's delay counts from its first sending's due time."""
    first, acked = ledger.records, ledger.acked_ns != NEVER
    begin_ns = ledger.due_ns if plan.rate_per_s else ledger.sent_ns
    seen = fates.visible_ns != NEVER
    last_ns = int(fates.visible_ns[seen].max()) if seen.any() else done.end_ns
    duration_s = max(1e-3, (last_ns - int(ledger.sent_ns.min())) / 1e9) if len(ledger.index) else None
    return {
        "requests": len(ledger.index),
        "failed": int((~acked).sum()),
        "no_answer": int((~acked).sum()),
        "duration_s": None if duration_s is None else round(duration_s, 6),
        "achieved_per_s": round(int(seen.sum()) / duration_s, 3) if duration_s else 0.0,
        "response_ms": quantiles_ms((ledger.acked_ns - begin_ns)[acked], int((~acked).sum())),
        "visible_ms": quantiles_ms((fates.visible_ns - begin_ns[first])[seen], int((~seen & ledger.acked).sum())),
        "visible_by": "journal",
        "generator_lag_ms": quantiles_ms(np.maximum(0, ledger.sent_ns - begin_ns)),
        "start_lag_ms": quantiles_ms(np.maximum(0, ledger.sent_ns - begin_ns)),
        "drain_s": round(max(0.0, (last_ns - done.end_ns) / 1e9), 6),
    }


def _judged(trial: Trial, plan: FeedPlan, drained: DrainProof) -> Trial:
    counts, examples = trial.audit, trial.examples
    wrong = [
        f"{count:,} {name.replace('_', ' ')}" + (f", the first {examples[name][0]}" if examples.get(name) else "")
        for name, count in counts.violations.items()
    ]
    if drained.last.lag:
        wrong.append("the log was not drained when the time was up")
    invalid = []
    lag_ms = trial.generator_lag_ms.p99 or 0.0
    if plan.rate_per_s and lag_ms > LATENESS_TOLERATED_MS:
        invalid.append(f"the feed itself was late: p99 {lag_ms:.0f} ms, tolerated {LATENESS_TOLERATED_MS:.0f} ms")
    if trial.requests < plan.count:
        invalid.append(f"only {trial.requests:,} of {plan.count:,} records were sent")
    if wrong:
        outcome, reasons = Outcome.FAIL, [*wrong, *invalid]
    elif invalid:
        outcome, reasons = Outcome.INVALID, invalid
    elif not drained.proven:
        outcome, reasons = Outcome.INCONCLUSIVE, [f"it is not proven that the trial was over: {drained.reason}"]
    else:
        outcome, reasons = Outcome.PASS, []
    return msgspec.structs.replace(trial, invalid_because=invalid, outcome=outcome, reasons=reasons)
