"""How a batch gets into the tables: quickly, carefully, and from one to the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message
from databases import Session, made_in, session_of
from new_records import new_record

from contract.codecs import JsonCodec
from contract.connections import POSTGRESQL, Connections
from contract.entities import ENTITIES, Record
from contract.topics import entity_of, topic_of
from workers.sink.batches import Batch, Decoder, lots_of
from workers.sink.database import BatchWriter, Fenced, Outcome, database_of
from workers.sink.settings import Settings
from workers.sink.side_by_side import write_all_that_can_be

USERS, PRODUCTS, ORDERS = (ENTITIES[name] for name in ("users", "products", "orders"))
_DATABASE = "sink_writer"


@pytest.fixture(scope="module")
def place(servers: Connections) -> Connections:
    """Return a database of our own, with rules that validation does not know."""
    found = made_in(servers, _DATABASE)
    with contextlib.closing(session_of(found)) as session:
        session.ask("ALTER TABLE users ADD CHECK (age <> 77)")
        session.ask("ALTER TABLE users ADD UNIQUE (email)")
    return found


@pytest.fixture
def database(place: Connections) -> Iterator[Session]:
    """Yield a session that sees what the writer has committed, to empty tables."""
    with contextlib.closing(session_of(place)) as session:
        for name in ("users", "products", "orders", "dead_letters", "sink_offsets"):
            session.ask(f"DELETE FROM {name}")  # noqa: S608 - ours
        yield session


def writer_to(place: Connections, **changes: Any) -> BatchWriter:
    """Return a writer with settings of its own."""
    told = {"sink_name": "test", "sink_group": "those", "sink_database_timeout_s": 10.0, **changes}
    return database_of(place).writer(Settings.model_validate(told))


@pytest.fixture
def writer(place: Connections) -> Iterator[BatchWriter]:
    """Yield a writer."""
    found = writer_to(place)
    yield found
    found.close()


_formats: dict[str, Any] = {}
"""Of the database that is tested."""


@pytest.fixture(autouse=True)
def _rows_are_for(place: Connections) -> None:
    _formats.clear()
    _formats.update(database_of(place).formats)


_offset = iter(range(10**6))


def batch_of(*records: Record | bytes) -> Batch:
    """Return the batch of messages that hold these records, in their order; bytes are a user that is none."""
    messages: list[Message] = []
    for record in records:
        entity = USERS if isinstance(record, bytes) else next(e for e in ENTITIES.values() if type(record) is e.record)
        value = record if isinstance(record, bytes) else msgspec.json.encode(record)
        headers: list[tuple[str, str | bytes | None]] = [("codec", JsonCodec.name.encode())]
        topic = topic_of(entity)
        messages.append(
            Message(topic=topic, partition=0, offset=next(_offset), key=b"key", value=value, headers=headers)
        )
    return Decoder(_formats).batch(lots_of(messages))


def rows(database: Session, table: str = "users") -> list[Record]:
    """Return what is stored."""
    return database.records(ENTITIES[table])


def users(count: int) -> list[Any]:
    """Return new users, each with an address of its own."""
    return [new_record(USERS, age=30, email=f"{next(_offset)}@example.org") for _ in range(count)]


def dead_rows(database: Session, place: Connections) -> int:
    """Return how many places of the table, between its first row and its last, hold none; only PostgreSQL tells."""
    if place.database != POSTGRESQL:
        return 0
    pages = "SELECT count(*) AS rows, max((ctid::text::point)[1]) AS places FROM users GROUP BY (ctid::text::point)[0]"
    ((found,),) = database.ask(f"SELECT sum(places) - sum(rows) FROM ({pages}) AS page")  # noqa: S608 - ours
    return int(found)


def reasons(outcome: Outcome) -> list[str]:
    """Return why letters are dead."""
    return [letter.reason.partition(":")[0] for letter in outcome.letters]


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_entities_of_a_batch_are_stored_together(
    writer: BatchWriter, database: Session, place: Connections, *, begun: bool
) -> None:
    """One transaction holds all tables, whether the batch was begun before or not."""
    people, things, bought = users(5), [new_record(PRODUCTS) for _ in range(3)], [new_record(ORDERS) for _ in range(9)]
    batch = batch_of(*things, *people, *bought)
    if begun:
        writer.begin(batch)
    assert writer.write(batch) == Outcome(17, 0, [])
    assert (rows(database), rows(database, "products"), rows(database, "orders")) == (people, things, bought)
    if place.database == POSTGRESQL:
        inserted = {
            row
            for name in ("users", "products", "orders")
            for row in database.ask(f"SELECT DISTINCT xmin::text FROM {name}")  # noqa: S608 - as above
        }
        assert len(inserted) == 1


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_duplicates_are_absorbed_and_what_contradicts_is_named(
    writer: BatchWriter, database: Session, *, begun: bool
) -> None:
    """Twins inside a batch and across batches, and other content under a known id: the first record stays."""
    old, new, twin, double = users(4)
    assert writer.write(batch_of(old)).stored == 1
    other = msgspec.structs.replace(old, city="elsewhere")
    changed = msgspec.structs.replace(double, age=31)
    batch = batch_of(new, old, twin, twin, other, double, changed, double)
    if begun:
        writer.begin(batch)
    outcome = writer.write(batch)
    assert (outcome.stored, outcome.duplicates, reasons(outcome)) == (3, 3, ["conflict", "conflict"])
    assert sorted(letter.message.value() or b"" for letter in outcome.letters) == sorted(
        map(msgspec.json.encode, (other, changed))
    )
    assert rows(database) == sorted((old, new, twin, double), key=lambda one: one.id)
    assert database.ask("SELECT count(*) FROM dead_letters WHERE reason LIKE 'conflict%'") == [(2,)]


def test_all_of_a_batch_may_be_stored_already(writer: BatchWriter, database: Session) -> None:
    """A sink that died between its rows and its offsets reads a whole batch again: nothing changes."""
    batch = batch_of(*users(50), *(new_record(ORDERS) for _ in range(50)))
    assert writer.write(batch) == Outcome(100, 0, [])
    assert writer.write(batch) == Outcome(0, 100, [])
    assert len(rows(database)) == len(rows(database, "orders")) == 50


def test_poison_among_duplicates_is_buried_once(writer: BatchWriter, database: Session) -> None:
    """Letters that decoding found stand in the table of dead letters beside the rows, however often the batch comes."""
    old, new = users(2)
    writer.write(batch_of(old))
    batch = batch_of(old, b"{}", new)
    first, again = writer.write(batch), writer.write(batch)
    assert (first.stored, first.duplicates, len(first.letters)) == (1, 1, 1)
    assert (again.stored, again.duplicates, len(again.letters)) == (0, 2, 1)
    assert database.ask("SELECT count(*) FROM dead_letters") == [(1,)]


def test_after_a_duplicate_batches_are_looked_through_first(
    writer: BatchWriter, database: Session, place: Connections
) -> None:
    """A stream full of duplicates leaves no dead rows behind, but for those of the first batch of a COPY."""
    known = users(20)
    writer.write(batch_of(*known))

    writer.write(batch_of(known[0], *users(3)))
    before = dead_rows(database, place)
    for one in known:
        batch = batch_of(one, *users(3))
        writer.begin(batch)
        assert writer.write(batch) == Outcome(3, 1, [])
    assert dead_rows(database, place) == before
    assert (before > 0) is (place.database == POSTGRESQL)
    assert len(rows(database)) == 20 + 3 + 60


def test_what_the_database_refuses_is_a_refusal(writer: BatchWriter, database: Session) -> None:
    """A broken rule will be refused for ever; the batch leaves no row."""
    (good,), bad, things = users(1), new_record(USERS, age=77), [new_record(PRODUCTS) for _ in range(3)]
    batch = batch_of(*things, good, bad)
    writer.begin(batch)
    with pytest.raises(writer.errors) as found:
        writer.write(batch)
    assert "the database refuses it" in writer.refusal(found.value)
    assert rows(database) == rows(database, "products") == []
    assert writer.write(batch_of(good)).stored == 1


def test_a_value_that_has_to_be_unique_and_is_taken_is_refused(writer: BatchWriter, database: Session) -> None:
    """Whatever the record's own id: it becomes a dead letter, and its neighbours are stored."""
    good, other = users(2)
    taken = new_record(USERS, email=good.email, age=30)
    outcome = write_all_that_can_be(writer, batch_of(good, taken, other))
    assert (outcome.stored, reasons(outcome)) == (2, ["the database refuses it"])
    assert rows(database) == sorted((good, other), key=lambda one: one.id)


def test_an_id_that_another_sink_stores_meanwhile_is_found_at_the_next_try(
    writer: BatchWriter, place: Connections, database: Session
) -> None:
    """A batch that loses the race for an id is no refusal: it is written again, and finds the id there."""
    (one,) = users(1)
    writer.write(batch_of(one))
    writer.write(batch_of(one))  # from now on it looks first
    (raced,) = users(1)
    with contextlib.closing(session_of(place)) as rival:
        rival.ask("BEGIN")
        rival.insert(msgspec.structs.replace(raced, email=f"x{raced.email}"))
        lost = writer_to(place, sink_name="lost", sink_database_timeout_s=0.3)
        with pytest.raises(lost.errors) as waited:  # what looks first saw nothing, and waits for the rival
            lost.write(batch_of(raced))
        assert lost.refusal(waited.value) == ""
        rival.ask("COMMIT")
    outcome = lost.write(batch_of(raced))
    lost.close()
    assert (outcome.stored, reasons(outcome)) == (0, ["conflict"])
    assert len(rows(database)) == 2


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_a_batch_of_which_nothing_is_left_is_no_fault(writer: BatchWriter, database: Session, *, begun: bool) -> None:
    """Where a broker died, all that was read may be errors, or of partitions that were taken away."""
    empty, people = Decoder(_formats).batch({}), users(1)
    if begun:
        writer.begin(empty)
    assert writer.write(empty) == Outcome(0, 0, [])
    assert writer.write(batch_of(*people)) == Outcome(1, 0, [])
    assert rows(database) == people


def test_a_connection_that_broke_is_opened_again(writer: BatchWriter, database: Session) -> None:
    """A batch whose connection dies after it was begun is stored by the next attempt, once."""
    batch, other = batch_of(*users(10)), batch_of(*users(10))
    writer.write(other)
    writer.begin(batch)
    database.end_others()
    try:
        outcome = writer.write(batch)
    except writer.errors:
        outcome = writer.write(batch)
    assert outcome.stored + outcome.duplicates == 10  # it may have been committed before the end
    assert len(rows(database)) == 20
    assert {entity_of(span.topic).name for span in batch.spans} == {"users"}


def test_offsets_move_with_the_rows_or_not_at_all(place: Connections, writer: BatchWriter, database: Session) -> None:
    """In one transaction; a sink that is behind another one is fenced, and one that tries again is not."""
    people = users(40)
    first, second = (batch._replace(ends=batch.spans) for batch in (batch_of(*people[:20]), batch_of(*people[20:])))
    writer.begin(first)
    assert writer.write(first) == Outcome(20, 0, [])
    offset = "SELECT next_offset FROM sink_offsets WHERE sink_group = 'those'"
    assert database.ask(offset) == [(first.spans[-1].last + 1,)]
    assert writer.write(first) == Outcome(0, 20, [])
    assert writer.write(second) == Outcome(20, 0, [])
    pair = topic_of(USERS), 0
    assert database_of(place).kept_offsets("those", [pair]) == {pair: second.spans[-1].last + 1}
    late = batch_of(*users(5))
    behind = late._replace(ends=first.spans)
    with pytest.raises(Fenced):
        writer.write(behind)
    assert rows(database) == people
