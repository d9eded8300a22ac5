"""Our own producer or consumer, as fast as it goes: ``python -m benchmarks.kafka_peer_run`` prints a `Seen`.

They are made with the very settings of the API's producer and the sinks' consumer, and do nothing else: no HTTP before
the one, no database behind the other.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from api.settings import Settings as ApiSettings
from api.writes.kafka import KafkaPath
from contract.connections import Connections
from workers.sink.configuration import consumer_configuration
from workers.sink.settings import Settings as SinkSettings

_FLUSH_S = 120.0
_CALLBACKS = {"stats_cb", "error_cb", "statistics.interval.ms"}
_FULL_S = 0.01
_SILENT_S = 30.0


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """What to do."""

    kind: str
    """``settings``: say what both would be made with; ``produce`` or ``consume``."""
    topic: str = ""
    records: int = 0
    warmup_records: int = 0
    """Of a producer: sent before the clock runs."""
    payloads: str = ""
    """A file with one a line."""
    group: str = "peers"
    properties: dict[str, Any] = {}
    """Of librdkafka, that win over the service's."""


class Seen(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it."""

    records: int = 0
    seconds: float = 0.0
    producer: dict[str, Any] = {}
    consumer: dict[str, Any] = {}
    batch_size: int = 0
    """Most records that a sink takes at once."""


def producer_settings(task: Task) -> dict[str, Any]:
    """Return what the API's producer is made with, without what it reports to."""
    found = KafkaPath(Connections.read().kafka, ApiSettings()).configuration
    return {**{name: value for name, value in found.items() if name not in _CALLBACKS}, **task.properties}


def consumer_settings(task: Task) -> dict[str, Any]:
    """Return what a sink's consumer is made with, in a group of its own that nobody has to wait for."""
    settings = SinkSettings(sink_group=task.group, sink_static_membership=False)
    return {**consumer_configuration(Connections.read().kafka, settings), **task.properties}


def produce(task: Task) -> Seen:
    """Send what warms up, then the records, and wait for the acknowledgement of each; raises `KafkaException`."""
    lines = Path(task.payloads).read_bytes().splitlines()
    producer = Producer(producer_settings(task))
    acknowledged = 0

    def acked(error: KafkaError | None, _: Message) -> None:
        nonlocal acknowledged
        if error is not None:
            raise KafkaException(error)
        acknowledged += 1

    def send(first: int, last: int) -> None:
        for number in range(first, last):
            while True:
                try:
                    producer.produce(task.topic, lines[number % len(lines)], on_delivery=acked)
                except BufferError:
                    producer.poll(_FULL_S)
                else:
                    break
            if not number % 500:
                producer.poll(0)

    send(0, task.warmup_records)
    begun_s, before = time.monotonic(), task.warmup_records
    send(before, before + task.records)
    producer.flush(_FLUSH_S)
    seconds = time.monotonic() - begun_s
    return Seen(records=acknowledged - before, seconds=seconds)


def consume(task: Task) -> Seen:
    """Read the records from the topic's begin, as a sink does; the clock runs from the first ones on."""
    batch = SinkSettings().sink_batch_size
    consumer = Consumer(consumer_settings(task))
    consumer.subscribe([task.topic])
    read, begun_s, first, last_s = 0, 0.0, 0, time.monotonic()
    while read < task.records and time.monotonic() - last_s < _SILENT_S:
        messages = consumer.consume(batch, 0.1)
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
        if not messages:
            continue
        last_s = time.monotonic()
        read += len(messages)
        if not begun_s:
            begun_s, first = last_s, read
    consumer.close()
    return Seen(records=read - first, seconds=last_s - begun_s)


def _settings(task: Task) -> Seen:
    return Seen(
        producer=producer_settings(task),
        consumer={name: value for name, value in consumer_settings(task).items() if not callable(value)},
        batch_size=SinkSettings().sink_batch_size,
    )


_KINDS = {"settings": _settings, "produce": produce, "consume": consume}

if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    print(msgspec.json.encode(_KINDS[asked.kind](asked)).decode(), flush=True)
