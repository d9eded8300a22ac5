"""Combinations that cannot be are found before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from hypothesis import given
from hypothesis import strategies as st

from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Value
from seawall.tuning.rules import mistakes_of


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"producer": {"acks": 1}}, "idempotence needs acks=-1"),
        ({"producer": {"max.in.flight.requests.per.connection": 6}}, "at most 5"),
        ({"producer": {"retries": 0}}, "needs them"),
        ({"producer": {"linger.ms": 10_000}}, "given up before it is sent"),
        ({"consumer": {"heartbeat.interval.ms": 6_000}}, "every session would run out"),
        ({"consumer": {"session.timeout.ms": 1_000}}, "brokers take 6,000 to 1,800,000"),
        ({"consumer": {"session.timeout.ms": 45_000, "max.poll.interval.ms": 10_000}}, "refuses the shorter first"),
        ({"consumer": {"fetch.max.bytes": 100}}, "would always wait for its time"),
        ({"topic": {"min.insync.replicas": 2}}, "no write could be acknowledged"),
        ({"stack": {"replication": 3}}, "one replica of a partition"),
        ({"producer": {"linger": 5}}, "no such knob"),
        ({"sink": {"SEAWALL_SINK_BATCH_SIZE": 0}}, "choose 1 to 50,000"),
        (
            {"api": {"SEAWALL_KAFKA_TRANSACTIONS": "each"}, "producer": {"enable.idempotence": False}},
            "transactions need idempotence",
        ),
        ({"api": {"SEAWALL_KAFKA_TRANSACTIONS": "each", "SEAWALL_KAFKA_FLUSH_EVERY": 1}}, "flushes already"),
        ({"consumer": {"group.protocol": "consumer", "session.timeout.ms": 6_000}}, "the broker has it then"),
        (
            {"api": {"SEAWALL_KAFKA_TRANSACTIONS": "group"}, "producer": {"message.timeout.ms": 500}},
            "brokers take 1,000 to 900,000",
        ),
    ],
)
def test_each_rule_is_named(tables: dict[str, dict[str, Value]], words: str) -> None:
    """One mistake, one sentence."""
    (mistake,) = mistakes_of(KafkaSettings(**tables), brokers=1)  # type: ignore[arg-type]
    assert words in mistake


def test_every_mistake_is_named_at_once() -> None:
    """Of several places."""
    wrong = KafkaSettings(producer={"acks": 0}, consumer={"heartbeat.interval.ms": 9_000})
    assert len(mistakes_of(wrong, brokers=1)) == 2
    assert mistakes_of(KafkaSettings(producer={"acks": 0, "enable.idempotence": False}), brokers=1) == []
    assert mistakes_of(KafkaSettings(topic={"min.insync.replicas": 2}), brokers=3) == []
    assert mistakes_of(KafkaSettings(producer={"acks": "all", "enable.idempotence": "true"}), brokers=1) == []


@given(
    st.sampled_from([-1, 0, 1]),
    st.sampled_from(["true", "false"]),
    st.sampled_from([1, 5, 6, 1_000_000]),
    st.sampled_from([0, 1, 100]),
    st.sampled_from([0, 5, 999, 1_000, 2_000]),
    st.sampled_from([1_000, 10_000]),
)
def test_what_a_producer_refuses_is_refused_before(
    acks: int, idempotence: str, flights: int, retries: int, linger_ms: int, timeout_ms: int
) -> None:
    """The client library is asked about the same combination."""
    producer: dict[str, Value] = {
        "acks": acks,
        "enable.idempotence": idempotence,
        "max.in.flight.requests.per.connection": flights,
        "retries": retries,
        "linger.ms": linger_ms,
        "message.timeout.ms": timeout_ms,
    }
    try:
        Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **producer})
    except KafkaException:
        assert mistakes_of(KafkaSettings(producer={**producer}), brokers=1)


@given(
    st.sampled_from([6_000, 45_000]),
    st.sampled_from([5_000, 6_000, 300_000]),
    st.sampled_from([10, 1_000_000, 52_428_800]),
)
def test_what_a_consumer_refuses_is_refused_before(session_ms: int, poll_ms: int, fetch_bytes: int) -> None:
    """As above."""
    consumer: dict[str, Value] = {
        "session.timeout.ms": session_ms,
        "max.poll.interval.ms": poll_ms,
        "fetch.max.bytes": fetch_bytes,
    }
    try:
        Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "nobody", "log_level": 0, **consumer})
    except KafkaException:
        assert mistakes_of(KafkaSettings(consumer={**consumer}), brokers=1)


def test_a_settings_file_is_read(tmp_path: Path) -> None:
    """Tables by place become variables of the services and settings of the servers."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'about = "fast"\n[producer]\n"linger.ms" = 1\n'
        '[sink]\nSEAWALL_SINK_BATCH_SIZE = 10\n[topic]\n"flush.messages" = 1\n'
    )
    found = read_settings(path)
    assert found.variables() == {
        "api": {"SEAWALL_KAFKA_PRODUCER_PROPERTIES": '{"linger.ms":1}'},
        "sink": {"SEAWALL_SINK_BATCH_SIZE": "10"},
    }
    assert found.texts("topic") == {"flush.messages": "1"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[producers]\n", "producers"),
        ("[producer]\nlinger.ms = 1\n", "producer"),
        ("[producer", "table declaration"),
        (None, "No such file"),
    ],
)
def test_a_settings_file_that_is_none_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    """With the file's name and what is wrong in it."""
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadSettings, match=words) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("serializer", "needs"), [("json", False), ("string", False), ("avro", True), ("protobuf", True)]
)
def test_settings_know_whether_they_need_a_registry(serializer: str, needs: bool) -> None:  # noqa: FBT001 - a parameter
    """For the value or for the key."""
    for name in ("SEAWALL_VALUE_SERIALIZER", "SEAWALL_KEY_SERIALIZER"):
        settings = KafkaSettings(api={name: serializer}, producer={"linger.ms": 1})
        assert settings.needs_registry is needs
        assert settings.variables() == {
            "api": {name: serializer, "SEAWALL_KAFKA_PRODUCER_PROPERTIES": '{"linger.ms":1}'}
        }
