"""The records of `benchmarks.sink`: published as the API publishes them, at full speed or at a pace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from benchmarks.errors import ProcessFailed
from contract.codecs import JsonCodec
from contract.connections import Connections
from contract.entities import ENTITIES
from contract.ids import Run, mint, new_run
from contract.topics import topic_of
from seawall.load.payloads import MIXES, body_tails, content_index, entity_at

USERS = 10_000
MIX = MIXES["mixed"]
_HEADERS: list[tuple[str, str | bytes | None]] = [("codec", JsonCodec.name.encode())]
_FLUSH_S = 120.0
_STEP_NS = 5_000_000

Published = dict[tuple[str, int, int], int]
"""When each place of the log was handed to the producer, monotonic ns."""


class _Message(NamedTuple):
    topic: str
    value: bytes
    key: str


class Publisher:
    """Publishes new records of the ordinary shop's mix, of 10,000 users in turn."""

    def __init__(self, connections: Connections, seed: int) -> None:
        self._producer = Producer(
            {
                **connections.kafka,
                "log_level": 0,  # it outlives the brokers for a moment, and need not complain
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,  # the API's default, as its compression: none
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._tails = {name: body_tails(entity, seed) for name, entity in ENTITIES.items()}
        self._run: Run = new_run()
        self._number = 0

    def fill(self, count: int) -> None:
        """Publish *count* records as fast as it goes; raises `ProcessFailed` where not all are acknowledged."""
        for message in self._messages(count):
            self._producer.produce(message.topic, message.value, message.key, headers=_HEADERS)
            self._producer.poll(0)
        self._flush()

    def pace(self, rate_per_s: int, seconds: float) -> Published:
        """Publish every 5 ms, and return when each record was due; raises `ProcessFailed` as `fill`."""
        published: Published = {}
        begun_ns = time.monotonic_ns()
        for due_ns in range(begun_ns, begun_ns + int(seconds * 1e9), _STEP_NS):
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                self._producer.poll(left_ns / 1e9)
            note = partial(_note, published, due_ns)
            for message in self._messages(rate_per_s * _STEP_NS // 10**9):
                self._producer.produce(message.topic, message.value, message.key, headers=_HEADERS, on_delivery=note)
        self._flush()
        return published

    def _messages(self, count: int) -> Iterator[_Message]:
        for number in range(self._number, self._number + count):
            user, sequence = number % USERS, number // USERS + 1
            entity = ENTITIES[entity_at(MIX, user, sequence)]
            key = str(mint(self._run, sequence, user, entity.number))
            tail = self._tails[entity.name][content_index(user, sequence)]
            yield _Message(topic_of(entity), b'{"id":"%b"%b' % (key.encode(), tail), key)
        self._number += count

    def _flush(self) -> None:
        if self._producer.flush(_FLUSH_S):
            raise ProcessFailed(f"Kafka did not acknowledge all records within {_FLUSH_S:g} s")


def _note(published: Published, due_ns: int, error: KafkaError | None, message: Message) -> None:
    if error is None:
        published[message.topic() or "", message.partition() or 0, message.offset() or 0] = due_ns
