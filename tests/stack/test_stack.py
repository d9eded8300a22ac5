"""The running stack as a whole."""

from __future__ import annotations

import signal

import psutil
import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition

from contract.engine import engine_of
from contract.entities import ENTITIES
from contract.ids import Run, mint
from contract.samples import sample_fields
from contract.tables import TABLES
from seawall.stack import reset
from seawall.stack.children import API_NICENESS, NICENESS
from seawall.stack.errors import StillBusy, UnknownService
from seawall.stack.stack import Stack


def test_attach_finds_the_stack_that_is_up(stack: Stack) -> None:
    """`attach` returns the stack that another call started."""
    found = Stack.attach()
    assert found is not None
    assert found.state.run == stack.state.run


def test_every_service_has_answered(stack: Stack) -> None:
    """Each service is ready, with a process of its own."""
    assert all(service.ready and service.pid for service in stack.state.services.values())


def test_fresh_leaves_base_rows_only(stack: Stack) -> None:
    """After `fresh` there are base users and products, and no row that counts."""
    stack.fresh()
    assert stack.row_counts() == dict.fromkeys(TABLES, 0)
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1000,)


def test_fresh_does_not_wait_for_ever_for_a_transaction(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that holds a table and does not go on is said; once it has ended, the tables are emptied."""
    monkeypatch.setattr(reset, "_LOCKED_AT_MOST_S", 1)
    with psycopg.connect(stack.connections.psycopg_url) as held:
        held.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        with pytest.raises(StillBusy, match="within 1 s, since a transaction of the service does not end"):
            stack.fresh()
        held.rollback()
    stack.fresh()
    assert stack.row_counts() == dict.fromkeys(TABLES, 0)


def test_fresh_empties_topics_and_cache(stack: Stack) -> None:
    """After `fresh` the topics hold no record, the sinks have nothing left to do, and nothing is cached."""
    producer = Producer(stack.connections.kafka)
    producer.produce("seawall.users", b"no record")
    producer.flush(10)
    with redis.Redis.from_url(stack.connections.redis_url) as cache:
        cache.set("seawall:users:1", "x")
        stack.fresh()
        assert cache.dbsize() == 0
    assert stack.lag() == 0
    consumer = Consumer({**stack.connections.kafka, "group.id": "tests"})
    spans = [consumer.get_watermark_offsets(TopicPartition("seawall.users", part)) for part in range(3)]
    consumer.close()
    assert all(low == high for low, high in spans)


def test_row_counts_leave_base_rows_out(stack: Stack) -> None:
    """Only rows of runs are counted, and where rows are kept only those of the runs since then."""
    stack.fresh()
    entity = ENTITIES["users"]
    fields = sample_fields(entity, seed=1, count=1)[0]
    record = {**fields, "id": mint(Run(1, 0), 0, 0, entity.number)}
    engine = engine_of(stack.connections)
    with engine.begin() as connection:
        connection.execute(TABLES["users"].insert(), record)
    assert stack.row_counts() == {**dict.fromkeys(ENTITIES, 0), "users": 1}
    assert [stack.row_counts(since_ms)["users"] for since_ms in (1, 2)] == [1, 0]
    stack.fresh()


def test_settings_are_those_of_the_servers(stack: Stack) -> None:
    """What decides on durability is read back from PostgreSQL, and nothing is weakened."""
    found = stack.settings()["postgres"]
    assert (found["fsync"], found["synchronous_commit"], found["full_page_writes"]) == ("on", "on", "on")


def test_resources_count_every_service(stack: Stack) -> None:
    """Each service has used some processor time and holds some memory, and time never runs backwards."""
    first, second = stack.resources(), stack.resources()
    assert set(first) == set(stack.state.services)
    assert all(use.cpu_s > 0 and use.rss_bytes > 0 for use in first.values())
    assert all(second[name].cpu_s >= first[name].cpu_s for name in first)


def test_servers_run_behind_the_generator(stack: Stack) -> None:
    """Every server has a lower priority than this process, the API less so than those that it waits for."""
    levels = {
        (service.kind == "api", psutil.Process(service.pid).nice() - psutil.Process().nice())
        for service in stack.state.services.values()
        if service.pid
    }
    assert levels == {(True, API_NICENESS), (False, NICENESS)}


def test_an_unknown_service_cannot_be_signalled(stack: Stack) -> None:
    """The error names the services that there are."""
    with pytest.raises(UnknownService, match="postgres, valkey"):
        stack.signal("oracle", signal.SIGTERM)


def test_deleted_records_are_no_lag(stack: Stack) -> None:
    """What `fresh` deleted before a sink could read it is not waited for."""
    stack.fresh()
    stack.signal("sink-1", signal.SIGSTOP)
    try:
        producer = Producer(stack.connections.kafka)
        for _ in range(10):
            producer.produce("seawall.users", b"no record")
        producer.flush(10)
        assert stack.lag() == 10
        stack.fresh()
        assert stack.lag() == 0
    finally:
        stack.signal("sink-1", signal.SIGCONT)
