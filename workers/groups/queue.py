"""The loop of a group that reads no log but a queue in the database, into which a trigger copies every row.

What was read is deleted in the transaction in which it is worked at, so it comes again where that does not end well.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from contract.entities import ENTITIES
from contract.journal import Commit, JournalWriter
from workers.groups.settings import Settings
from workers.groups.work import NotNow, Taken, Work

log = logging.getLogger(__name__)
ORDERS = ENTITIES["orders"]
READY = "ready"
_PARTITION = 0
_REASON_CHARACTERS = 300


class QueueGroup:
    """Takes rows from one queue and has its work done until it is told to stop."""

    def __init__(self, database_url: str, settings: Settings, work: Work) -> None:
        self._url, self._settings, self._work = database_url, settings, work
        queue = sql.Identifier(settings.group_queue_table)
        fields = sql.SQL(", ").join(map(sql.Identifier, ORDERS.fields))
        self._take = sql.SQL(
            "DELETE FROM {queue} WHERE position = ANY(ARRAY(SELECT position FROM {queue} ORDER BY position LIMIT %s"
            " FOR UPDATE SKIP LOCKED)) RETURNING position, {fields}"
        ).format(queue=queue, fields=fields)
        self._journal: JournalWriter
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end after the batch it is at; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`; a database that does not answer is asked again."""
        path = self._settings.group_directory / f"{self._settings.group_name}.jsonl"
        self._journal = JournalWriter(path, os.getpid())
        self._work.assigned([_PARTITION])
        print(READY, flush=True)
        try:
            while not self._stopping:
                try:
                    with psycopg.connect(self._url, connect_timeout=3, autocommit=True) as connection:
                        while not self._stopping:
                            if not self._round(connection):
                                time.sleep(self._settings.group_max_wait_ms / 1000)
                except (psycopg.Error, NotNow) as error:
                    log.warning("%s; again in %.1f s", str(error).strip(), self._settings.group_retry_s)
                    time.sleep(self._settings.group_retry_s)
        finally:
            self._work.close()
            self._journal.close()

    def _round(self, connection: psycopg.Connection[TupleRow]) -> int:
        """Work at what there is, until it is due to be kept; return how many rows that were."""
        due_s, worked, buried = time.monotonic() + self._work.every_s, 0, 0
        with connection.transaction():
            while True:
                rows = connection.execute(self._take, (self._settings.group_batch_size,)).fetchall()
                if rows and self._settings.group_delay_ms:
                    time.sleep(self._settings.group_delay_ms / 1000)
                taken = [
                    Taken(ORDERS.record(**dict(zip(ORDERS.fields, row[1:], strict=True))), _PARTITION, row[0])
                    for row in sorted(rows)
                ]
                buried += self._work_at(connection, taken)
                worked += len(rows)
                if not rows or self._stopping or time.monotonic() >= due_s:
                    break
            if worked:
                self._work.keep()
        if worked:
            self._journal.commit(Commit(time.monotonic_ns(), [], worked - buried, 0, buried))
        return worked

    def _work_at(self, connection: psycopg.Connection[TupleRow], taken: Sequence[Taken]) -> int:
        """Have *taken* taken, in halves where they are refused; return how many were buried."""
        if not taken:
            return 0
        try:
            self._work.take(taken)
        except NotNow:
            raise
        except Exception as error:  # noqa: BLE001 - as in `loop`
            if len(taken) > 1:
                half = len(taken) // 2
                return self._work_at(connection, taken[:half]) + self._work_at(connection, taken[half:])
            reason = f"{self._settings.group_name}: {type(error).__name__}: {error}"[:_REASON_CHARACTERS]
            log.warning("dead letter, at %d: %s", taken[0].offset, reason)
            connection.execute(
                "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (
                    self._settings.group_queue_table, _PARTITION, taken[0].offset, str(taken[0].record.id).encode(),
                    None, reason, datetime.now(UTC),
                ),
            )  # fmt: skip
            return 1
        return 0
