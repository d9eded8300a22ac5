"""Holds the ledger of a feed against rows, dead letters, the log and the sinks' journals."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from contract.connections import Connections
from contract.topics import topic_of
from seawall.audit.feed_ledger import FeedLedger
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.log import LogReader, LogRecords
from seawall.audit.membership import places
from seawall.audit.offsets import gaps, inconsistent_with_letters, of_journals
from seawall.audit.reconcile import Found, Reconciliation, Sent, reconcile
from seawall.audit.rows import row_reader
from seawall.audit.visibility import Journals
from seawall.load.order_feed.records import ORDERS, contents, fields_of


@dataclass(frozen=True)
class FeedFates:
    """What became of a feed's records."""

    whole: Reconciliation
    visible_ns: Int64s
    """When the row of each record was visible, monotonic, shape ``(records,)``; `NEVER` where it is not there."""


class FeedAudit:
    """Audits feed after feed on one stack; use as a context manager."""

    def __init__(self, connections: Connections, journals: Path) -> None:
        self._open = contextlib.ExitStack()
        self._rows = row_reader(connections)
        self._open.callback(self._rows.close)
        self._log = LogReader(connections.kafka)
        self._open.callback(self._log.close)
        self._journals = Journals(journals)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def begin(self) -> None:
        """Forget the journals' entries and the log so far: a new feed starts."""
        self._journals.forget()
        self._log.begin([topic_of(ORDERS)])

    def audit(self, ledger: FeedLedger) -> FeedFates:
        """Name what became of every record; raises `AuditFailed` where something cannot be read."""
        self._rows.refresh()
        run, topic, low = ledger.run, topic_of(ORDERS), ledger.low
        rows, letters = self._rows.rows(ORDERS, run), self._rows.dead_letters(topic, run)
        log = self._log.records(topic, run)
        acked = ledger.acked
        sent = Sent(low, acked, np.zeros(len(low), dtype=np.bool_), self._expected(ledger))
        whole = reconcile(run, sent, Found(rows.low, rows.digest, letters.low, log.low, log.ahead))
        for check in (gaps(log), inconsistent_with_letters(run, log, letters), of_journals(self._journals.tally())):
            whole.add(check)
        visible_ns = first_of_each(low, log, self._journals.visible_ns(log))
        visible_ns[~places(low, rows.low)[1]] = NEVER
        return FeedFates(whole, visible_ns)

    def _expected(self, ledger: FeedLedger) -> Int64s:
        pool, first = contents(ledger.seed), ledger.records
        pairs = zip(ledger.index[first].tolist(), ledger.event_us[first].tolist(), strict=True)
        return self._rows.digests_of(ORDERS, (fields_of(pool, index, event_us) for index, event_us in pairs))


def first_of_each(low: UInt64s, log: LogRecords, times_ns: Int64s) -> Int64s:
    """Return the earliest of *times_ns*, which belong to *log*, for each id in *low*, sorted; else `NEVER`."""
    place, there = places(log.low, low)
    found = np.full(len(low), NEVER, dtype=np.int64)
    np.minimum.at(found, place[there], times_ns[there])
    return found
