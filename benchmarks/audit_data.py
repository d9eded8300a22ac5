"""Millions of records for `benchmarks.audit`: ledger, rows, log and journal agree but for the faults that are planted.

Record *n* is the one that user ``n % USERS`` sent as its number ``n // USERS + 1``; it lies in partition ``n % 3``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, Producer, TopicPartition
from psycopg import sql

from benchmarks.errors import ProcessFailed
from contract.connections import Connections
from contract.entities import ENTITIES
from contract.ids import Run, low_bits, mint
from contract.journal import Commit, JournalWriter, Span
from contract.samples import AS_DRAWN, sample_fields
from contract.topics import PARTITIONS, SINK_GROUP, topic_of
from seawall.load.payloads import POOL_SIZE, body_tails, content_index

ENTITY = ENTITIES["users"]
USERS = 10_000
TOPIC = topic_of(ENTITY)
RUN = Run(1_800_000_000_000, 9)
STEP_NS = 100_000
"""Between two requests: 10,000 a second."""
PART_ROWS, BATCH, SPAN = 100_000, 30_000, 500
_COMMIT_S = 30.0


class AuditData(msgspec.Struct, frozen=True):
    """Where everything is, and what was planted: ids by class of `AuditCounts`."""

    ledger: str
    journals: str
    planted: dict[str, list[str]]


class Faults(msgspec.Struct, frozen=True):
    """The numbers of the records to which something happens."""

    never_logged: tuple[int, ...]
    not_stored: tuple[int, ...]
    pending: int
    corrupted: tuple[int, ...]
    duplicate_row: int
    twice_in_log: int
    dead_lettered: int
    late: int
    """Lies in its partition behind its user's next record there."""
    refused_yet_stored: int
    unknown_stored: int
    unknown_missing: int

    @classmethod
    def among(cls, records: int, seed: int) -> Faults:
        """Draw records for all faults, far from both ends."""
        drawn = np.random.default_rng(seed).choice(np.arange(USERS, records - 4 * USERS), 16, replace=False).tolist()
        return cls(
            never_logged=tuple(sorted(drawn[0:3])),
            not_stored=tuple(sorted(drawn[3:5])),
            pending=records - 1,
            corrupted=tuple(sorted(drawn[5:7])),
            duplicate_row=drawn[7],
            twice_in_log=drawn[8],
            dead_lettered=drawn[9],
            late=drawn[10],
            refused_yet_stored=drawn[11],
            unknown_stored=drawn[12],
            unknown_missing=drawn[13],
        )

    @property
    def without_row(self) -> tuple[int, ...]:
        """Records that are not in the table."""
        return (*self.never_logged, *self.not_stored, self.pending, self.dead_lettered, self.unknown_missing)

    @property
    def not_in_log(self) -> frozenset[int]:
        """Records that are not in the log."""
        return frozenset((*self.never_logged, self.refused_yet_stored, self.unknown_missing))


def make_data(connections: Connections, directory: Path, records: int, seed: int) -> AuditData:
    """Make everything, and return where it is."""
    faults = Faults.among(records, seed)
    _write_ledger(directory / "ledger", records, seed, faults)
    ends, places = _write_log(connections, records, seed, faults)
    ends[faults.pending % PARTITIONS] -= 1  # the last record of its partition
    _commit(connections, ends)
    _write_journal(directory / "journals", ends, places, faults)
    _write_rows(connections, records, seed, faults, places[faults.dead_lettered])
    stranger = mint(RUN, records // USERS + 5, 1, ENTITY.number)
    names = {
        "lost": sorted((*faults.never_logged, *faults.not_stored)),
        "never_logged": faults.never_logged,
        "not_stored": faults.not_stored,
        "pending": (faults.pending,),
        "corrupted": faults.corrupted,
        "duplicates": (faults.duplicate_row,),
        "dead_lettered": (faults.dead_lettered,),
        "out_of_order": (faults.late,),
    }
    planted = {name: [_identity(number) for number in numbers] for name, numbers in names.items()}
    planted["phantom"] = [str(stranger), _identity(faults.refused_yet_stored)]
    return AuditData(str(directory / "ledger"), str(directory / "journals"), planted)


def _identity(number: int) -> str:
    return str(mint(RUN, number // USERS + 1, number % USERS, ENTITY.number))


def _write_ledger(directory: Path, records: int, seed: int, faults: Faults) -> None:
    """Write the parts of a ledger as the recorder does."""
    directory.mkdir()
    about = {"run_ms": RUN.ms, "run_nonce": RUN.nonce, "seed": seed, "shape": asdict(AS_DRAWN), "endpoints": ["/v1"]}
    for first in range(0, records, PART_ROWS):
        number = np.arange(first, min(first + PART_ROWS, records), dtype=np.int64)
        status = np.full(len(number), 202, dtype=np.uint16)
        status[number == faults.refused_yet_stored] = 422
        status[(number == faults.unknown_stored) | (number == faults.unknown_missing)] = 0
        columns = {
            "user": (number % USERS).astype(np.uint32),
            "sequence": (number // USERS + 1).astype(np.uint32),
            "entity": np.full(len(number), ENTITY.number, dtype=np.uint8),
            "endpoint": np.zeros(len(number), dtype=np.uint8),
            "intended_ns": number * STEP_NS,
            "sent_ns": number * STEP_NS + 10_000,
            "answered_ns": number * STEP_NS + 1_000_000,
            "status": status,
        }
        table = pa.table(columns).replace_schema_metadata({"seawall": json.dumps(about)})
        pq.write_table(table, directory / f"part-{first:012d}.parquet", compression="zstd")


def _write_log(
    connections: Connections, records: int, seed: int, faults: Faults
) -> tuple[list[int], dict[int, tuple[int, int]]]:
    """Publish the records; return where each partition ends, and partition and offset of those that matter later."""
    producer = Producer(
        {
            **connections.kafka,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 20,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 10 * BATCH,
        }
    )
    tails, ends, places = body_tails(ENTITY, seed), [0] * PARTITIONS, {}
    for first in range(0, records, BATCH):
        messages: list[list[dict[str, bytes]]] = [[] for _ in range(PARTITIONS)]
        for number in range(first, min(first + BATCH, records)):
            for one in _published(number, faults):
                key = _key(one)
                tail = tails[content_index(one % USERS, one // USERS + 1)]
                partition = one % PARTITIONS
                if one in (faults.dead_lettered, faults.twice_in_log):
                    places[one] = (partition, ends[partition] + len(messages[partition]))
                messages[partition].append({"key": key, "value": b'{"id":"%b"%b' % (key, tail)})
        for partition, batch in enumerate(messages):
            _publish(producer, partition, batch)
            ends[partition] += len(batch)
    if producer.flush(60):
        raise ProcessFailed("Kafka did not acknowledge all records within a minute")
    return ends, places


def _published(number: int, faults: Faults) -> Iterator[int]:
    """Yield what is published when it is this record's turn."""
    if number != faults.late and number not in faults.not_in_log:
        yield number
    if number == faults.twice_in_log:
        yield number
    if number == faults.late + PARTITIONS * USERS:
        yield faults.late


def _publish(producer: Producer, partition: int, messages: list[dict[str, bytes]]) -> None:
    left = messages
    while left:
        accepted = producer.produce_batch(TOPIC, left, partition=partition)
        producer.poll(0 if accepted == len(left) else 0.05)
        # What the queue had no room for is marked by the client.
        left = [message for message in left if message.pop("_error", None)] if accepted < len(left) else []


def _key(number: int) -> bytes:
    high, low = f"{RUN.high:016x}", f"{low_bits(number // USERS + 1, number % USERS, ENTITY.number):016x}"
    return f"{high[:8]}-{high[8:12]}-{high[12:]}-{low[:4]}-{low[4:]}".encode()


def _commit(connections: Connections, ends: list[int]) -> None:
    """Let the sinks' group have committed up to *ends*; they do not run."""
    consumer = Consumer({**connections.kafka, "group.id": SINK_GROUP, "enable.auto.commit": False})
    wanted = [TopicPartition(TOPIC, number, end) for number, end in enumerate(ends)]
    due_s = time.monotonic() + _COMMIT_S
    consumer.commit(offsets=wanted, asynchronous=True)
    while [place.offset for place in consumer.committed(wanted, timeout=10)] != ends:
        if time.monotonic() > due_s:
            raise ProcessFailed(f"Kafka did not take the committed offsets within {_COMMIT_S:.0f} s")
        consumer.poll(0.1)
    consumer.close()


def _write_journal(directory: Path, ends: list[int], places: dict[int, tuple[int, int]], faults: Faults) -> None:
    """Write what one sink would have: a commit for each few hundred offsets of a partition."""
    journal = JournalWriter(directory / "sink-1.jsonl", 1)
    for partition, end in enumerate(ends):
        for first in range(0, end, SPAN):
            last = min(first + SPAN, end) - 1
            holds = {number for number, place in places.items() if place[0] == partition and first <= place[1] <= last}
            duplicates, buried = int(faults.twice_in_log in holds), int(faults.dead_lettered in holds)
            stored = last - first + 1 - duplicates - buried
            visible_ns = (last + 1) * PARTITIONS * STEP_NS + 5_000_000
            journal.commit(Commit(visible_ns, [Span(TOPIC, partition, first, last)], stored, duplicates, buried))
    journal.close()


def _write_rows(connections: Connections, records: int, seed: int, faults: Faults, letter: tuple[int, int]) -> None:
    """Insert the rows with SQL, then spoil some."""
    columns = [name for name in ENTITY.fields if name != "id"]
    table, names = sql.Identifier(ENTITY.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    pool = sql.Identifier("seawall_pool")
    with psycopg.connect(connections.psycopg_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} AS SELECT 0 AS place, {} FROM {} LIMIT 0").format(pool, names, table)
        )
        cursor.executemany(
            sql.SQL("INSERT INTO {} VALUES (%s, {})").format(
                pool, sql.SQL(", ").join([sql.Placeholder()] * len(columns))
            ),
            [
                [place, *(fields[name] for name in columns)]
                for place, fields in enumerate(sample_fields(ENTITY, seed, POOL_SIZE))
            ],
        )
        cursor.execute(
            sql.SQL(
                "INSERT INTO {table} (id, {names})"
                " SELECT ({high} || to_hex((1::bigint << 63) | ((n / {users} + 1) << 30) | ((n % {users}) << 4)"
                " | {entity}))::uuid, {names} FROM generate_series(0::bigint, {last}) n"
                " JOIN {pool} ON place = ((n % {users}) * 37 + n / {users} + 1) % {size} WHERE n <> ALL ({left_out})"
            ).format(
                table=table,
                names=names,
                pool=pool,
                high=sql.Literal(f"{RUN.high:016x}"),
                users=sql.Literal(USERS),
                entity=sql.Literal(ENTITY.number),
                last=sql.Literal(records - 1),
                size=sql.Literal(POOL_SIZE),
                left_out=sql.Literal(list(faults.without_row)),
            )
        )
        cursor.execute(
            "UPDATE users SET age = (age + 1) %% 100 WHERE id = ANY(%s::uuid[])",
            ([_identity(number) for number in faults.corrupted],),
        )
        # Without its key the table takes a row twice.
        cursor.execute(
            "CREATE TEMP TABLE again AS SELECT * FROM users WHERE id = %s", (_identity(faults.duplicate_row),)
        )
        cursor.execute("ALTER TABLE users DROP CONSTRAINT users_pkey")
        cursor.execute("INSERT INTO users SELECT * FROM again")
        stranger = mint(RUN, records // USERS + 5, 1, ENTITY.number)
        cursor.execute("UPDATE again SET id = %s", (stranger,))
        cursor.execute("INSERT INTO users SELECT * FROM again")
        cursor.execute(
            "INSERT INTO dead_letters VALUES (%s, %s, %s, %s, NULL, 'planted', now())",
            (TOPIC, *letter, _identity(faults.dead_lettered).encode()),
        )
        cursor.execute("ANALYZE users")
