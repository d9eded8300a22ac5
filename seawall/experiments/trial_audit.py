"""One trial's audit: watchers that run beside the load, and the reconciliation once the log has drained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from contract.entities import ENTITIES, Entity
from contract.topics import topic_of
from seawall.audit.committed import CommittedSampler, CommittedSamples
from seawall.audit.fates import NO_PARTITION, Partitions
from seawall.audit.lag import LagEvents, lag_events
from seawall.audit.ledger import NEVER, Int64s, Ledger, UInt64s
from seawall.audit.log import LogReader, LogRecords
from seawall.audit.membership import among, places
from seawall.audit.offsets import committed_ahead, gaps, inconsistent_with_letters, lives, of_journals
from seawall.audit.order import order_in_log, order_of_visibility
from seawall.audit.reader_process import ReaderProcess, sampled_users
from seawall.audit.reconcile import Found, Reconciliation, Sent, reconcile
from seawall.audit.rows import row_reader
from seawall.audit.sightings import Sightings, contradicted
from seawall.audit.visibility import Journals
from seawall.load.payloads import MIXES
from seawall.load.trial import TrialLoad
from seawall.result import AuditCounts
from seawall.stack.stack import Stack

SAMPLE_EVERY_S = 0.5
"""Between two looks at what the sinks have committed: a question a partition, which the brokers feel."""


@dataclass
class Audited:
    """What an audit found."""

    visible_ns: Int64s
    """For each request of the ledger; `NEVER` where its row is not there, or it wrote none."""
    partition: Partitions
    whole: Reconciliation = field(default_factory=Reconciliation)
    lag: dict[str, LagEvents] = field(default_factory=dict)


@dataclass
class Watched:
    """What the watchers saw; filled when the watch ends."""

    committed: dict[tuple[str, int], CommittedSamples] = field(default_factory=dict)
    sightings: Sightings | None = None


class TrialAudit:
    """Audits trial after trial on one stack, with clients of its own; use as a context manager."""

    def __init__(self, stack: Stack, *, follows: bool = False) -> None:
        """With *follows* the log is read while it is written, since it may not keep what is in it."""
        self._stack, self._connections, self._follows = stack, stack.connections, follows
        self._open = contextlib.ExitStack()
        self._rows = row_reader(stack.connections)
        self._open.callback(self._rows.close)
        self._journals = Journals(Path(stack.state.journal_dir))
        self._log: LogReader | None = None
        if stack.state.kafka:
            self._log = LogReader(stack.connections.kafka)
            self._open.callback(self._log.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def begin(self, load: TrialLoad) -> None:
        """Forget the journals' entries and the log so far: a new trial starts."""
        self._journals.forget()
        if self._log is not None:
            self._log.follow_no_longer()
        if load.path == "kafka" and self._log is not None:
            self._log.begin(_topics(load))

    @contextlib.contextmanager
    def watch(self, load: TrialLoad) -> Iterator[Watched]:
        """Watch the tables and the sinks' offsets while a *load* trial runs and drains.

        A trial of a number of records is over before there would be anything to see. With skewed keys a user's
        sequences have gaps, so that no reader can know what comes next.
        """
        watched = Watched()
        if load.rate_per_s is None:
            yield watched
            return
        with contextlib.ExitStack() as watchers:
            reader: ReaderProcess | None = None
            if not load.key_skew:
                users = sampled_users(load.users, load.seed)
                reader = ReaderProcess(self._connections.plain_database_url, MIXES[load.entity], users)
                watchers.callback(reader.close)
                reader.start()
            sampler: CommittedSampler | None = None
            if load.path == "kafka" and self._log is not None:
                if self._follows:
                    self._log.follow(_topics(load))
                sampler = watchers.enter_context(
                    CommittedSampler(self._connections.kafka, _topics(load), every_s=SAMPLE_EVERY_S)
                )
            yield watched
            watched.committed = sampler.stop() if sampler else {}
            watched.sightings = reader.stop() if reader else None

    def audit(self, load: TrialLoad, ledger: Ledger, watched: Watched, cut_short: tuple[int, ...] = ()) -> Audited:
        """Hold the ledger against rows, log, dead letters and journals; `AuditFailed` where one cannot be read.

        *cut_short* are the load processes whose end of the ledger is missing, by number.
        """
        self._rows.refresh()
        total = len(ledger.status)
        found = Audited(
            visible_ns=np.full(total, NEVER, dtype=np.int64), partition=np.full(total, NO_PARTITION, dtype=np.int16)
        )
        low = ledger.low
        for entity in ENTITIES.values():
            mine = np.flatnonzero(ledger.entity == entity.number)
            if len(mine):
                self._audit_entity(load, ledger, entity, mine, low[mine], watched, found, cut_short=cut_short)
        if load.path == "kafka":
            found.whole.add(of_journals(self._journals.tally()))
        if watched.sightings is not None and watched.sightings.run is not None:
            found.whole.add(contradicted(ledger.run, watched.sightings, low, found.visible_ns))
        return found

    def _audit_entity(
        self,
        load: TrialLoad,
        ledger: Ledger,
        entity: Entity,
        mine: Int64s,
        low: UInt64s,
        watched: Watched,
        found: Audited,
        *,
        cut_short: tuple[int, ...],
    ) -> None:
        run, topic = ledger.run, topic_of(entity)
        rows = self._rows.rows(entity, run)
        letters = self._rows.dead_letters(topic, run)
        log = self._log.records(topic, run) if self._log and load.path == "kafka" else None
        accepted = ledger.accepted[mine]
        sent = Sent(low, accepted, ledger.refused[mine], self._expected(ledger, entity, mine), cut_short)
        there = Found(rows.low, rows.digest, letters.low, log.low if log else None, log.ahead if log else None)
        found.whole.add(reconcile(run, sent, there))
        stored = among(low, rows.low)
        if log is None:
            found.visible_ns[mine[stored]] = ledger.answered_ns[mine][stored]
            return
        times_ns = self._journals.visible_ns(log, lives(log, watched.committed))
        first = _first_of_each(log, times_ns)
        place, logged = places(low, log.low[first])
        seen_ns = np.where(logged, times_ns[first][place], NEVER) if len(first) else np.full(len(low), NEVER)
        found.visible_ns[mine[stored]] = seen_ns[stored]
        if len(first):
            found.partition[mine[logged]] = log.partition[first][place[logged]]
        acknowledged, accounted = low[accepted], np.concatenate([rows.low, letters.low])
        if not self._stack.transactional:
            found.whole.add(self._deleted_unread(log))
            if not self._follows:  # a log that is tidied up has gaps
                found.whole.add(gaps(log))
        for check in (
            inconsistent_with_letters(run, log, letters),
            order_in_log(run, acknowledged, log),
            order_of_visibility(run, rows.low, log, times_ns),
            committed_ahead(run, log, times_ns, accounted, watched.committed),
        ):
            found.whole.add(check)
        found.lag |= lag_events(log, acknowledged, ledger.answered_ns[mine][accepted], times_ns)

    def _deleted_unread(self, log: LogRecords) -> Reconciliation:
        """Count what was deleted from the log before a sink had stored it."""
        count = sum(self._journals.unread(log.topic, *gap) for gap in log.deleted)
        return Reconciliation(AuditCounts(deleted_unread=count))

    def _expected(self, ledger: Ledger, entity: Entity, mine: Int64s) -> Int64s:
        """Return the digest of what each of those requests sent: here its content of the pool of payloads."""
        digests = self._rows.expected_digests(entity, ledger.seed, ledger.shape)
        return digests[ledger.content[mine]]


def _topics(load: TrialLoad) -> list[str]:
    return [topic_of(ENTITIES[name]) for name in sorted(set(MIXES[load.entity]))]


def _first_of_each(log: LogRecords, times_ns: Int64s) -> Int64s:
    """Return the places of the log's ids, sorted by id; of one that lies there twice, that which was stored first."""
    order = np.lexsort((times_ns, log.low))
    ordered = log.low[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    first: Int64s = order[fresh]
    return first
