"""How a batch gets into the tables: quickly, carefully, and from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Message
from new_records import new_record
from pydantic import SecretStr

from contract.codecs import JsonCodec
from contract.entities import ENTITIES, Record
from contract.migrate import engine_of, upgrade
from contract.topics import entity_of, topic_of
from seawall.stack.stack import Stack
from workers.sink.batches import Batch, Decoder, lots_of
from workers.sink.database import Fenced, Outcome
from workers.sink.offset_table import kept_offsets
from workers.sink.rows import ROW_FORMATS
from workers.sink.writer import Writer, is_refusal

USERS, PRODUCTS, ORDERS = (ENTITIES[name] for name in ("users", "products", "orders"))
_DATABASE = "sink_writer"


@pytest.fixture(scope="module")
def url(stack: Stack) -> str:
    """Return a database of our own, with a rule that validation does not know."""
    url = stack.connections.psycopg_url
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {_DATABASE}")
    found = re.sub(r"/[^/]*$", f"/{_DATABASE}", url)
    engine = engine_of(stack.connections.model_copy(update={"database_url": SecretStr(found)}))
    upgrade(engine)
    engine.dispose()
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute("ALTER TABLE users ADD CHECK (age <> 77)")
        connection.execute("ALTER TABLE users ADD UNIQUE (email)")
    return found


@pytest.fixture
def database(url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection that sees what the writer has committed, to empty tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE users, products, orders, dead_letters")
        yield connection


@pytest.fixture
def writer(url: str) -> Iterator[Writer]:
    """Yield a writer."""
    found = Writer(url, name="test", timeout_s=10)
    yield found
    found.close()


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
    return Decoder(ROW_FORMATS).batch(lots_of(messages))


def rows(database: psycopg.Connection, table: str = "users") -> list[Record]:
    """Return what is stored."""
    make = ENTITIES[table].record
    found = database.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 - a name of the contract
    return [make(**dict(zip(ENTITIES[table].fields, row, strict=True))) for row in found]


def users(count: int) -> list[Any]:
    """Return new users, each with an address of its own."""
    return [new_record(USERS, age=30, email=f"{next(_offset)}@example.org") for _ in range(count)]


def dead_rows(database: psycopg.Connection) -> int:
    """Return how many places of the table, between its first row and its last, hold none."""
    pages = "SELECT count(*) AS rows, max((ctid::text::point)[1]) AS places FROM users GROUP BY (ctid::text::point)[0]"
    found = database.execute(f"SELECT sum(places) - sum(rows) FROM ({pages}) AS page").fetchone()  # noqa: S608 - ours
    return int((found or (0,))[0])


def reasons(outcome: Outcome) -> list[str]:
    """Return why letters are dead."""
    return [letter.reason.partition(":")[0] for letter in outcome.letters]


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_entities_of_a_batch_are_stored_together(writer: Writer, database: psycopg.Connection, *, begun: bool) -> None:
    """One transaction holds all tables, whether the batch was begun before or not."""
    people, things, bought = users(5), [new_record(PRODUCTS) for _ in range(3)], [new_record(ORDERS) for _ in range(9)]
    batch = batch_of(*things, *people, *bought)
    if begun:
        writer.begin(batch)
    assert writer.write(batch) == Outcome(17, 0, [])
    assert (rows(database), rows(database, "products"), rows(database, "orders")) == (people, things, bought)
    inserted = {
        row
        for name in ("users", "products", "orders")
        for row in database.execute(f"SELECT DISTINCT xmin FROM {name}")  # noqa: S608 - as above
    }
    assert len(inserted) == 1


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_duplicates_are_absorbed_and_what_contradicts_is_named(
    writer: Writer, database: psycopg.Connection, *, begun: bool
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
    letters = database.execute("SELECT count(*) FROM dead_letters WHERE reason LIKE 'conflict%'").fetchone()
    assert letters == (2,)


def test_all_of_a_batch_may_be_stored_already(writer: Writer, database: psycopg.Connection) -> None:
    """A sink that died between its rows and its offsets reads a whole batch again: nothing changes."""
    batch = batch_of(*users(50), *(new_record(ORDERS) for _ in range(50)))
    assert writer.write(batch) == Outcome(100, 0, [])
    assert writer.write(batch) == Outcome(0, 100, [])
    assert len(rows(database)) == len(rows(database, "orders")) == 50


def test_poison_among_duplicates_is_buried_once(writer: Writer, database: psycopg.Connection) -> None:
    """Letters that decoding found stand in the table of dead letters beside the rows, however often the batch comes."""
    old, new = users(2)
    writer.write(batch_of(old))
    batch = batch_of(old, b"{}", new)
    first, again = writer.write(batch), writer.write(batch)
    assert (first.stored, first.duplicates, len(first.letters)) == (1, 1, 1)
    assert (again.stored, again.duplicates, len(again.letters)) == (0, 2, 1)
    assert database.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)


def test_after_a_duplicate_batches_are_looked_through_first(writer: Writer, database: psycopg.Connection) -> None:
    """A stream full of duplicates leaves no dead rows behind, but for those of the first."""
    known = users(20)
    writer.write(batch_of(*known))

    writer.write(batch_of(known[0], *users(3)))
    before = dead_rows(database)
    for one in known:
        batch = batch_of(one, *users(3))
        writer.begin(batch)
        assert writer.write(batch) == Outcome(3, 1, [])
    assert dead_rows(database) == before > 0
    assert len(rows(database)) == 20 + 3 + 60


def test_what_the_database_refuses_is_a_refusal(writer: Writer, database: psycopg.Connection) -> None:
    """A broken rule, and a second unique column that is taken, will be refused for ever; the batch leaves no row."""
    good, bad = users(1)[0], new_record(USERS, age=77)
    taken = new_record(USERS, email=good.email, age=30)
    for batch in (batch_of(good, bad), batch_of(good, taken)):
        writer.begin(batch)
        with pytest.raises(psycopg.IntegrityError) as found:
            writer.write(batch)
        assert is_refusal(found.value)
        assert rows(database) == []
    assert writer.write(batch_of(good)).stored == 1


def test_an_id_that_another_sink_stores_meanwhile_is_found_at_the_next_try(
    writer: Writer, url: str, database: psycopg.Connection
) -> None:
    """A batch that loses the race for an id is no refusal: it is written again, and finds the id there."""
    (one,) = users(1)
    writer.write(batch_of(one))
    writer.write(batch_of(one))  # from now on it looks first
    (raced,) = users(1)
    with psycopg.connect(url) as rival:
        rival.execute("SET LOCAL lock_timeout = '5s'")
        rival.execute(
            "INSERT INTO users SELECT %s, name, age, email || 'x', country, city, created_at FROM users", [raced.id]
        )
        lost = Writer(url, name="lost", timeout_s=0.3)
        with pytest.raises(
            psycopg.errors.QueryCanceled
        ) as waited:  # the look saw nothing, the COPY waits for the rival
            lost.write(batch_of(raced))
        assert not is_refusal(waited.value)
        rival.commit()
    outcome = lost.write(batch_of(raced))
    lost.close()
    assert (outcome.stored, reasons(outcome)) == (0, ["conflict"])
    assert len(rows(database)) == 2


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "begun before"])
def test_a_batch_of_which_nothing_is_left_is_no_fault(
    writer: Writer, database: psycopg.Connection, *, begun: bool
) -> None:
    """Where a broker died, all that was read may be errors, or of partitions that were taken away."""
    empty, people = Decoder(ROW_FORMATS).batch({}), users(1)
    if begun:
        writer.begin(empty)
    assert writer.write(empty) == Outcome(0, 0, [])
    assert writer.write(batch_of(*people)) == Outcome(1, 0, [])
    assert rows(database) == people


def test_a_connection_that_broke_is_opened_again(writer: Writer, database: psycopg.Connection) -> None:
    """A batch whose connection dies after it was begun is stored by the next attempt, once."""
    batch, other = batch_of(*users(10)), batch_of(*users(10))
    writer.write(other)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seawall-test'"
    writer.begin(batch)
    database.execute(kill)
    try:
        outcome = writer.write(batch)
    except psycopg.OperationalError:
        outcome = writer.write(batch)
    assert outcome.stored + outcome.duplicates == 10  # it may have been committed before the end
    assert len(rows(database)) == 20
    assert {entity_of(span.topic).name for span in batch.spans} == {"users"}


def test_offsets_move_with_the_rows_or_not_at_all(url: str, database: psycopg.Connection) -> None:
    """In one transaction; a sink that is behind another one is fenced, and one that tries again is not."""
    writer = Writer(url, name="test", timeout_s=10, group="those")
    people = users(40)
    first, second = (batch._replace(ends=batch.spans) for batch in (batch_of(*people[:20]), batch_of(*people[20:])))
    offset = "SELECT next_offset FROM sink_offsets WHERE sink_group = 'those'"
    try:
        writer.begin(first)
        assert writer.write(first) == Outcome(20, 0, [])
        assert database.execute(offset).fetchone() == (first.spans[-1].last + 1,)
        assert writer.write(first) == Outcome(0, 20, [])
        assert writer.write(second) == Outcome(20, 0, [])
        assert kept_offsets(url, "those", [(topic_of(USERS), 0)]) == {(topic_of(USERS), 0): second.spans[-1].last + 1}
        late = batch_of(*users(5))
        behind = late._replace(ends=first.spans)
        with pytest.raises(Fenced):
            writer.write(behind)
        assert rows(database) == people
    finally:
        writer.close()
        database.execute("TRUNCATE sink_offsets")
