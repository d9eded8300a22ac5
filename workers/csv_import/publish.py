"""Imports a file through the log: each good row becomes a message; `workers.csv_import.sink` stores them.

How far the file is gets noted once the log has acknowledged all that lies before. A process that is killed in between
publishes some rows again, which the sink knows by their ids.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
import psycopg
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from contract.csv_rows import LINE_SHIFT, NUMBER, TOPIC
from contract.ids import low_bits
from contract.make_topics import create_topics
from contract.topics import PARTITIONS
from workers.csv_import.errors import NotPublished
from workers.csv_import.reading import Reading, say
from workers.csv_import.records import Chunk

_NOTED_EVERY = 5
"""Batches."""
_ASK_S = 10.0
_ACKED_WITHIN_S = 60.0
_COPIES = 3
_AGE = b',"age":'
_MORE = b',"more":'


class Publisher:
    """Sends rows to the topic, which it makes where it is not there."""

    def __init__(self, connection: dict[str, Any]) -> None:
        """Raises `NotPublished` where no broker answers, `NoTopics` where the topic cannot be made."""
        admin = AdminClient({**connection, "log_level": 0})
        try:
            brokers = len(admin.list_topics(timeout=_ASK_S).brokers)
            create_topics(admin, partitions=PARTITIONS, replication=min(brokers, _COPIES), names=[TOPIC])
            self._partitions = len(admin.list_topics(TOPIC, timeout=_ASK_S).topics[TOPIC].partitions)
        except KafkaException as error:
            raise NotPublished(f"no Kafka answers ({error.args[0].str()}); start it, or correct its address") from None
        self._quoted = msgspec.json.Encoder().encode
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
        high, base = reading.identity.run.high.to_bytes(8, "big"), low_bits(0, reading.identity.user, NUMBER)
        self._turn = (self._turn + 1) % self._partitions
        produce, quoted = self._producer.produce, self._quoted
        for (line, name, age), more in zip(chunk.rows, chunk.others.split(b"\n"), strict=False):  # as in `lines_of`
            key = high + (base + (line << LINE_SHIFT)).to_bytes(8, "big")
            value = b'{"name":' + quoted(name) + _AGE + b"%d" % age + _MORE + more + b"}"
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


def publish(reading: Reading, publisher: Publisher, connection: psycopg.Connection) -> None:
    """Publish all rows, or as many as there are before `Reading.stop`; raises `NotPublished`, or `psycopg.Error`."""
    batches = 0
    while not (reading.over or reading.stopping):
        for chunk in reading.batch():
            publisher.send(chunk, reading)
        batches += 1
        if reading.over or reading.stopping or batches % _NOTED_EVERY == 0:
            publisher.settle()
            with connection.transaction(), connection.cursor() as cursor:
                reading.note(cursor)
        say(reading.state())
