"""Imports a file through the log: each good row becomes a message; `workers.csv_import.sink` stores them.

How far the file is gets noted once the log has acknowledged all that lies before. A process that is killed in between
publishes some rows again, which the sink knows by their ids.
"""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from contract.csv_rows import TOPIC
from contract.make_topics import create_own_topic
from workers.csv_import.chunks import Chunk, Rows
from workers.csv_import.columnar import json_texts
from workers.csv_import.errors import NotPublished
from workers.csv_import.reading import Reading
from workers.csv_import.row_ids import bytes_of
from workers.csv_import.table import Table
from workers.progress_lines import say

_NOTED_EVERY = 5
"""Batches."""
_ASK_S = 10.0
_ACKED_WITHIN_S = 60.0
_BEFORE_NAME, *_BETWEEN, _NOTHING = map(pa.scalar, ('{"name":"', '","age":', ',"more":', "}", ""))


class Publisher:
    """Sends rows to the topic, which it makes where it is not there."""

    def __init__(self, connection: dict[str, Any]) -> None:
        """Raises `NotPublished` where no broker answers, `NoTopics` where the topic cannot be made."""
        admin = AdminClient({**connection, "log_level": 0})
        try:
            create_own_topic(admin, TOPIC)
            self._partitions = len(admin.list_topics(TOPIC, timeout=_ASK_S).topics[TOPIC].partitions)
        except KafkaException as error:
            raise NotPublished(f"no Kafka answers ({error.args[0].str()}); start it, or correct its address") from None
        self._failed = ""
        self._turn = 0
        self._producer = Producer(
            {
                "client.id": "seawall-csv",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "batch.size": 262_144,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 32_768,
                "message.timeout.ms": int(_ACKED_WITHIN_S * 1000),
                "delivery.report.only.error": True,
                "on_delivery": self._heard,
                "log_level": 0,
                **connection,
            }
        )

    def send(self, chunk: Chunk, reading: Reading) -> None:
        """Send the rows of *chunk*, all to one partition, as they take turns; raises `NotPublished`."""
        self._turn = (self._turn + 1) % self._partitions
        produce = self._producer.produce
        for key, value in zip(bytes_of(chunk.rows.lines, reading.identity), values_of(chunk.rows), strict=True):
            while True:
                try:
                    produce(TOPIC, value, key, self._turn)
                    break
                except BufferError:
                    self._make_room()
        self._producer.poll(0)
        self._check()

    def settle(self) -> None:
        """Wait until all that was sent is acknowledged; raises `NotPublished`."""
        deadline_s = time.monotonic() + _ACKED_WITHIN_S
        while left := self._producer.flush(1.0):
            self._check()
            if time.monotonic() > deadline_s:
                raise NotPublished(f"the log did not acknowledge {left:,} rows within {_ACKED_WITHIN_S:.0f} s")
        self._check()

    def _make_room(self) -> None:
        """Wait until half of what waits is sent: one by one, each message would find the queue full again."""
        most = len(self._producer) // 2
        while len(self._producer) > most:
            self._producer.poll(0.1)
            self._check()

    def _heard(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed = error.str()

    def _check(self) -> None:
        if self._failed:
            raise NotPublished(f"the log does not take what is sent: {self._failed}")


def values_of(rows: Rows) -> list[bytes]:
    """Return *rows* as the log carries them (`contract.csv_rows.CsvRow`)."""
    before_age, before_more, end = _BETWEEN
    parts = (_BEFORE_NAME, json_texts(rows.names), before_age, rows.ages, before_more, rows.others, end)
    joined = pc.binary_join_element_wise(*parts, _NOTHING)
    return list(joined.cast(pa.binary()).to_pylist())


def publish(reading: Reading, publisher: Publisher, table: Table) -> None:
    """Publish all rows, or as many as there are before `Reading.stop`; raises `NotPublished`, `DatabaseFailed`."""
    batches = 0
    while not (reading.over or reading.stopping):
        for chunk in reading.batch():
            publisher.send(chunk, reading)
        batches += 1
        if reading.over or reading.stopping or batches % _NOTED_EVERY == 0:
            publisher.settle()
            with table.transaction() as connection:
                reading.note(connection)
        say(reading.state())
