"""The log's reader on a real broker: it finds one run's records among others, and says where an offset is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from kept_schemas import Kept
from service_processes import eventually

from contract.entities import ENTITIES
from contract.ids import Run, low_bits, mint
from contract.keys import KEY_CODECS
from seawall.audit.errors import AuditFailed
from seawall.audit.log import Gap, LogReader
from seawall.stack.stack import Stack

RUN, OTHER = Run(1_700_000_000_000, 1), Run(1_700_000_000_000, 2)
STRANGE_KEYS = [b"", b"no id", b"x" * 36, b"0" * 36, b"-" * 36, None]


@pytest.fixture
def topic(stack: Stack) -> Iterator[str]:
    """Return a topic of two partitions that no sink reads."""
    name = f"audited-{time.time_ns()}"
    administrator = AdminClient(stack.connections.kafka)
    administrator.create_topics([NewTopic(name, 2, 1)])[name].result(10)
    yield name
    administrator.delete_topics([name])[name].result(10)


def in_a_transaction(stack: Stack, producer: Producer, topic: str, sequence: int) -> None:
    """Write record *sequence* into partition 0, and return once the transaction's marker lies there, too.

    `commit_transaction` returns earlier: the coordinator writes markers after it answered (KIP-98), and until then no
    reader of committed records sees any of them.
    """
    producer.begin_transaction()
    producer.produce(topic, b"{}", str(mint(RUN, sequence, 1, 2)), partition=0)
    producer.commit_transaction(10)
    consumer = Consumer({**stack.connections.kafka, "group.id": topic})
    deadline = time.monotonic() + 30
    while consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1] < 2 * sequence:
        assert time.monotonic() < deadline, "no marker was written"
        time.sleep(0.01)
    consumer.close()


@pytest.mark.parametrize("afterwards", [2, 7], ids=["shorter than it was", "longer than it was"])
def test_a_log_that_was_lost_is_read_from_its_new_beginning(stack: Stack, topic: str, afterwards: int) -> None:
    """Its offsets count from 0 again, so that where it ended before says nothing, however far it has come since."""

    def publish(run: Run, count: int) -> None:
        producer = Producer(stack.connections.kafka)
        for sequence in range(1, count + 1):
            producer.produce(topic, b"{}", str(mint(run, sequence, 1, 2)), partition=0)
        assert producer.flush(10) == 0

    administrator = AdminClient(stack.connections.kafka)
    publish(OTHER, 5)
    administrator.delete_records([TopicPartition(topic, 0, 5)])  # as a trial begins
    reader = LogReader(stack.connections.kafka)
    consumer = Consumer({**stack.connections.kafka, "group.id": topic})
    eventually(lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (5, 5))
    consumer.close()
    reader.begin([topic])
    administrator.delete_topics([topic])[topic].result(10)
    eventually(lambda: topic not in administrator.list_topics(timeout=10).topics)
    administrator.create_topics([NewTopic(topic, 2, 1)])[topic].result(10)
    publish(RUN, afterwards)
    found = reader.records(topic, RUN)
    reader.close()
    assert found.low.tolist() == [low_bits(sequence, 1, 2) for sequence in range(1, afterwards + 1)]
    assert found.gaps == ()
    assert found.anew == {0}


def test_one_runs_records_are_found_among_all_that_lies_in_the_log(stack: Stack, topic: str) -> None:
    """Other runs' records and keys that are no ids have offsets, and no record."""
    producer = Producer({**stack.connections.kafka, "enable.idempotence": True})
    for sequence in range(1, 4):
        for key in (str(mint(OTHER, sequence, 1, 2)).encode(), *STRANGE_KEYS, str(mint(RUN, sequence, 1, 2)).encode()):
            producer.produce(topic, b"{}", key, partition=1)
    assert producer.flush(10) == 0
    reader = LogReader(stack.connections.kafka)
    found = reader.records(topic, RUN)
    reader.close()
    assert found.low.tolist() == [low_bits(sequence, 1, 2) for sequence in range(1, 4)]
    assert found.partition.tolist() == [1, 1, 1]
    assert found.offset.tolist() == [7, 15, 23]
    assert found.gaps == ()
    assert found.ahead.all()


def test_records_are_found_however_their_keys_are_written(stack: Stack, topic: str) -> None:
    """In each of the forms that the API can be told to write, side by side, and with keys of the same length around."""
    producer = Producer({**stack.connections.kafka, "enable.idempotence": True})
    for sequence, make in enumerate(KEY_CODECS.values(), start=1):
        codec = make(Kept())
        codec.prepare()
        key = codec.encode(ENTITIES["users"], mint(RUN, sequence, 1, 2))
        for one in (key, bytes(len(key)), b"\xff" * len(key), codec.encode(ENTITIES["users"], mint(OTHER, 1, 1, 2))):
            producer.produce(topic, b"{}", one, partition=0)
    assert producer.flush(10) == 0
    reader = LogReader(stack.connections.kafka)
    found = reader.records(topic, RUN)
    reader.close()
    assert found.low.tolist() == [low_bits(sequence, 1, 2) for sequence in range(1, 6)]
    assert found.offset.tolist() == [0, 4, 8, 12, 16]


def test_an_offset_without_a_message_is_a_gap_even_at_the_end(stack: Stack, topic: str) -> None:
    """The marker that ends a transaction takes an offset, and no reader is ever given it."""
    producer = Producer({**stack.connections.kafka, "transactional.id": topic})
    producer.init_transactions(10)
    for sequence in (1, 2):
        in_a_transaction(stack, producer, topic, sequence)
    reader = LogReader(stack.connections.kafka)
    found = reader.records(topic, RUN)
    reader.close()
    assert found.offset.tolist() == [0, 2]
    assert found.gaps == (Gap(0, 1, 1), Gap(0, 3, 3))


def test_what_lay_in_the_log_before_a_trial_is_not_read_again(stack: Stack, topic: str) -> None:
    """Neither its records nor its gaps; a log that is kept for hours costs each audit no more than the last minute."""
    producer = Producer({**stack.connections.kafka, "transactional.id": topic})
    producer.init_transactions(10)
    reader = LogReader(stack.connections.kafka)
    for sequence in (1, 2):
        reader.begin([topic])
        in_a_transaction(stack, producer, topic, sequence)
        found = reader.records(topic, RUN)
        assert found.low.tolist() == [low_bits(sequence, 1, 2)]
        assert found.gaps == (Gap(0, 2 * sequence - 1, 2 * sequence - 1),)
    reader.begin([topic])
    assert len(reader.records(topic, RUN).low) == 0
    reader.close()


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "read afterwards"])
def test_what_is_deleted_in_a_trial_is_told_and_was_seen_by_who_followed(
    stack: Stack, topic: str, *, followed: bool
) -> None:
    """Which offsets those are is known either way; none of their records can still be read."""
    producer = Producer({**stack.connections.kafka, "enable.idempotence": True})

    def publish(*sequences: int) -> None:
        for sequence in sequences:
            producer.produce(topic, b"{}", str(mint(RUN, sequence, 1, 2)), partition=0)
        assert producer.flush(10) == 0

    reader = LogReader(stack.connections.kafka)
    publish(1)
    reader.begin([topic])
    if followed:
        reader.follow([topic])
    publish(2, 3, 4, 5)
    administrator, consumer = (
        AdminClient(stack.connections.kafka),
        Consumer({**stack.connections.kafka, "group.id": topic}),
    )
    if followed:
        reader.records(topic, RUN)  # which waits until the four have been seen
    administrator.delete_records([TopicPartition(topic, 0, 3)])  # as a retention would
    eventually(lambda: consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (3, 5))
    consumer.close()
    publish(6)
    found = reader.records(topic, RUN)
    reader.close()
    assert found.deleted == (Gap(0, 1, 2),)
    expected = [2, 3, 4, 5, 6] if followed else [4, 5, 6]
    assert found.low.tolist() == [low_bits(sequence, 1, 2) for sequence in expected]
    assert found.gaps == ()
    assert found.is_deleted.tolist() == [sequence < 4 for sequence in expected]
    assert found.ahead.tolist() == [sequence >= 4 for sequence in expected]


def test_a_broker_that_does_not_answer_is_an_error(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be said of a log that cannot be read."""
    monkeypatch.setattr("seawall.audit.log._TIMEOUT_S", 0.5)
    reader = LogReader({**stack.connections.kafka, "bootstrap.servers": "127.0.0.1:1"})
    with pytest.raises(AuditFailed, match="could not be read"):
        reader.records("anything", RUN)
    reader.close()
