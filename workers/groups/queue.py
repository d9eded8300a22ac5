"""The loop of a group that reads no log but a queue in the database, into which a trigger copies every row.

What was read is deleted in the transaction in which it is worked at, so it comes again where that does not end well.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

from contract.connections import Connections
from contract.journal import Commit, JournalWriter
from workers.groups.queue_tables import PARTITION, QueueSession, Row, queue_of
from workers.groups.settings import Settings
from workers.groups.work import NotNow, Taken, Work

log = logging.getLogger(__name__)
READY = "ready"
_REASON_CHARACTERS = 300


class QueueGroup:
    """Takes rows from one queue and has its work done until it is told to stop."""

    def __init__(self, connections: Connections, settings: Settings, work: Work) -> None:
        self._settings, self._work = settings, work
        self._queue = queue_of(connections, settings.group_queue_table)
        self._tried_again: tuple[type[Exception], ...] = (*self._queue.errors, NotNow)
        self._journal: JournalWriter
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end after the batch it is at; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`; a database that does not answer is asked again."""
        path = self._settings.group_directory / f"{self._settings.group_name}.jsonl"
        self._journal = JournalWriter(path, os.getpid())
        self._work.assigned([PARTITION])
        print(READY, flush=True)
        try:
            while not self._stopping:
                try:
                    with self._queue.connected() as session:
                        while not self._stopping:
                            if not self._round(session):
                                time.sleep(self._settings.group_max_wait_ms / 1000)
                except self._tried_again as error:
                    log.warning("%s; again in %.1f s", str(error).strip(), self._settings.group_retry_s)
                    time.sleep(self._settings.group_retry_s)
        finally:
            self._work.close()
            self._journal.close()

    def _round(self, session: QueueSession) -> int:
        """Work at what there is, until it is due to be kept; return how many rows that were."""
        due_s, worked, buried = time.monotonic() + self._work.every_s, 0, 0
        with session.transaction():
            while True:
                rows = session.take(self._settings.group_batch_size)
                if rows and self._settings.group_delay_ms:
                    time.sleep(self._settings.group_delay_ms / 1000)
                buried += self._work_at(session, rows)
                worked += len(rows)
                if not rows or self._stopping or time.monotonic() >= due_s:
                    break
            if worked:
                self._work.keep()
        if worked:
            self._journal.commit(Commit(time.monotonic_ns(), [], worked - buried, 0, buried))
        return worked

    def _work_at(self, session: QueueSession, rows: Sequence[Row]) -> int:
        """Have *rows* taken, in halves where they are refused; return how many were buried."""
        if not rows:
            return 0
        try:
            self._work.take([Taken(row.record, PARTITION, row.position) for row in rows])
        except NotNow:
            raise
        except Exception as error:  # noqa: BLE001 - as in `loop`
            if len(rows) > 1:
                half = len(rows) // 2
                return self._work_at(session, rows[:half]) + self._work_at(session, rows[half:])
            reason = f"{self._settings.group_name}: {type(error).__name__}: {error}"[:_REASON_CHARACTERS]
            log.warning("dead letter, at %d: %s", rows[0].position, reason)
            session.bury(rows[0], reason)
            return 1
        return 0
