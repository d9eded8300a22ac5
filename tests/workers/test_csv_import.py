"""The importer and its sink on real servers: what is refused, stopped, forgotten and buried."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from confluent_kafka import Producer

from contract.connections import MARIADB, Connections
from contract.csv_rows import TOPIC, identify, line_of
from contract.engine import engine_of
from contract.tables import csv_imports, csv_rows
from seawall.load.csv_sample import write_sample
from seawall.stack.reviewers import empty_topic
from workers.csv_import.__main__ import main
from workers.csv_import.direct import import_directly
from workers.csv_import.errors import AlreadyRunning, BadFile, OtherReading
from workers.csv_import.publish import Publisher, publish
from workers.csv_import.reading import Asked, Reading
from workers.csv_import.sink import CsvSink
from workers.csv_import.table import Table, table_of


class Database:
    """A database with the tables of imports."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._engine = engine_of(connections)

    def ask(self, statement: sa.Executable) -> list[Any]:
        """Execute it; return the rows, if it has any."""
        with self._engine.begin() as connection:
            found = connection.execute(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    def stored(self) -> list[tuple[Any, ...]]:
        """Return what is in the table, in the order of ids."""
        return self.ask(sa.select(csv_rows.c.name, csv_rows.c.age, csv_rows.c.more).order_by(csv_rows.c.id))

    def count(self, reading: Reading) -> int:
        """Return how many rows of a file there are."""
        mine = csv_rows.c.id.between(reading.identity.file, reading.identity.last)
        ((found,),) = self.ask(sa.select(sa.func.count()).where(mine))
        return int(found)

    def table(self) -> Table:
        """Connect to the table."""
        return table_of(self.connections, "test")


@pytest.fixture
def database(servers: Connections) -> Iterator[Database]:
    """Give each database of the suite, whose tables are empty afterwards, as the topic is."""
    found = Database(servers)
    yield found
    empty_topic(servers.kafka, TOPIC)
    for table in (csv_rows, csv_imports):
        found.ask(sa.delete(table))


def imported(database: Database, file: Path, **asked: Any) -> Reading:
    """Import a file, and return what became of it."""
    with closing(database.table()) as table:
        reading = Reading(Asked(file, file.with_suffix(".rejects"), **asked), "direct", table)
        with closing(reading):
            import_directly(reading, table)
    return reading


def test_another_reading_of_the_same_file_is_refused(database: Database, tmp_path: Path) -> None:
    """Unless what was imported is forgotten first."""
    file = tmp_path / "people.csv"
    file.write_text("name,age\nJosé,7\n", encoding="latin-1")
    assert imported(database, file).good == 1
    with pytest.raises(OtherReading, match="imported before as latin-1"):
        imported(database, file, encoding="cp949")
    assert database.stored() == [("José", 7, {})]
    found = imported(database, file, encoding="cp949", anew=True)
    assert (found.good, found.bad, database.stored()) == (0, 1, [])


def test_marks_of_copy_are_stored_as_they_stand(database: Database, tmp_path: Path) -> None:
    """In names and in other columns; rows without any stand beside them."""
    file = tmp_path / "marks.csv"
    names = ["Kim", "back\\slash", "a\tb", "two\nlines", "two\r\nlines", "\\N", "\\."]
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
            [("name", "age", "note"), *((name, 1, name) for name in names)]
        )
    assert imported(database, file).stored == len(names)
    assert database.stored() == [(name, 1, {"note": name}) for name in names]


def test_two_imports_of_one_file_at_a_time_are_refused(database: Database, tmp_path: Path) -> None:
    """The second says that there is a first, and forgets nothing of it."""
    file = write_sample(tmp_path / "people.csv", 100, seed=6).path
    assert imported(database, file).stored == 99
    with closing(database.table()) as other:
        assert other.lock(identify(file))
        with pytest.raises(AlreadyRunning, match="another process imports this file"):
            imported(database, file, anew=True)
    assert len(database.stored()) == 99


def test_an_import_that_cannot_begin_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    """Neither a row nor a note nor a reject file."""
    file = tmp_path / "people.csv"
    file.write_bytes(b"name,years\nA,1\n")
    with pytest.raises(BadFile, match="has to name the columns"):
        imported(database, file)
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    assert database.ask(sa.select(csv_imports)) == []


def test_an_import_that_is_stopped_goes_on_and_ids_tell_lines(database: Database, tmp_path: Path) -> None:
    """Its batch is whole; a reject file that is gone has all of the file read again, and nothing stored twice."""
    file = write_sample(tmp_path / "people.csv", 5_000, seed=7).path
    with closing(database.table()) as table:
        reading = Reading(Asked(file, tmp_path / "first.csv", batch_rows=1_000), "direct", table)
        said = reading.note

        def note(connection: sa.Connection) -> None:
            said(connection)
            reading.stop()

        reading.note = note  # type: ignore[method-assign]
        with closing(reading):
            import_directly(reading, table)
    assert (reading.stored, reading.bad, reading.over) == (999, 1, False)
    second = imported(database, file, batch_rows=1_000)
    assert second.resumed_line > 1_000
    assert (second.stored, second.good, second.bad) == (3_996, 4_995, 5)
    ((first,),) = database.ask(sa.select(csv_rows.c.id).order_by(csv_rows.c.id).limit(1))
    assert line_of(first) == 2
    database.ask(sa.update(csv_imports).values(finished=False))
    file.with_suffix(".rejects").unlink()
    third = imported(database, file)
    assert (third.resumed_line, third.stored, third.good, third.bad) == (0, 0, 4_995, 5)
    with file.with_suffix(".rejects").open(encoding="utf-8", newline="") as written:
        rejects = list(csv.DictReader(written))
    assert [one["reason"].partition(":")[0] for one in rejects] == [
        "age",
        "name",
        "name",
        "4 columns in place of 5",
        "age",
    ]
    assert rejects[0]["line"] == rejects[0]["last_line"]
    assert ",unknown,u1000@example.org," in rejects[0]["record"]


def test_a_message_that_is_no_row_is_buried_and_others_are_stored(database: Database, tmp_path: Path) -> None:
    """Whoever can write to the topic may write nonsense; what the database refuses is found by halves."""
    file, kafka = write_sample(tmp_path / "people.csv", 100, seed=5).path, database.connections.kafka
    with (
        closing(database.table()) as table,
        closing(Reading(Asked(file, tmp_path / "rejects.csv"), "kafka", table)) as (reading),
    ):
        publish(reading, Publisher(kafka), table)
    producer = Producer(kafka)
    nonsense = (b"no JSON", b'{"name":"","age":1,"more":{}}', b'{"name":"A","age":1,"more":[]}')
    for value in (*nonsense, b'{"name":"A","age":1,"more":' + b"[" * 100_000):
        producer.produce(TOPIC, value, bytes(16))
    producer.produce(TOPIC, b'{"name":"A","age":1,"more":{}}', bytes(15))
    producer.produce(TOPIC, b'{"name":"Refused","age":1,"more":{}}', bytes(16))
    database.ask(sa.text("ALTER TABLE csv_rows ADD CONSTRAINT picky CHECK (name <> 'Refused')"))
    producer.flush(10)
    sink = CsvSink(database.connections, group=f"test-{time.time_ns()}")
    thread = threading.Thread(target=sink.run)
    thread.start()
    deadline_s = time.monotonic() + 60
    while (database.count(reading) < 99 or sink._buried < 6) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    sink.stop()
    thread.join(30)
    database.ask(sa.text("ALTER TABLE csv_rows DROP CONSTRAINT picky"))
    assert (database.count(reading), sink._buried) == (99, 6)
    assert [row for row in database.stored() if row[0] == "A"] == []


def test_a_sink_goes_on_when_its_connection_is_gone(database: Database, tmp_path: Path) -> None:
    """It connects anew, and stores what it had in hand."""
    sample = write_sample(tmp_path / "people.csv", 400, seed=9)
    with closing(database.table()) as table:
        found = Reading(Asked(sample.path, tmp_path / "rejects.csv"), "kafka", table)
        with closing(found):
            publish(found, Publisher(database.connections.kafka), table)
    sink = CsvSink(database.connections, group=f"test-{time.time_ns()}")
    broken = database.table()
    broken._driver.close()
    sink._table = broken
    thread = threading.Thread(target=sink.run)
    thread.start()
    deadline_s = time.monotonic() + 60
    while database.count(found) < sample.good and time.monotonic() < deadline_s:
        time.sleep(0.05)
    sink.stop()
    thread.join(30)
    assert database.count(found) == sample.good


def test_the_program_says_what_is_wrong(
    servers: Connections, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, with exit code 2 for the file and 1 for a server."""
    assert main(["check", str(tmp_path)]) == 2
    assert "is a directory: name one file" in capsys.readouterr().err
    file = tmp_path / "people.csv"
    file.write_text("name,age\nA,1\n", encoding="utf-8")
    assert main(["check", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == ["name", "age"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_DATABASE_URL", f"{servers.database}://nobody@127.0.0.1:1/none")
        assert main(["direct", str(file)]) == 1
    assert f"csv: {'MariaDB' if servers.database == MARIADB else 'PostgreSQL'}: " in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_DATABASE_URL", servers.plain_database_url)
        assert main(["direct", str(file), "--batch-rows", "0"]) == 2
    assert "--batch-rows: 1 to 1,000,000" in capsys.readouterr().err
