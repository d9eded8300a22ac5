"""Moves imported rows from the log into their table: offsets are committed after rows, and each id is stored once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from contract.connections import Connections
from contract.csv_rows import GROUP, TOPIC, CsvRow
from contract.make_topics import create_own_topic
from contract.mariadb_rows import LONGEST_STATEMENT
from workers.csv_import.errors import DatabaseFailed, Refused
from workers.csv_import.table import Table, table_of
from workers.progress_lines import peak_memory_bytes, say
from workers.sink.batches import DeadLetter
from workers.sink.dead_letters import DeadLetterTopic
from workers.sink.dead_letters import say as log_letters

log = logging.getLogger(__name__)
_BATCH, _WAIT_S, _RETRY_S = 10_000, 0.1, 0.5
_TAKEN_AT_ONCE = 2_500
_ASK_S = 10.0
_KEY_BYTES = 16


class _Read(NamedTuple):
    key: bytes
    row: CsvRow
    more: str
    message: Message


def _texts(rows: Sequence[_Read], table: Table) -> Iterator[bytes]:
    """Yield *rows* as the database takes them, in texts of about a megabyte: a statement is one of them."""
    part, size = [], 0
    for one in rows:
        part.append(table.text_of(one.key, one.row.name, one.row.age, one.more))
        size += len(part[-1])
        if size > LONGEST_STATEMENT:
            yield b"".join(part)
            part, size = [], 0
    yield b"".join(part)


class SinkFailed(Exception):
    """The consumer cannot go on; the process should end and be started again."""


class CsvSink:
    """Reads the topic of imported rows until it is told to stop."""

    def __init__(self, connections: Connections, *, group: str = GROUP) -> None:
        self._connections = connections
        self._connection: dict[str, Any] = connections.kafka
        self._letters = DeadLetterTopic(self._connection)
        self._decode = msgspec.json.Decoder(CsvRow).decode
        self._table: Table | None = None
        self._stopping = False
        self._seen = self._stored = self._buried = 0
        self._configuration = {
            "client.id": "seawall-csv-sink",
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 500,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 40,
            # of each partition; a short message takes four times its size while it waits
            "queued.max.messages.kbytes": 2_048,
            "queued.min.messages": 20_000,
            "fetch.queue.backoff.ms": 10,
            "error_cb": lambda error: log.warning("kafka: %s", error.str()),
            **self._connection,
        }

    def stop(self) -> None:
        """Ask the loop to end after the batch it is at; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Store rows until `stop`; raises `SinkFailed`, or `KafkaException` where no broker answers."""
        create_own_topic(AdminClient({**self._connection, "log_level": 0}), TOPIC)
        consumer = Consumer(self._configuration)
        try:
            consumer.subscribe([TOPIC], on_assign=self._on_assign)
            while not self._stopping:
                messages = self._gathered(consumer)
                if messages and self._keep(self._read(messages)):
                    self._commit(consumer, messages)
        finally:
            consumer.close()
            self._letters.close()
            if self._table is not None:
                self._table.close()

    def _gathered(self, consumer: Consumer) -> list[Message]:
        """Return the next batch: what came until it is full, or until nothing more was there for a moment."""
        found: list[Message] = []
        until_s = 0.0
        while len(found) < _BATCH and not self._stopping:
            for message in consumer.consume(_TAKEN_AT_ONCE, _WAIT_S / 4 if found else _WAIT_S):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.fatal():
                    raise SinkFailed(error.str())
                elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
                    log.warning("kafka: %s", error.str())
            until_s = until_s or (time.monotonic() + _WAIT_S if found else 0.0)
            if found and time.monotonic() > until_s:
                break
        return found

    def _read(self, messages: Sequence[Message]) -> list[_Read]:
        """Return the rows; what is none becomes a dead letter."""
        found, letters, decode = [], [], self._decode
        for message in messages:
            key, value = message.key(), message.value()
            try:
                row = decode(value or b"")
                if not isinstance(key, bytes) or len(key) != _KEY_BYTES:
                    raise msgspec.ValidationError("the key is no id of 16 bytes")
                more = bytes(row.more)
                if not more.startswith(b"{") or "\0" in row.name:
                    raise msgspec.ValidationError("the other columns are no object, or the name holds NUL")
                text = more.decode()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                letters.append(DeadLetter(message, f"no imported row: {error}"[:300]))
            else:
                found.append(_Read(key, row, text, message))
        self._bury(letters)
        return found

    def _keep(self, rows: Sequence[_Read]) -> bool:
        """Store *rows*, tried until the database is there; what it refuses is buried. False where stopped before."""
        while True:
            try:
                if self._table is None:
                    self._table = table_of(self._connections, "csv-sink")
                self._stored += self._table.store(_texts(rows, self._table))
            except Refused as error:
                return self._keep_apart(rows, str(error))
            except DatabaseFailed as error:
                log.warning("database: %s; again in %.1f s", str(error).partition("\n")[0], _RETRY_S)
                if self._table is not None:
                    self._table.close()
                    self._table = None
                if self._stopping:
                    return False
                time.sleep(_RETRY_S)
            else:
                self._seen += len(rows)
                return True

    def _keep_apart(self, rows: Sequence[_Read], reason: str) -> bool:
        """Store halves of what was refused, until what is to blame stands alone."""
        if len(rows) == 1:
            self._bury([DeadLetter(rows[0].message, f"refused: {reason}"[:300])])
            return True
        half = len(rows) // 2
        return self._keep(rows[:half]) and self._keep(rows[half:])

    def _bury(self, letters: list[DeadLetter]) -> None:
        if letters:
            log_letters(letters)
            self._buried += len(letters)
        while letters := self._letters.publish(letters) if letters else []:
            log.warning("dead letters: %d are not acknowledged yet", len(letters))

    def _commit(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        at_ns = time.monotonic_ns()
        ends = {message.partition() or 0: (message.offset() or 0) + 1 for message in messages}
        try:
            consumer.commit(
                offsets=[TopicPartition(TOPIC, number, end) for number, end in ends.items()], asynchronous=True
            )
        except KafkaException as error:
            log.warning("offsets not committed: %s", error.args[0].str())
        say(
            {
                "at_ns": at_ns,
                "seen": self._seen,
                "stored": self._stored,
                "buried": self._buried,
                "memory_bytes": peak_memory_bytes(),
            }
        )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        behind = 0
        for place in consumer.committed(partitions, timeout=_ASK_S):
            first, end = consumer.get_watermark_offsets(place, timeout=_ASK_S)
            behind += end - max(first, place.offset)  # which is negative where nothing was committed
        consumer.incremental_assign(partitions)
        say({"assigned": [place.partition for place in partitions], "behind": behind})
