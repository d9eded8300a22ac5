"""The independent reader on a real stack: what it sees and what service and sinks say agree, even when commits hang."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import numpy as np
import psycopg
import pytest
from service_processes import eventually

from contract.entities import ENTITIES
from contract.ids import Run, low_bits, mint
from contract.samples import sample_fields
from contract.topics import topic_of
from seawall.audit.committed import CommittedSampler
from seawall.audit.ledger import Int64s, UInt64s
from seawall.audit.log import LogReader
from seawall.audit.membership import places
from seawall.audit.offsets import committed_ahead, gaps
from seawall.audit.order import order_in_log, order_of_visibility
from seawall.audit.reader_process import ReaderProcess, sampled_users
from seawall.audit.rows import row_reader
from seawall.audit.sightings import contradictions, reader_visible_delay
from seawall.audit.visibility import Journals
from seawall.stack.stack import Stack

ORDERS = ENTITIES["orders"]
TOPIC = topic_of(ORDERS)
USERS, EACH = 4, 5
HOLD_MS = 100
HOLD_NS = HOLD_MS * 1_000_000


@dataclass(frozen=True)
class Written:
    """What was sent, and when, shape ``(records,)`` each."""

    run: Run
    low: UInt64s
    sent_ns: Int64s
    answered_ns: Int64s


def write(stack: Stack, path: str) -> Written:
    """Write a few orders of each user, one after the other."""
    run = Run(time.time_ns() // 1_000_000, 3)
    contents = sample_fields(ORDERS, 1, EACH)
    columns: list[tuple[int, int, int]] = []
    with httpx.Client(
        base_url=stack.state.api_url, timeout=20, headers={"content-type": "application/json", **stack.api_headers}
    ) as client:
        for sequence in range(1, EACH + 1):
            for user in range(USERS):
                record = ORDERS.record(id=mint(run, sequence, user, ORDERS.number), **contents[sequence - 1])
                sent_ns = time.monotonic_ns()
                client.post(f"/v1/{path}/orders", content=msgspec.json.encode(record)).raise_for_status()
                columns.append((low_bits(sequence, user, ORDERS.number), sent_ns, time.monotonic_ns()))
    low, sent_ns_all, answered_ns = zip(*columns, strict=True)
    return Written(run, np.array(low, np.uint64), np.array(sent_ns_all, np.int64), np.array(answered_ns, np.int64))


@pytest.fixture(scope="module")
def slow_flush(stack: Stack) -> Iterator[None]:
    """Let every commit wait before it flushes: a disk that takes its time."""
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as administrator:
        administrator.execute(f"ALTER SYSTEM SET commit_delay = {HOLD_MS * 1000}")
        administrator.execute("ALTER SYSTEM SET commit_siblings = 0")
        administrator.execute("SELECT pg_reload_conf()")
        eventually(lambda: _commit_delay(stack) == HOLD_MS * 1000)
        yield
        administrator.execute("ALTER SYSTEM RESET commit_delay")
        administrator.execute("ALTER SYSTEM RESET commit_siblings")
        administrator.execute("SELECT pg_reload_conf()")
    stack.fresh()


def _commit_delay(stack: Stack) -> int:
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        found = connection.execute("SELECT setting::int FROM pg_settings WHERE name = 'commit_delay'").fetchone()
    assert found is not None
    return int(found[0])


def held_back(delays_ns: Int64s) -> bool:
    """Whether the hold shows in *delays_ns*; the WAL writer may flush a commit or two before their backend does."""
    return bool(len(delays_ns)) and float(np.mean(delays_ns >= HOLD_NS)) >= 0.8


@pytest.fixture
def reader(stack: Stack) -> Iterator[ReaderProcess]:
    """Follow all users of the run that comes next."""
    process = ReaderProcess(stack.connections.psycopg_url, ["orders"], sampled_users(USERS, seed=1))
    process.start()
    yield process
    process.close()


@pytest.mark.usefixtures("slow_flush")
def test_a_flush_that_is_held_back_shows_on_the_kafka_path(stack: Stack, reader: ReaderProcess) -> None:
    """Journal and reader both contain the hold, nothing contradicts, and log and offsets are in order."""
    journals = Journals(Path(stack.state.journal_dir))
    journals.forget()
    log_reader, rows = LogReader(stack.connections.kafka), row_reader(stack.connections)
    with CommittedSampler(stack.connections.kafka, [TOPIC], every_s=0.02) as sampler:
        written = write(stack, "kafka")
        eventually(lambda: len(rows.rows(ORDERS, written.run).low) == USERS * EACH)
        eventually(lambda: stack.lag() == 0)
        sightings, samples = reader.stop(), sampler.stop()
    log = log_reader.records(TOPIC, written.run)
    visible_ns = journals.visible_ns(log)
    place, there = places(log.low, np.sort(written.low))
    assert there.all()
    sent_ns = written.sent_ns[np.argsort(written.low)][place]
    assert held_back(visible_ns - sent_ns)
    assert sightings.run == written.run
    seen = reader_visible_delay(sightings, written.low, written.sent_ns)
    assert held_back(seen.most_ns)
    assert not len(contradictions(sightings, log.low, visible_ns))
    assert order_in_log(written.run, written.low, log).counts.clean
    assert order_of_visibility(written.run, written.low, log, visible_ns).counts.clean
    assert gaps(log).counts.clean
    assert committed_ahead(written.run, log, visible_ns, written.low, samples).counts.clean
    assert max(int(one.committed.max()) for one in samples.values()) > 0
    log_reader.close()
    rows.close()


@pytest.mark.usefixtures("slow_flush")
def test_a_flush_that_is_held_back_shows_in_the_answer(stack: Stack, reader: ReaderProcess) -> None:
    """On `sync` the answer is the visible time; a claim from before the commit is contradicted by the reader."""
    written = write(stack, "sync")
    time.sleep(0.05)
    sightings = reader.stop()
    assert held_back(written.answered_ns - written.sent_ns)
    assert held_back(reader_visible_delay(sightings, written.low, written.sent_ns).most_ns)
    assert not len(contradictions(sightings, written.low, written.answered_ns))
    too_early = contradictions(sightings, written.low, written.sent_ns)
    assert len(too_early)
    assert sightings.resolution is not None
