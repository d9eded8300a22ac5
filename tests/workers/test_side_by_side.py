"""A batch in parts over several connections: nothing is lost, nothing doubled, each partition in its order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from new_records import new_record
from service_processes import eventually, running_sink
from test_sink import Bench

from contract.codecs import JsonCodec
from contract.connections import Connections
from contract.entities import ENTITIES
from contract.journal import Commit, Span, read_journal
from contract.topics import topic_of
from seawall.stack.stack import Stack
from workers.sink.batches import Batch, Decoder, lots_of
from workers.sink.database import Outcome
from workers.sink.rows import ROW_FORMATS
from workers.sink.side_by_side import SideBySide, parts_of

USERS, PRODUCTS = ENTITIES["users"], ENTITIES["products"]


def message(partition: int, offset: int, value: bytes | None = None, *, products: bool = False) -> Message:
    """Return a message that holds a record, or *value*."""
    entity = PRODUCTS if products else USERS
    headers: list[tuple[str, str | bytes | None]] = [("codec", JsonCodec.name.encode())]
    value = msgspec.json.encode(new_record(entity)) if value is None else value
    return Message(topic=topic_of(entity), partition=partition, offset=offset, key=b"key", value=value, headers=headers)


def batch_of(messages: list[Message]) -> Batch:
    """Return the batch of these messages, with the offsets that are moved with it."""
    batch = Decoder(ROW_FORMATS).batch(lots_of(messages))
    return batch._replace(ends=batch.spans)


class Recorder:
    """Takes what a writer would write, and fails as often as it is told to."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, failures: int = 0) -> None:
        self.begun: list[Batch] = []
        self.written: list[Batch] = []
        self._failures = failures

    def begin(self, batch: Batch) -> None:
        """Note that it was begun."""
        self.begun.append(batch)

    def write(self, batch: Batch) -> Outcome:
        """Note it, or fail."""
        if self._failures:
            self._failures -= 1
            raise psycopg.OperationalError("the server is away")
        self.written.append(batch)
        return Outcome(batch.size, 0, [])

    def refusal(self, error: Exception) -> str:  # noqa: ARG002 - the protocol's signature
        """Say that nothing is refused."""
        return ""

    def close(self) -> None:
        """Do nothing."""


@settings(max_examples=25)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans()), min_size=1, max_size=6),
    most=st.integers(1, 5),
)
def test_parts_hold_the_batch_and_share_no_partition(sizes: list[tuple[int, bool, bool]], most: int) -> None:
    """Rows, dead letters and offsets, each once; every partition's rows in the order of the log."""
    messages = [
        message(partition, offset, b"no record" if dead and offset == 0 else None, products=products)
        for partition, (size, products, dead) in enumerate(sizes)
        for offset in range(size)
    ]
    batch = batch_of(messages)
    parts = parts_of(batch, most)
    assert len(parts) == min(most, len(sizes))
    assert sum(part.size for part in parts) == batch.size
    assert sum(len(part.letters) for part in parts) == len(batch.letters)
    assert _sorted(span for part in parts for span in part.spans) == _sorted(batch.spans)
    assert _sorted(span for part in parts for span in part.ends) == _sorted(batch.ends)
    whose = [{(span.topic, span.partition) for span in part.spans} for part in parts]
    assert sum(map(len, whose)) == len(set.union(*whose))
    for part, mine in zip(parts, whose, strict=True):
        places = [(one.topic(), one.partition(), one.offset()) for table in part.tables for one in table.messages]
        assert {place[:2] for place in places} <= mine
        assert places == sorted(places)


def _sorted(spans: Iterable[Span]) -> list[tuple[Any, ...]]:
    return sorted(map(msgspec.structs.astuple, spans))


def test_parts_are_of_about_the_same_size() -> None:
    """No part is larger than the largest partition, or its share by more than that."""
    batch = batch_of([message(number, offset) for number in range(6) for offset in range(10)])
    assert [part.size for part in parts_of(batch, 3)] == [20, 20, 20]


def test_what_is_stored_is_not_written_again_where_another_part_fails() -> None:
    """The next try begins with the part that failed, and counts all of them."""
    writers: list[Any] = [Recorder(), Recorder(failures=2), Recorder()]
    together = SideBySide(writers)
    batch = batch_of([message(number, offset) for number in range(3) for offset in range(5)])
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            together.write(batch)
    outcome = together.write(batch)
    assert (outcome.stored, outcome.transactions) == (15, (5, 5, 5))
    assert [len(writer.written) for writer in writers] == [1, 1, 1]
    assert len(writers[0].begun) == 1
    assert together.write(batch).stored == 15, "another time is another batch"


@pytest.fixture
def bench(stack: Stack, servers: Connections) -> Iterator[Bench]:
    """Yield a database and a group of their own."""
    found = Bench(servers)
    yield found
    found.close()
    stack.fresh()


def test_a_sink_with_several_connections_stores_each_record_once(bench: Bench, tmp_path: Path) -> None:
    """It has several sessions, dead letters are told, and after a kill what was not committed is absorbed."""
    records = [new_record(USERS) for _ in range(300)]
    told = {**bench.settings(), "SEAWALL_SINK_CONNECTIONS": "3", "SEAWALL_SINK_BATCH_SIZE": "50"}
    with running_sink(bench.connections, tmp_path, **told) as sink:
        bench.publish(records[:200])
        letters = bench.publish([b"no record"])
        eventually(lambda: bench.count(records) == 200, 60)
        sessions = bench.database.sessions(bench.group)
        assert 1 < sessions <= 3, "one for each part of a batch, which there are more of the more partitions it holds"
        eventually(lambda: len(bench.reasons(topic_of(USERS), letters)) == 1, 60)
        sink.kill()
        sink.wait()
    with running_sink(bench.connections, tmp_path, **told):
        bench.publish(records[200:])
        eventually(lambda: bench.count(records) == 300, 60)
        eventually(bench.is_drained, 60)
    entries, _ = read_journal(tmp_path / f"{bench.group}.jsonl")
    commits = [entry for entry in entries if isinstance(entry, Commit)]
    assert sum(commit.stored for commit in commits) == 300
    assert sum(commit.dead_lettered for commit in commits) >= 1
