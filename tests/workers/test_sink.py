"""What a sink does with the log: on the real Kafka, into a database and with a consumer group of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from databases import LONG_ON_MARIADB, made_in, session_of
from new_records import new_fields, new_record
from service_processes import eventually, gate_to, running_sink

from contract.connections import Connections
from contract.entities import ENTITIES, Record
from contract.journal import Commit, read_journal
from contract.topics import DEAD_LETTER_TOPIC, REASON_HEADER, SOURCE_OFFSET_HEADER, record_topics, topic_of
from seawall.stack.stack import Stack

USERS, PRODUCTS = ENTITIES["users"], ENTITIES["products"]
JSON_CODEC = [("codec", b"json")]
UNLUCKY_AGE = 77
_numbers = iter(range(1, 1000))


class Bench:
    """A database and a group of their own, and a producer for the topics that all sinks share."""

    def __init__(self, servers: Connections) -> None:
        number = next(_numbers)
        self.group = f"test-sink-{number}"
        self.connections = made_in(servers, f"sink_test_{number}")
        self.database = session_of(self.connections)
        # a rule that the contract does not know, so that the database refuses what validation lets through
        self.database.ask(f"ALTER TABLE users ADD CONSTRAINT a_check_constraint CHECK (age <> {UNLUCKY_AGE})")
        # the clients may outlive the brokers, and should not complain on the tests' own output
        quiet = {**self.connections.kafka, "log_level": 0}
        self.producer = Producer({**quiet, "acks": "all", "enable.idempotence": True})
        self.admin = AdminClient(quiet)
        self.reader = Consumer({**quiet, "group.id": self.group + "-reader", "fetch.wait.max.ms": 10})
        self._begin_at_the_end()

    def settings(self) -> dict[str, str]:
        """Return what a sink of this group is told."""
        return {"SEAWALL_SINK_GROUP": self.group, "SEAWALL_SINK_NAME": self.group}

    def close(self) -> None:
        """Close the clients."""
        self.database.close()
        self.reader.close()

    def publish(self, records: list[Any], topic: str = topic_of(USERS), **named: Any) -> list[tuple[int, int]]:
        """Publish records, or bytes as they are, and return their partitions and offsets."""
        places: list[tuple[int, int]] = []

        def note(error: KafkaError | None, message: Message) -> None:
            assert error is None
            places.append((message.partition() or 0, message.offset() or 0))

        for record in records:
            value = record if isinstance(record, bytes | None) else msgspec.json.encode(record)
            key = str(record.id) if isinstance(record, USERS.record | PRODUCTS.record) else "some key"
            self.producer.produce(topic, value, key, **{"headers": JSON_CODEC, "on_delivery": note, **named})
            self.producer.poll(0)
        assert self.producer.flush(20) == 0
        return places

    def stored(self, record: Record) -> list[Record]:
        """Return the rows with the id of a user."""
        return self.database.records(USERS, [record.id])

    def count(self, records: list[Record]) -> int:
        """Return how many of these users and products are stored."""
        identities = [one.id for one in records]
        return sum(len(self.database.records(entity, identities)) for entity in (USERS, PRODUCTS))

    def reasons(self, topic: str, places: list[tuple[int, int]]) -> list[str]:
        """Return the reasons of the letters from these places in the table."""
        query = 'SELECT reason FROM dead_letters WHERE topic = %s AND ("partition", "offset") IN '
        marks = ", ".join(["(%s, %s)"] * len(places))
        found = self.database.ask(f"{query}({marks})", topic, *(part for place in places for part in place))
        return [reason for (reason,) in found]

    def ends(self) -> dict[tuple[str, int], int]:
        """Return where each partition ends."""
        topics = self.reader.list_topics(timeout=10).topics
        pairs = [(name, partition) for name in record_topics() for partition in topics[name].partitions]
        return {pair: self.reader.get_watermark_offsets(TopicPartition(*pair), timeout=10)[1] for pair in pairs}

    def committed(self) -> dict[tuple[str, int], int]:
        """Return what the group has committed."""
        request = ConsumerGroupTopicPartitions(self.group)
        found = self.admin.list_consumer_group_offsets([request])[self.group].result(timeout=10)
        return {(one.topic, one.partition): one.offset for one in found.topic_partitions or []}

    def is_drained(self) -> bool:
        """Tell whether the group has committed everything there is."""
        ends = self.ends()
        return {**dict.fromkeys(ends, 0), **self.committed()} == ends

    def _begin_at_the_end(self) -> None:
        """Let the group begin with what comes from now on."""
        self.start = self.ends()
        offsets = [TopicPartition(*pair, offset) for pair, offset in self.start.items()]
        self.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(self.group, offsets)])[self.group].result(
            timeout=10
        )


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


@pytest.fixture(scope="module")
def journals(servers: Connections, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the sinks of this module write their journals."""
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def bench(servers: Connections, journals: Path) -> Iterator[Bench]:
    """Return a bench at which one sink works."""
    found = Bench(servers)
    with running_sink(found.connections, journals, **found.settings()):
        yield found
    found.close()


def _commits(directory: Path) -> list[Commit]:
    return [entry for path in directory.glob("*.jsonl") for entry in read_journal(path)[0] if isinstance(entry, Commit)]


def _offsets(commits: list[Commit]) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = {}
    for commit in commits:
        for span in commit.spans:
            found.setdefault((span.topic, span.partition), []).extend(range(span.first, span.last + 1))
    return found


def test_records_become_rows_and_offsets_are_committed(bench: Bench) -> None:
    """What is in the log is in the table, as it was published, and the group says that it is done."""
    records = [new_record(USERS) for _ in range(500)]
    bench.publish(records)
    eventually(lambda: bench.count(records) == len(records))
    assert bench.stored(records[7]) == [records[7]]
    eventually(bench.is_drained)


def test_a_record_that_is_published_twice_is_stored_once(bench: Bench, journals: Path) -> None:
    """Twins in one batch and in two are absorbed, and counted."""
    before = sum(commit.duplicates for commit in _commits(journals))
    record = new_record(USERS)
    bench.publish([record, record])
    eventually(lambda: bench.stored(record))
    bench.publish([record])
    eventually(lambda: sum(commit.duplicates for commit in _commits(journals)) == before + 2)
    assert bench.stored(record) == [record]
    eventually(bench.is_drained)


@pytest.mark.parametrize(
    ("flaw", "value", "headers", "reason"),
    [
        ("not JSON", b"\x00\xff", JSON_CODEC, "not valid"),
        ("no value", None, JSON_CODEC, "without a value"),
        ("no record", b"{}", JSON_CODEC, "missing required field"),
        ("NUL", msgspec.json.encode(new_fields(USERS, city="a\0")), JSON_CODEC, "NUL"),
        ("codec", msgspec.json.encode(new_fields(USERS)), [("codec", b"morse")], "unknown codec"),
    ],
)
def test_what_can_never_be_stored_is_dead_lettered(
    bench: Bench, flaw: str, value: bytes | None, headers: list[tuple[str, bytes]], reason: str
) -> None:
    """Poison goes to the table and the topic with the reason, its neighbours are stored, and the log moves on."""
    before, after = new_record(USERS), new_record(USERS)
    bench.publish([before])
    places = bench.publish([value], headers=headers)
    bench.publish([after])
    eventually(lambda: bench.reasons(topic_of(USERS), places))
    (found,) = bench.reasons(topic_of(USERS), places)
    assert reason in found
    eventually(lambda: bench.count([before, after]) == 2)
    eventually(bench.is_drained)
    letter = _find_letter(bench, places[0][1], value)
    assert letter[REASON_HEADER].decode() == found


def _find_letter(bench: Bench, offset: int, value: bytes | None) -> dict[str, bytes]:
    """Return the headers of the dead letter from *offset* that holds *value*."""
    topic = bench.reader.list_topics(DEAD_LETTER_TOPIC, timeout=10).topics[DEAD_LETTER_TOPIC]
    starts = [TopicPartition(DEAD_LETTER_TOPIC, partition, 0) for partition in topic.partitions]
    bench.reader.assign(starts)
    for start in starts:
        low, _ = bench.reader.get_watermark_offsets(start, timeout=10)
        bench.reader.seek(TopicPartition(start.topic, start.partition, low))
    for _ in range(200):
        for message in bench.reader.consume(100, 0.1):
            headers = {name: part for name, part in list(message.headers() or ()) if isinstance(part, bytes)}
            if headers.get(SOURCE_OFFSET_HEADER) == str(offset).encode() and message.value() == value:
                bench.reader.unassign()
                return {str(name): part for name, part in headers.items()}
    raise AssertionError("no such dead letter")


def test_other_content_under_a_known_id_is_dead_lettered(bench: Bench) -> None:
    """The first record stays, whether the second comes in the same batch or later."""
    first = new_record(USERS)
    second, third = (msgspec.structs.replace(new_record(USERS), id=first.id) for _ in range(2))
    places = bench.publish([first, second])
    eventually(lambda: len(bench.reasons(topic_of(USERS), places)) == 1)
    places = bench.publish([third])
    eventually(lambda: bench.reasons(topic_of(USERS), places))
    assert bench.reasons(topic_of(USERS), places)[0].startswith("conflict")
    assert bench.stored(first) == [first]


def test_what_the_database_refuses_does_not_stop_its_neighbours(bench: Bench) -> None:
    """A batch with a few records that break a rule of the database is stored but for these."""
    good = [new_record(USERS, age=30) for _ in range(60)]
    bad = [new_record(USERS, age=UNLUCKY_AGE) for _ in range(3)]
    mixed = [*good[:20], bad[0], *good[20:40], bad[1], bad[2], *good[40:]]
    places = bench.publish(mixed)
    eventually(lambda: len(bench.reasons(topic_of(USERS), places)) == len(bad))
    assert all("check_constraint" in reason for reason in bench.reasons(topic_of(USERS), places))
    eventually(lambda: bench.count(good) == len(good))
    assert bench.count(bad) == 0
    eventually(bench.is_drained)


def test_the_journal_covers_every_offset_once(bench: Bench, journals: Path) -> None:
    """Stored, duplicate or dead: the moment after each offset's commit is known, and in order."""
    users, products = ([new_record(entity) for _ in range(100)] for entity in (USERS, PRODUCTS))
    bench.publish(users)
    bench.publish(products, topic=topic_of(PRODUCTS))
    eventually(bench.is_drained)
    commits = _commits(journals)
    covered = _offsets(commits)
    for pair, end in bench.ends().items():
        assert covered.get(pair, []) == list(range(bench.start[pair], end))
    times = [commit.monotonic_ns for commit in commits]
    assert times == sorted(times)
    found = sum(commit.stored + commit.duplicates + commit.dead_lettered for commit in commits)
    assert found == sum(len(offsets) for offsets in covered.values())


def _stream(bench: Bench, during: Callable[[], None]) -> list[Record]:
    """Publish a stream of records, do something in the midst of it, and return the records."""
    records = [new_record(USERS) for _ in range(3000)]
    bench.publish(records[:1000])
    eventually(lambda: bench.count(records[:1000]) > 0)
    during()
    bench.publish(records[1000:])
    return records


@LONG_ON_MARIADB
def test_a_sink_that_is_killed_loses_and_doubles_nothing(servers: Connections, tmp_path: Path) -> None:
    """After SIGKILL the next process of the same name takes the partitions over and ends with every row once."""
    bench = Bench(servers)
    small = {**bench.settings(), "SEAWALL_SINK_BATCH_SIZE": "50"}
    with running_sink(bench.connections, tmp_path, **small) as first:
        records = _stream(bench, lambda: first.send_signal(signal.SIGKILL))
        assert bench.count(records) < len(records)
    with running_sink(bench.connections, tmp_path, **small):
        eventually(lambda: bench.count(records) == len(records))
        eventually(bench.is_drained)
    covered = _offsets(_commits(tmp_path))
    for pair, end in bench.ends().items():
        assert set(covered.get(pair, [])) == set(range(bench.start[pair], end))
    bench.close()


def test_a_database_that_is_down_is_waited_out(servers: Connections, tmp_path: Path) -> None:
    """While the database is away nothing is lost, dead-lettered or committed; afterwards all of it is stored."""
    bench = Bench(servers)
    with (
        gate_to(bench.connections.plain_database_url) as (gate, behind),
        running_sink(bench.connections, tmp_path, SEAWALL_DATABASE_URL=behind, **bench.settings()) as sink,
    ):
        records = _stream(bench, gate.cut)
        assert not bench.is_drained()
        assert sink.poll() is None
        gate.mend()
        eventually(lambda: bench.count(records) == len(records))
        eventually(bench.is_drained)
        assert bench.database.ask("SELECT count(*) FROM dead_letters") == [(0,)]
    bench.close()


def _publish_both(bench: Bench) -> list[Record]:
    """Publish records to partitions of several topics, so that each of two sinks has some of them."""
    users, products = ([new_record(entity) for _ in range(100)] for entity in (USERS, PRODUCTS))
    bench.publish(users)
    bench.publish(products, topic=topic_of(PRODUCTS))
    return users + products


@LONG_ON_MARIADB
def test_a_partition_that_comes_back_after_a_wait_is_read_again(servers: Connections, tmp_path: Path) -> None:
    """Partitions that were taken away while the sink waited for its database are not left paused."""
    bench = Bench(servers)
    other = {"SEAWALL_SINK_GROUP": bench.group, "SEAWALL_SINK_NAME": "other"}
    with (
        gate_to(bench.connections.plain_database_url) as (gate, behind),
        running_sink(bench.connections, tmp_path, SEAWALL_DATABASE_URL=behind, **bench.settings()),
    ):
        records = _stream(bench, gate.cut)
        with running_sink(bench.connections, tmp_path, **other):
            # all is paused in the first sink when the second takes its share
            eventually(lambda: (tmp_path / "other.jsonl").exists() and _commits(tmp_path))
            more = _publish_both(bench)
            eventually(lambda: bench.count(more) > 0)
            gate.mend()
            eventually(lambda: bench.count(records) == len(records))
        # the second does not come back, so the first has everything once the session is over
        last = _publish_both(bench)
        eventually(lambda: bench.count(last) == len(last))
        eventually(bench.is_drained)
    bench.close()


@LONG_ON_MARIADB
def test_a_sink_whose_name_is_taken_ends(servers: Connections, tmp_path: Path) -> None:
    """Two processes under one name cannot both be right: the elder ends and says why."""
    bench = Bench(servers)
    with running_sink(bench.connections, tmp_path, **bench.settings()) as elder:
        _stream(bench, lambda: None)
        with running_sink(bench.connections, tmp_path, **bench.settings()):
            assert elder.wait(20) == 1
        assert "fenced" in (tmp_path / "sink.log").read_text()
    bench.close()


@LONG_ON_MARIADB
def test_a_sink_ends_in_order_when_it_is_told_to(servers: Connections, tmp_path: Path) -> None:
    """After SIGTERM every row that was stored is committed, and the exit code is 0."""
    bench = Bench(servers)
    with running_sink(bench.connections, tmp_path, SEAWALL_SINK_BATCH_SIZE="50", **bench.settings()) as sink:
        records = _stream(bench, lambda: sink.send_signal(signal.SIGTERM))
        assert sink.wait(20) == 0
    done = sum(bench.committed()[pair] - start for pair, start in bench.start.items())
    assert bench.count(records) == done > 0
    bench.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEAWALL_KAFKA_BOOTSTRAP_SERVERS", None),
        ("SEAWALL_DATABASE_URL", None),
        ("SEAWALL_SINK_NAME", "a b"),
        ("SEAWALL_SINK_BATCH_SIZE", "0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(stack: Stack, tmp_path: Path, name: str, value: str | None) -> None:
    """The process ends at once with a line about the setting."""
    connections: Connections = stack.connections
    with running_sink(connections, tmp_path, **{name: value}) as sink:
        assert sink.wait(20) == 2
    assert name in (tmp_path / "sink.log").read_text()
