"""What the audit reads of each database: every row of a run once, with a digest that changes with any field."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from databases import Session, session_of

from contract.connections import Connections
from contract.engine import engine_of
from contract.entities import ENTITIES, Entity, Record, field_type
from contract.ids import Run, low_bits, mint
from contract.migrate import check, is_current
from contract.samples import sample_fields
from seawall.audit.follow import Wanted
from seawall.audit.polls import polls_of
from seawall.audit.rows import RowReader, row_reader
from seawall.load.payloads import POOL_SIZE

EACH = 40


@pytest.fixture
def session(servers: Connections) -> Iterator[Session]:
    """Yield a session, and empty the tables in the end."""
    with contextlib.closing(session_of(servers)) as found:
        yield found
        found.empty()


@pytest.fixture
def reader(servers: Connections) -> Iterator[RowReader]:
    """Yield the audit's reader."""
    with contextlib.closing(row_reader(servers)) as found:
        yield found


def written(session: Session, entity: Entity, run: Run) -> list[Record]:
    """Store records of the pool of payloads, and return them."""
    contents = sample_fields(entity, 1, POOL_SIZE)[:EACH]
    records = [
        entity.record(id=mint(run, number, number % 7, entity.number), **fields)
        for number, fields in enumerate(contents, 1)
    ]
    for record in records:
        session.insert(record)
    return records


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_each_row_has_the_digest_of_what_was_sent(session: Session, reader: RowReader, entity: Entity) -> None:
    """Rows of other runs are left out, and those of this one come in the order of their ids."""
    run, other = Run(time.time_ns() // 10**6, 3), Run(time.time_ns() // 10**6, 4)
    written(session, entity, run)
    written(session, entity, other)
    found = reader.rows(entity, run)
    low = np.array([low_bits(number, number % 7, entity.number) for number in range(1, EACH + 1)], dtype=np.uint64)
    assert found.low.tolist() == sorted(low.tolist())
    expected = reader.expected_digests(entity, 1)[:EACH][np.argsort(low)]
    assert found.digest.tolist() == expected.tolist()
    assert len(set(expected.tolist())) > EACH // 2


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=list(ENTITIES))
def test_any_field_that_changes_shows(session: Session, reader: RowReader, entity: Entity) -> None:
    """One after the other, by the least that can change."""
    run = Run(time.time_ns() // 10**6, 3)
    (first, *_) = written(session, entity, run)
    before = reader.rows(entity, run).digest[0]
    for name in entity.fields[1:]:
        value = getattr(first, name)
        kind = field_type(entity.record, name)[0]
        other: Any = mint(run, 1, 1, 1)
        if kind is int:
            other = value + 1
        elif kind is str:
            other = value[:-1] + ("y" if value.endswith("x") else "x")
        elif kind is datetime:
            other = value.replace(microsecond=(value.microsecond + 1) % 10**6).astimezone(UTC).replace(tzinfo=None)
        session.ask(f'UPDATE {entity.name} SET "{name}" = %s WHERE id = %s', other, first.id)  # noqa: S608 - ours
        assert reader.rows(entity, run).digest[0] != before, name
        plain = value.astimezone(UTC).replace(tzinfo=None) if kind is datetime else value
        session.ask(f'UPDATE {entity.name} SET "{name}" = %s WHERE id = %s', plain, first.id)  # noqa: S608 - ours
        assert reader.rows(entity, run).digest[0] == before, name


def test_dead_letters_are_found_by_the_ids_in_their_keys(session: Session, reader: RowReader) -> None:
    """Keys that are no ids, and those of other runs, are none of ours."""
    run = Run(time.time_ns() // 10**6, 3)
    ours = [mint(run, number, 2, 1) for number in (1, 2)]
    keys = [*(str(one).encode() for one in ours), b"some key", None, str(mint(Run(1, 1), 1, 1, 1)).encode()]
    for offset, key in enumerate(keys):
        session.ask(
            'INSERT INTO dead_letters (topic, "partition", "offset", "key", value, reason, buried_at)'
            " VALUES ('t', 1, %s, %s, %s, 'why', '2026-01-01')",
            offset,
            key,
            b"\xff\0",
        )
    found = reader.dead_letters("t", run)
    assert sorted(found.low.tolist()) == sorted(one.int & (2**64 - 1) for one in ours)
    assert found.offset.tolist() == [0, 1]
    assert reader.dead_lettered("t", run).tolist() == sorted(found.low.tolist())


def test_the_independent_reader_asks_for_what_is_there(servers: Connections, session: Session) -> None:
    """By all tables at once, and for nothing where nothing is asked for."""
    run = Run(time.time_ns() // 10**6, 5)
    entities = [ENTITIES["orders"], ENTITIES["users"]]
    polls = polls_of(servers.plain_database_url, entities)
    with contextlib.closing(polls):
        assert polls.first_from(mint(run, 0, 0, 0)) is None
        for entity in entities:
            written(session, entity, run)
        found = polls.first_from(mint(run, 0, 0, 0))
        assert found is not None
        assert found.int >> 64 == run.high
        wanted = [Wanted(run.high, polls.encode) for _ in entities]
        assert polls.seen(wanted) == []
        asked = [low_bits(3, 3, entities[0].number), low_bits(3, 4, entities[0].number)]
        wanted[0].change(add=asked)
        assert polls.seen(wanted) == asked[:1]


def test_migrations_leave_the_tables_that_are_declared(servers: Connections) -> None:
    """One lineage brings each database up to date, and finds no difference afterwards."""
    engine = engine_of(servers)
    assert is_current(engine)
    check(engine)
    engine.dispose()


def test_records_come_back_as_they_were_sent(session: Session) -> None:
    """To the microsecond, in any language, with whatever quotes and escapes."""
    for entity in ENTITIES.values():
        texts = {name: "'\"\\%s \\' 가😀\n" for name in entity.fields if field_type(entity.record, name)[0] is str}
        limits = {name: field_type(entity.record, name)[1].max_length or 99 for name in texts}
        fields = sample_fields(entity, 1, 1)[0]
        changed = {name: text[: limits[name]] for name, text in texts.items()}
        record = msgspec.structs.replace(
            entity.record(id=mint(Run(time.time_ns() // 10**6, 6), 1, 1, entity.number), **fields), **changed
        )
        session.insert(record)
        assert session.records(entity, [record.id]) == [record]
