"""Combinations that Kafka or its client refuses, or that make no sense: found before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.tuning.catalogue import knobs
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Place, Value, as_text

MOST_IN_FLIGHT = 5
"""With idempotence (KIP-98): a broker remembers so many batches of a producer."""
SHORTEST_SESSION_MS, LONGEST_SESSION_MS = 6_000, 1_800_000
"""A broker's `group.min.session.timeout.ms` and `group.max.session.timeout.ms` as shipped."""
LEAST_TRANSACTION_MS, MOST_TRANSACTION_MS = 1_000, 900_000
"""librdkafka's least `transaction.timeout.ms`, and a broker's `transaction.max.timeout.ms` as shipped."""
OF_THE_OLD_PROTOCOL = ("heartbeat.interval.ms", "session.timeout.ms", "partition.assignment.strategy")
_ALL = -1


def mistakes_of(settings: KafkaSettings, *, brokers: int) -> list[str]:
    """Return every mistake: values that are none, and combinations that cannot be, each with its rule."""
    found = list(_values(settings))
    return found or [*_producer(settings), *_consumer(settings), *_replicas(settings, brokers)]


def _values(settings: KafkaSettings) -> Iterator[str]:
    for place in Place:
        for name, value in settings.of(place).items():
            knob = knobs().get((place, name))
            if knob is None:
                yield f"[{place}] {name}: no such knob; `bin/seawall tune --list` names all"
            elif wrong := knob.check(value):
                yield f"[{place}] {wrong}"


def _producer(settings: KafkaSettings) -> Iterator[str]:
    if _effective(settings, Place.PRODUCER, "enable.idempotence"):
        if (acks := _number(settings, Place.PRODUCER, "acks")) != _ALL:
            yield f"acks={acks} with enable.idempotence=true: idempotence needs acks=-1 (all)"
        flights = _number(settings, Place.PRODUCER, "max.in.flight.requests.per.connection")
        if flights > MOST_IN_FLIGHT:
            yield (
                f"max.in.flight.requests.per.connection={flights} with enable.idempotence=true: at most"
                f" {MOST_IN_FLIGHT}, since a broker remembers so many batches"
            )
        if _number(settings, Place.PRODUCER, "retries") < 1:
            yield "retries=0 with enable.idempotence=true: idempotence is what makes retries safe, and needs them"
    if settings.transactional:
        yield from _transactions(settings)
    linger, timeout = (_number(settings, Place.PRODUCER, name) for name in ("linger.ms", "message.timeout.ms"))
    if 0 < timeout <= linger:
        yield f"linger.ms={linger} and message.timeout.ms={timeout}: a record would be given up before it is sent"


def _transactions(settings: KafkaSettings) -> Iterator[str]:
    if not _effective(settings, Place.PRODUCER, "enable.idempotence"):
        yield "enable.idempotence=false with SEAWALL_KAFKA_TRANSACTIONS: transactions need idempotence"
    if _number(settings, Place.API, "SEAWALL_KAFKA_FLUSH_EVERY"):
        yield "SEAWALL_KAFKA_FLUSH_EVERY with SEAWALL_KAFKA_TRANSACTIONS: a commit flushes already; leave one out"
    timeout = _number(settings, Place.PRODUCER, "message.timeout.ms")
    if not LEAST_TRANSACTION_MS <= timeout <= MOST_TRANSACTION_MS:
        yield (
            f"message.timeout.ms={timeout} with SEAWALL_KAFKA_TRANSACTIONS: it is a transaction's time, too, of which"
            f" brokers take {LEAST_TRANSACTION_MS:,} to {MOST_TRANSACTION_MS:,}"
        )


def _consumer(settings: KafkaSettings) -> Iterator[str]:
    if "consumer" in (settings.consumer.get("group.protocol"), settings.sink.get("SEAWALL_SINK_ASSIGNOR")):
        for name in OF_THE_OLD_PROTOCOL:
            if name in settings.consumer:
                yield f"{name} with group.protocol=consumer: the broker has it then; leave one out"
    names = ("heartbeat.interval.ms", "session.timeout.ms", "max.poll.interval.ms")
    heartbeat, session, poll = (_number(settings, Place.CONSUMER, name) for name in names)
    if heartbeat >= session:
        yield f"heartbeat.interval.ms={heartbeat} and session.timeout.ms={session}: every session would run out"
    if not SHORTEST_SESSION_MS <= session <= LONGEST_SESSION_MS:
        yield f"session.timeout.ms={session}: brokers take {SHORTEST_SESSION_MS:,} to {LONGEST_SESSION_MS:,}"
    if poll < session:
        yield f"max.poll.interval.ms={poll} and session.timeout.ms={session}: librdkafka refuses the shorter first"
    largest, part = (_number(settings, Place.CONSUMER, name) for name in ("fetch.max.bytes", "fetch.min.bytes"))
    if largest < part:
        yield f"fetch.max.bytes={largest} and fetch.min.bytes={part}: a broker would always wait for its time"


def _replicas(settings: KafkaSettings, brokers: int) -> Iterator[str]:
    replicas, in_sync = int(settings.stack.get("replication", brokers)), settings.topic.get("min.insync.replicas")
    if replicas > brokers:
        yield f"replication={replicas} with {brokers} brokers: a broker has one replica of a partition (--brokers 3)"
    if in_sync is not None and int(in_sync) > replicas:
        yield f"min.insync.replicas={in_sync} with {replicas} replicas: no write could be acknowledged (--brokers 3)"


def _effective(settings: KafkaSettings, place: Place, name: str) -> Value:
    knob = knobs()[place, name]
    return knob.read(as_text(settings.of(place).get(name, knob.shipped)))


def _number(settings: KafkaSettings, place: Place, name: str) -> int:
    return int(_effective(settings, place, name))
