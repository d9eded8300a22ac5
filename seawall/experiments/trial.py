"""Runs one trial: fresh state, load, drain, audit, figures."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from seawall.audit.drain import DrainProof
from seawall.audit.fates import write_fates
from seawall.audit.full_scans import full_scans
from seawall.audit.ledger import NEVER, Int64s, Ledger, read_ledger
from seawall.audit.reconcile import Reconciliation
from seawall.audit.slow_statements import slow_statements
from seawall.audit.statement_counts import StatementCounts, statement_counts
from seawall.experiments.draining import DRAIN_POLL_S, drain
from seawall.experiments.figures import (
    Window,
    course_of,
    quantiles_ms,
    response_time,
    unsent_times,
    visible_delay,
    windows_available,
)
from seawall.experiments.left_on_disk import DiskLook
from seawall.experiments.load_process import Generator
from seawall.experiments.log_figures import log_figures
from seawall.experiments.lookup_figures import lookup_figures
from seawall.experiments.resources import ResourceWatch
from seawall.experiments.scope_figures import LimitsOf, loosest_limits, spoilt, with_parts
from seawall.experiments.spread import spread_figures
from seawall.experiments.trial_audit import Audited, TrialAudit, Watched
from seawall.experiments.validity import NO_LIMITS, Limits, shortcomings
from seawall.experiments.watcher_figures import lag_figures, reader_figures
from seawall.load.lookups import SCOPES
from seawall.load.trial import Progress, TrialDone, TrialLoad
from seawall.result import FullScan, Outcome, SlowStatement, Trial
from seawall.stack.errors import Unreachable
from seawall.stack.lookup_samples import LookupSamples
from seawall.stack.samples import Samples
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse, machine_network_bytes
from seawall.targets.metrics import Scope

PROOF_PAUSE_S = 0.1
NOTHING_BESIDE = contextlib.nullcontext()


@dataclass(frozen=True)
class TrialPlan:
    """One trial to be run."""

    arm: str
    block: int
    load: TrialLoad

    @property
    def kind(self) -> str:
        """``data`` or ``load``."""
        return "data" if self.load.count is not None else "load"


class TrialRunner:
    """Runs trials on one stack; keeps the audit's connections over trials. Use as a context manager."""

    def __init__(
        self,
        stack: Stack,
        load: Generator,
        limits: Limits = NO_LIMITS,
        *,
        drain_timeout_s: float,
        keep_rows: bool,
        limits_of: LimitsOf = lambda _: NO_LIMITS,
        audit: TrialAudit | None = None,
        disk: DiskLook | None = None,
    ) -> None:
        """*limits* are those of writes, *limits_of* tells those of each scope, for loads that are a mix.

        An *audit* of its own knows what was sent where that is not the pool of payloads. With a look at the *disk* the
        log is one that need not keep what is in it.
        """
        self._stack = stack
        self._load = load
        self._limits = limits
        self._limits_of = limits_of
        self._drain_timeout_s = drain_timeout_s
        self._keep_rows = keep_rows
        self._audit = audit or TrialAudit(stack, follows=disk is not None)
        self._disk = disk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._audit.__exit__()

    def run(
        self,
        plan: TrialPlan,
        on_progress: Callable[[Progress], None],
        limits: Limits | None = None,
        *,
        beside: contextlib.AbstractContextManager[object] = NOTHING_BESIDE,
    ) -> Trial:
        """Run one trial to its audit; *limits* take the place of those of all trials.

        What is done *beside* the load begins before it and is over before the drain.
        """
        if not self._keep_rows:
            self._stack.fresh()
        self._audit.begin(plan.load)
        if self._disk is not None:
            self._disk.begin()
        since_ms = time.time_ns() // 1_000_000
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        network_bytes, lookups, log = machine_network_bytes(), self._lookups(), self._log(plan)
        statements = self._statements()
        before, restarts_before = self._stack.resources(thorough=True), self._restarts()
        with ResourceWatch(self._resources) as resources, self._audit.watch(plan.load) as watched:
            with beside:
                done = self._load.run(plan.load, on_progress)
            drained = drain(
                self._stack,
                through_the_log=plan.load.path == "kafka",
                timeout_s=self._drain_timeout_s,
                pause_s=PROOF_PAUSE_S if plan.kind == "load" else DRAIN_POLL_S,
                since_ms=since_ms if self._keep_rows else None,
            )
        after, restarts_after = self._stack.resources(thorough=True), self._restarts()
        # before the audit, whose own statements are no part of the service
        scans, slow = self._slow(statements)
        generator = self._load.use(thorough=True)
        ledger = read_ledger(Path(done.ledger))
        audited = self._audit.audit(plan.load, ledger, watched)
        write_fates(Path(done.ledger), audited.visible_ns, audited.partition)
        resources.write(Path(done.ledger) / "resources.parquet")
        trial = _with_watchers(
            self._figures(plan, done, ledger, audited.visible_ns, started_at), ledger, audited, watched
        )
        if plan.load.weights:
            trial = self._with_parts(trial, plan, done, ledger)
        restarts = {
            name: count - restarts_before.get(name, 0)
            for name, count in restarts_after.items()
            if count > restarts_before.get(name, 0)
        }
        used = {name: use for name, use in after.items() if name in before}
        switches = {
            name: use.context_switches - (before[name].context_switches or 0)
            for name, use in used.items()
            if use.context_switches is not None
        }
        collections = {
            name: max(0, use.collections - (before[name].collections or 0))
            for name, use in used.items()
            if use.collections is not None
        }
        cpu_s = {name: round(max(0.0, use.cpu_s - before[name].cpu_s), 3) for name, use in used.items()}
        if limits is None:
            limits = loosest_limits(trial, self._limits_of) if trial.scopes else self._limits
        invalid_because = shortcomings(trial, limits, interrupted=done.interrupted)
        outcome, reasons = _judge(trial, audited.whole, invalid_because, drained)
        trial = msgspec.structs.replace(
            trial,
            cpu_s={**cpu_s, "load": round(done.cpu_s, 3)},
            cores={**_cores(trial, resources), "load": done.health.cpu_share},
            rss_bytes={**{name: use.rss_bytes for name, use in used.items()}, "load": done.rss_bytes},
            disk_bytes={name: max(0, use.written_bytes - before[name].written_bytes) for name, use in used.items()},
            network_bytes={"machine": machine_network_bytes() - network_bytes},
            context_switches={name: max(0, count) for name, count in switches.items()},
            gc_collections={**collections, "load": done.health.gc_pauses},
            open_files={
                name: use.open_files
                for name, use in (*used.items(), ("load", generator))
                if use is not None and use.open_files is not None
            },
            full_scans=scans,
            slow_statements=slow,
            restarts=restarts,
            lookups=lookup_figures(
                lookups, self._lookups(), _schedule_s(trial), ledger, self._stack.state.api_processes or 1
            ),
            log=log_figures(log, self._log(plan)),
            spread=spread_figures(ledger, audited.partition, audited.visible_ns, plan.load.partitions),
            audit=audited.whole.counts,
            examples=audited.whole.examples,
            invalid_because=invalid_because,
            scopes=spoilt(trial.scopes, invalid_because),
            outcome=outcome,
            reasons=reasons,
        )
        if self._disk is None or plan.kind != "load" or trial.audit.pending:
            return trial
        return msgspec.structs.replace(trial, disk=self._disk.figures())

    def _resources(self) -> dict[str, ResourceUse]:
        """Return the use of all servers, and of the generator as ``load``."""
        found, generator = self._stack.resources(), self._load.use()
        return found if generator is None else {**found, "load": generator}

    def _with_parts(self, trial: Trial, plan: TrialPlan, done: TrialDone, ledger: Ledger) -> Trial:
        """Add the figures of each kind of request; of writes, only those count as achieved that became visible."""
        unsent_ns = unsent_times(plan.load, done, ledger)
        trial = with_parts(trial, ledger, _window(trial), SCOPES, self._limits_of, unsent_ns)
        writes = trial.scopes.get(Scope.WRITE)
        if writes is None:
            return trial
        writes = msgspec.structs.replace(writes, achieved_per_s=trial.achieved_per_s)
        return msgspec.structs.replace(trial, scopes={**trial.scopes, Scope.WRITE: writes})

    def _lookups(self) -> LookupSamples | None:
        """Return what lookups have counted so far; None where a process does not say, as one that died cannot."""
        with contextlib.suppress(Unreachable):
            return self._stack.lookups()
        return None

    def _log(self, plan: TrialPlan) -> Samples | None:
        """Return what the clients of the log have counted so far; None where that is not known, or there is none."""
        if plan.load.path == "kafka":
            with contextlib.suppress(Unreachable):
                return self._stack.log_samples()
        return None

    def _statements(self) -> StatementCounts | None:
        """Return what statements have cost the database so far; None where it is not ours, or does not tell."""
        postgres = self._stack.state.services.get("postgres")
        if postgres is None or postgres.external:
            return None
        return statement_counts(self._stack.connections.psycopg_url)

    def _slow(self, before: StatementCounts | None) -> tuple[list[FullScan], list[SlowStatement]]:
        """Return what is known of slow statements since *before*."""
        if before is None:  # as it is with another database
            return [], []
        url = self._stack.connections.psycopg_url
        after = statement_counts(url)
        if after is None:
            return [], []
        came = after.since(before)
        return full_scans(url, came), slow_statements(url, came)

    def _restarts(self) -> dict[str, int]:
        return {name: service.restarts for name, service in self._stack.state.services.items()}

    def _figures(self, plan: TrialPlan, done: TrialDone, ledger: Ledger, visible_ns: Int64s, started_at: str) -> Trial:
        load = plan.load
        seen = visible_ns[visible_ns != NEVER]
        last_visible_ns = int(seen.max()) if len(seen) else None
        written = ledger.entity != 0
        last_answer_ns = int(ledger.answered_ns[written].max()) if written.any() else done.start_ns
        unsent_ns = unsent_times(load, done, ledger)
        unsent = max(0, done.planned - done.sent)
        if plan.kind == "load":
            window = Window(done.start_ns + int(load.warmup_s * 1e9), done.end_ns)
            judged = window.holds(ledger.intended_ns)
            duration_s: float | None = load.duration_s
            achieved = float(window.holds(seen).sum()) / load.duration_s
            offered: float | None = load.users * (load.rate_per_s or 0.0)
            if load.profile is not None:
                offered = float(judged.sum() + window.holds(unsent_ns).sum()) / load.duration_s
        else:
            judged = np.ones(len(ledger.status), dtype=bool)
            first_ns = int(ledger.sent_ns.min()) if len(ledger.sent_ns) else done.start_ns
            duration_s = (last_visible_ns - first_ns) / 1e9 if last_visible_ns else None
            achieved = len(seen) / duration_s if duration_s else 0.0
            offered = None
        courses: dict[str, Any] = {}
        if plan.kind == "load":
            courses = _courses(ledger, visible_ns, window, load.warmup_s)
            courses["windows"], courses["windows_available"] = windows_available(ledger, window, unsent_ns)
        accepted = judged & ledger.accepted
        status = ledger.status
        return Trial(
            name=load.name,
            kind=plan.kind,
            arm=plan.arm,
            block=plan.block,
            entity=load.entity,
            started_at=started_at,
            users=load.users,
            count=load.count,
            schedule_start_ns=done.start_ns,
            warmup_s=load.warmup_s,
            offered_per_s=offered,
            achieved_per_s=round(achieved, 3),
            requests=int(judged.sum()),
            unsent=unsent,
            failed=int((judged & ~ledger.accepted).sum()) + unsent,
            status_4xx=int((judged & (status // 100 == 4)).sum()),  # noqa: PLR2004 - HTTP
            status_5xx=int((judged & (status // 100 == 5)).sum()),  # noqa: PLR2004 - HTTP
            no_answer=int((judged & (status == 0)).sum()),
            duration_s=None if duration_s is None else round(duration_s, 6),
            response_ms=response_time(ledger, judged, unsent),
            service_ms=quantiles_ms(ledger.answered_ns[accepted] - ledger.sent_ns[accepted]),
            visible_ms=visible_delay(ledger, visible_ns, judged & written),
            visible_by="journal" if load.path == "kafka" else "answer",
            start_lag_ms=quantiles_ms(ledger.sent_ns[judged] - ledger.intended_ns[judged]),
            generator_lag_ms=quantiles_ms(ledger.generator_lag_ns[judged]),
            instrument=done.health,
            **courses,
            drain_s=None if last_visible_ns is None else round(max(0.0, (last_visible_ns - last_answer_ns) / 1e9), 6),
        )


def _courses(ledger: Ledger, visible_ns: Int64s, window: Window, warmup_s: float) -> dict[str, Any]:
    """Return how response time and visible delay of the accepted records moved."""
    accepted, seen = ledger.accepted, ledger.accepted & (visible_ns != NEVER)
    at_ns = ledger.intended_ns
    return {
        "response_course": course_of(window, warmup_s, at_ns[accepted], (ledger.answered_ns - at_ns)[accepted]),
        "visible_course": course_of(window, warmup_s, at_ns[seen], (visible_ns - at_ns)[seen]),
    }


def _with_watchers(trial: Trial, ledger: Ledger, audited: Audited, watched: Watched) -> Trial:
    if trial.kind != "load" or trial.schedule_start_ns is None or trial.duration_s is None:
        return trial
    window = _window(trial)
    trial = msgspec.structs.replace(trial, lag=lag_figures(audited.lag, window))
    if watched.sightings is None or watched.sightings.run is None:
        return trial
    reader = reader_figures(watched.sightings, ledger, window)
    if trial.visible_by == "journal" and not np.any(audited.visible_ns != NEVER) and audited.whole.counts.stored:
        # Sinks that are not ours keep no journal, and then the reader is the only witness.
        return msgspec.structs.replace(trial, reader=reader, visible_ms=reader.visible_ms, visible_by="reader")
    return msgspec.structs.replace(trial, reader=reader)


def _window(trial: Trial) -> Window:
    """Return the judged time of a *load* trial."""
    start_ns = (trial.schedule_start_ns or 0) + int(trial.warmup_s * 1e9)
    return Window(start_ns, start_ns + int((trial.duration_s or 0.0) * 1e9))


def _schedule_s(trial: Trial) -> float | None:
    """Return how long requests were sent."""
    return None if trial.duration_s is None else trial.warmup_s + trial.duration_s


def _cores(trial: Trial, resources: ResourceWatch) -> dict[str, float]:
    window = _window(trial)
    return resources.cores(window.start_ns, window.end_ns) if trial.kind == "load" else {}


def _judge(
    trial: Trial, audited: Reconciliation, invalid_because: list[str], drained: DrainProof
) -> tuple[Outcome, list[str]]:
    examples = audited.examples
    wrong = [
        f"{count} {name.replace('_', ' ')}, the first {examples[name][0]}" if examples.get(name) else f"{count} {name}"
        for name, count in audited.counts.violations.items()
    ]
    if drained.last.lag:
        wrong.append("the log was not drained when the time was up")
    if wrong and audited.counts.deleted_unread:
        wrong.append(f"{audited.counts.deleted_unread} records were deleted from the log before a sink had read them")
    if wrong:
        return Outcome.FAIL, [*wrong, *invalid_because]
    if invalid_because:
        return Outcome.INVALID, invalid_because
    if not drained.proven:
        return Outcome.INCONCLUSIVE, [f"it is not proven that the trial was over: {drained.reason}"]
    return Outcome.PASS, [f"{trial.unsent} requests of the schedule were not sent in time"] if trial.unsent else []
