"""The importer and its sink on real servers: what is refused, stopped, forgotten and buried."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from contract.csv_rows import TOPIC, identify, line_of
from seawall.load.csv_sample import write_sample
from seawall.stack.stack import Stack
from workers.csv_import.__main__ import main
from workers.csv_import.direct import import_directly
from workers.csv_import.errors import AlreadyRunning, BadFile, OtherReading
from workers.csv_import.publish import Publisher, publish
from workers.csv_import.reading import Asked, Reading
from workers.csv_import.sink import CsvSink
from workers.csv_import.table import Table


@pytest.fixture
def table(stack: Stack) -> Iterator[Table]:
    """Give a connection to the table, which is empty afterwards."""
    found = Table(stack.connections.psycopg_url, name="test")
    yield found
    found.close()
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as connection:
        connection.execute("TRUNCATE csv_rows, csv_imports")


def imported(table: Table, file: Path, **asked: Any) -> Reading:
    """Import a file, and return what became of it."""
    reading = Reading(Asked(file, file.with_suffix(".rejects"), **asked), "direct", table.connection)
    try:
        import_directly(reading, table)
    finally:
        reading.close()
        table.connection.execute("SELECT pg_advisory_unlock_all()")
    return reading


def stored(table: Table) -> list[tuple[Any, ...]]:
    """Return what is in the table."""
    return table.connection.execute("SELECT name, age, more FROM csv_rows ORDER BY id").fetchall()


def test_another_reading_of_the_same_file_is_refused(table: Table, tmp_path: Path) -> None:
    """Unless what was imported is forgotten first."""
    file = tmp_path / "people.csv"
    file.write_text("name,age\nJosé,7\n", encoding="latin-1")
    assert imported(table, file).good == 1
    with pytest.raises(OtherReading, match="imported before as latin-1"):
        imported(table, file, encoding="cp949")
    assert stored(table) == [("José", 7, {})]
    found = imported(table, file, encoding="cp949", anew=True)
    assert (found.good, found.bad, stored(table)) == (0, 1, [])


def test_marks_of_copy_are_stored_as_they_stand(table: Table, tmp_path: Path) -> None:
    """In names and in other columns; rows without any stand beside them."""
    file = tmp_path / "marks.csv"
    names = ["Kim", "back\\slash", "a\tb", "two\nlines", "two\r\nlines", "\\N", "\\."]
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
            [("name", "age", "note"), *((name, 1, name) for name in names)]
        )
    assert imported(table, file).stored == len(names)
    assert stored(table) == [(name, 1, {"note": name}) for name in names]


def test_two_imports_of_one_file_at_a_time_are_refused(stack: Stack, table: Table, tmp_path: Path) -> None:
    """The second says that there is a first, and forgets nothing of it."""
    file = write_sample(tmp_path / "people.csv", 100, seed=6).path
    assert imported(table, file).stored == 99
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [identify(file).run.high >> 1])
        with pytest.raises(AlreadyRunning, match="another process imports this file"):
            imported(table, file, anew=True)
    assert len(stored(table)) == 99


def test_an_import_that_cannot_begin_leaves_nothing_behind(table: Table, tmp_path: Path) -> None:
    """Neither a row nor a note nor a reject file."""
    file = tmp_path / "people.csv"
    file.write_bytes(b"name,years\nA,1\n")
    with pytest.raises(BadFile, match="has to name the columns"):
        imported(table, file)
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    assert table.connection.execute("SELECT count(*) FROM csv_imports").fetchone() == (0,)


def test_an_import_that_is_stopped_goes_on_and_ids_tell_lines(table: Table, tmp_path: Path) -> None:
    """Its batch is whole; a reject file that is gone has all of the file read again, and nothing stored twice."""
    file = write_sample(tmp_path / "people.csv", 5_000, seed=7).path
    reading = Reading(Asked(file, tmp_path / "first.csv", batch_rows=1_000), "direct", table.connection)
    said = reading.note

    def note(cursor: psycopg.Cursor) -> None:
        said(cursor)
        reading.stop()

    reading.note = note  # type: ignore[method-assign]
    import_directly(reading, table)
    reading.close()
    table.connection.execute("SELECT pg_advisory_unlock_all()")
    assert (reading.stored, reading.bad, reading.over) == (999, 1, False)
    second = imported(table, file, batch_rows=1_000)
    assert second.resumed_line > 1_000
    assert (second.stored, second.good, second.bad) == (3_996, 4_995, 5)
    first = table.connection.execute("SELECT id FROM csv_rows ORDER BY id LIMIT 1").fetchone()
    assert first is not None
    assert line_of(first[0]) == 2
    table.connection.execute("UPDATE csv_imports SET finished = false")
    file.with_suffix(".rejects").unlink()
    third = imported(table, file)
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


def test_a_message_that_is_no_row_is_buried_and_others_are_stored(stack: Stack, table: Table, tmp_path: Path) -> None:
    """Whoever can write to the topic may write nonsense; what the database refuses is found by halves."""
    file = write_sample(tmp_path / "people.csv", 100, seed=5).path
    reading = Reading(Asked(file, tmp_path / "rejects.csv"), "kafka", table.connection)
    publish(reading, Publisher(stack.connections.kafka), table.connection)
    reading.close()
    producer = Producer(stack.connections.kafka)
    nonsense = (b"no JSON", b'{"name":"","age":1,"more":{}}', b'{"name":"A","age":1,"more":[]}')
    for value in (*nonsense, b'{"name":"A","age":1,"more":' + b"[" * 100_000):
        producer.produce(TOPIC, value, bytes(16))
    producer.produce(TOPIC, b'{"name":"A","age":1,"more":{}}', bytes(15))
    producer.produce(TOPIC, b'{"name":"Refused","age":1,"more":{}}', bytes(16))
    table.connection.execute("ALTER TABLE csv_rows ADD CONSTRAINT picky CHECK (name <> 'Refused')")
    producer.flush(10)
    sink = CsvSink(stack.connections.kafka, stack.connections.psycopg_url, group=f"test-{time.time_ns()}")
    thread = threading.Thread(target=sink.run)
    thread.start()
    mine = "SELECT count(*) FROM csv_rows WHERE id BETWEEN %s AND %s"
    ends, count = [reading.identity.file, reading.identity.last], None
    deadline_s = time.monotonic() + 60
    while (count != (99,) or sink._buried < 6) and time.monotonic() < deadline_s:
        time.sleep(0.05)
        count = table.connection.execute(mine, ends).fetchone()
    sink.stop()
    thread.join(30)
    table.connection.execute("ALTER TABLE csv_rows DROP CONSTRAINT picky")
    assert (count, sink._buried) == ((99,), 6)
    assert table.connection.execute("SELECT count(*) FROM csv_rows WHERE name = 'A'").fetchone() == (0,)


def test_the_program_says_what_is_wrong(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a line, with exit code 2 for the file and 1 for a server."""
    assert main(["check", str(tmp_path)]) == 2
    assert "is a directory: name one file" in capsys.readouterr().err
    file = tmp_path / "people.csv"
    file.write_text("name,age\nA,1\n", encoding="utf-8")
    assert main(["check", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == ["name", "age"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        assert main(["direct", str(file)]) == 1
    assert "csv: PostgreSQL: " in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAWALL_DATABASE_URL", stack.connections.psycopg_url)
        assert main(["direct", str(file), "--batch-rows", "0"]) == 2
    assert "--batch-rows: 1 to 1,000,000" in capsys.readouterr().err
