"""What a sink that is killed reads again, or loses, by the way it commits: on the real Kafka, in a group of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from new_records import new_record
from service_processes import eventually, running_sink
from test_sink import Bench

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.journal import Commit, read_journal
from seawall.stack.stack import Stack
from workers.sink.commits import rule_of
from workers.sink.database import database_of
from workers.sink.settings import Settings

USERS = ENTITIES["users"]
_NEVER_MS = "3600000"


@pytest.fixture
def bench(stack: Stack, servers: Connections) -> Iterator[Bench]:
    """Yield a database and a group of their own."""
    found = Bench(servers)
    yield found
    found.close()
    stack.fresh()


def settings(bench: Bench, way: str, **changes: str) -> dict[str, str]:
    """Return what a sink is told that commits in this *way*, and otherwise never."""
    return {
        **bench.settings(),
        "SEAWALL_SINK_OFFSET_COMMITS": way,
        "SEAWALL_SINK_COMMIT_INTERVAL_MS": _NEVER_MS,
        **changes,
    }


def absorbed(directory: Path, bench: Bench) -> int:
    """Return how many records were read that were stored already."""
    entries, _ = read_journal(directory / f"{bench.group}.jsonl")
    return sum(entry.duplicates for entry in entries if isinstance(entry, Commit))


def test_what_was_not_committed_is_read_again(bench: Bench, tmp_path: Path) -> None:
    """All of it, once, by the next process; and one that ends in order commits what is left."""
    told = settings(bench, "periodic")
    records = [new_record(USERS) for _ in range(100)]
    with running_sink(bench.connections, tmp_path, **told) as sink:
        bench.publish(records)
        eventually(lambda: bench.count(records) == len(records), 60)
        sink.kill()
        sink.wait()
    assert absorbed(tmp_path, bench) == 0
    with running_sink(bench.connections, tmp_path, **told):
        eventually(lambda: absorbed(tmp_path, bench) == len(records), 60)
    assert bench.is_drained()
    assert bench.count(records) == len(records)


@pytest.mark.long
def test_offsets_of_the_database_win(bench: Bench, tmp_path: Path) -> None:
    """Whatever Kafka was told, a killed sink goes on behind its rows, and reads none of them again."""
    told = settings(bench, "database")
    first, second = ([new_record(USERS) for _ in range(100)] for _ in range(2))
    with running_sink(bench.connections, tmp_path, **told) as sink:
        bench.publish(first)
        eventually(lambda: bench.count(first) == len(first), 60)
        sink.kill()
        sink.wait()
    time.sleep(7)  # until the group has forgotten the member, its offsets cannot be altered
    back = [TopicPartition(*pair, offset) for pair, offset in bench.start.items()]
    bench.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(bench.group, back)])[bench.group].result(
        timeout=20
    )
    bench.publish(second)
    with running_sink(bench.connections, tmp_path, **told):
        eventually(lambda: bench.count(second) == len(second), 60)
    assert absorbed(tmp_path, bench) == 0
    kept = bench.database.ask('SELECT topic, "partition", next_offset FROM sink_offsets')
    ends = bench.ends()
    assert kept
    assert all(ends[topic, partition] == offset for topic, partition, offset in kept)


@pytest.mark.parametrize("connections", ["1", "2"])
def test_offsets_of_the_database_go_with_rows_that_were_begun_early(
    bench: Bench, tmp_path: Path, connections: str
) -> None:
    """Where more waits in the log, rows are sent before the server has answered: once, and their offsets with them."""
    records = [new_record(USERS) for _ in range(200)]
    bench.publish(records)
    told = settings(bench, "database", SEAWALL_SINK_BATCH_SIZE="20", SEAWALL_SINK_CONNECTIONS=connections)
    with running_sink(bench.connections, tmp_path, **told):
        eventually(lambda: bench.count(records) == len(records), 60)
    kept = database_of(bench.connections).kept_offsets(bench.group, bench.ends())
    assert sum(offset - bench.start[pair] for pair, offset in kept.items()) == len(records)
    assert absorbed(tmp_path, bench) == 0


def test_what_was_committed_before_it_was_written_is_lost(bench: Bench, tmp_path: Path) -> None:
    """Where the sink dies between the two; the audit's own controls find the same."""
    told = settings(bench, "before-write")
    records = [new_record(USERS) for _ in range(50)]
    with running_sink(bench.connections, tmp_path, **told) as sink:
        bench.database.lock(USERS, readers_too=False)
        bench.publish(records)
        eventually(lambda: bench.committed() != bench.start, 60)
        sink.kill()
        sink.wait()
        bench.database.unlock()
    lost = sum(offset - bench.start[pair] for pair, offset in bench.committed().items())
    assert 0 < lost <= len(records)
    with running_sink(bench.connections, tmp_path, **told):
        eventually(lambda: bench.count(records) == len(records) - lost, 60)
        eventually(bench.is_drained, 20)
    assert bench.count(records) == len(records) - lost


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "changes"),
    [
        ("batch", {}),
        ("automatic", {"SEAWALL_SINK_COMMIT_INTERVAL_MS": "100"}),
        ("periodic", {"SEAWALL_SINK_COMMIT_INTERVAL_MS": "100"}),
        ("1+N", {"SEAWALL_SINK_COMMIT_BATCHES": "1000"}),
        ("database", {}),
        ("before-write", {}),
    ],
)
def test_all_is_committed_in_the_end(bench: Bench, tmp_path: Path, way: str, changes: dict[str, str]) -> None:
    """While the sink runs, in each way, so that a lag becomes 0."""
    records = [new_record(USERS) for _ in range(100)]
    with running_sink(bench.connections, tmp_path, **settings(bench, way, **changes)):
        bench.publish(records)
        eventually(lambda: bench.count(records) == len(records), 60)
        eventually(bench.is_drained, 20)
    assert absorbed(tmp_path, bench) == 0


@pytest.mark.parametrize(
    ("way", "batches", "seconds", "alone"),
    [("batch", 1, float("inf"), False), ("automatic", 0, float("inf"), True), ("periodic", 0, 0.25, False),
     ("1+N", 7, float("inf"), False), ("database", 1, float("inf"), False)],
)  # fmt: skip
def test_each_way_has_its_rule(way: str, batches: int, seconds: float, *, alone: bool) -> None:
    """By batches, by the clock, or by the client alone, which then has the interval."""
    rule = rule_of(
        Settings.model_validate({"sink_offset_commits": way, "sink_commit_interval_ms": 250, "sink_commit_batches": 7})
    )
    assert (rule.after_batches, rule.after_s, rule.automatic) == (batches, seconds, alone)
    assert not rule.before_write
    assert rule.in_database is (way == "database")
    if alone:
        assert rule.configuration == {"enable.auto.commit": True, "auto.commit.interval.ms": 250}
