"""A CSV file into the database on real servers: each row once, whatever happens on the way."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contract.csv_rows import identify
from seawall.audit.csv_file import CsvForm, audit_csv
from seawall.experiments.stream_csv import CsvRun
from seawall.experiments.stream_csv_options import CsvOptions
from seawall.load.csv_sample import COLUMNS, write_sample
from seawall.result import Outcome, Result
from seawall.result.csv_import import CsvFinding
from seawall.stack.csv_importer import ImportProcess
from seawall.stack.stack import Stack

ROWS = 3_000


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}")

    def import_goes_on(self, state: dict[str, Any], size_bytes: int) -> None:
        """Hold it against the file's size."""
        assert 0 <= state["bytes"] <= size_bytes

    def finding(self, number: int, total: int, finding: CsvFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


@pytest.fixture
def place(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """Give a place for results; afterwards no row is in the tables of imports."""
    yield tmp_path
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as connection:
        connection.execute("TRUNCATE csv_rows, csv_imports")


def run(stack: Stack, directory: Path, **options: Any) -> Result:
    """Run it."""
    return CsvRun(CsvOptions(**options), stack, directory).run(Notes(), lambda _: None)


def stored(stack: Stack) -> list[tuple[str, int, dict[str, str]]]:
    """Return what is in the table, in the order of lines."""
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        return connection.execute("SELECT name, age, more FROM csv_rows ORDER BY id").fetchall()


def all_wrong(finding: CsvFinding) -> list[int]:
    """Return all figures that should be 0."""
    return [finding.lost, finding.unreported, finding.corrupted, finding.phantom, finding.doubled, finding.buried]


def test_both_ways_store_each_row_once_and_reject_the_others(stack: Stack, place: Path) -> None:
    """The second begins anew, the loader takes as many, and the sample's own figures are met."""
    result = run(stack, place, rows=ROWS, batch_rows=700)
    sample = write_sample(place / "again.csv", ROWS, seed=1)
    assert (place / "raw" / "sample.csv").read_bytes() == sample.path.read_bytes()
    assert [one.arm for one in result.csv] == ["direct", "kafka"]
    for one in result.csv:
        assert (one.good, one.bad, one.stored) == (sample.good, sample.bad, sample.good)
        assert (one.in_table, one.in_rejects) == (sample.good, sample.bad)
        assert not any(all_wrong(one))
        assert (one.read[-1].done, one.visible[-1].done) == (sample.good, sample.good)
        assert one.outcome is Outcome.PASS
        assert one.rows_per_s
        assert one.share_of_loader
    assert result.csv[1].memory_bytes.keys() == {"importer", "sink"}
    assert result.csv_loader is not None
    assert result.csv_loader.rows == sample.good
    rows = {
        row["metric"]: row["outcome"] for row in [{"metric": t.metric, "outcome": t.outcome} for t in result.targets]
    }
    assert rows["rows_wrong"] is Outcome.PASS
    assert rows["csv_memory_bytes"] is Outcome.PASS
    assert rows["csv_rows_per_s"] is rows["csv_share_of_loader"] is Outcome.INCONCLUSIVE  # too few rows
    assert result.outcome is Outcome.INCONCLUSIVE
    assert len(stored(stack)) == sample.good


def test_the_same_file_again_stores_nothing_twice(stack: Stack, place: Path) -> None:
    """By either way, however often, under any name; and the reject file is whole each time."""
    file = write_sample(place / "people.csv", ROWS, seed=2).path
    copy = place / "copy of people.csv"
    copy.write_bytes(file.read_bytes())
    found = []
    for number, (path, way) in enumerate([(file, "direct"), (copy, "direct"), (file, "kafka")]):
        directory = place / str(number)
        directory.mkdir()
        found += run(stack, directory, file=path, ways=(way,), loader=False).csv
    assert [one.stored for one in found] == [ROWS - 3, 0, 0]
    assert [(one.in_table, one.in_rejects, one.outcome) for one in found] == [(ROWS - 3, 3, Outcome.PASS)] * 3
    assert len(stored(stack)) == ROWS - 3


def test_what_an_earlier_import_left_in_the_log_is_not_counted(stack: Stack, place: Path) -> None:
    """It was published and not stored; it is stored now, and the figures are of this import alone."""
    left = write_sample(place / "left.csv", ROWS, seed=5)
    words = ["kafka", str(left.path), "--rejects", str(place / "rejects.csv")]
    with ImportProcess(stack, "importer", place / "importer", *words) as importer:
        assert importer.wait(100)
    assert (importer.exit_code, stored(stack)) == (0, [])
    result = run(stack, place, rows=1_000, ways=("kafka",), loader=False)
    (one,) = result.csv
    assert one.stored == one.in_table == one.visible[-1].done == one.good < 1_000
    assert one.outcome is Outcome.PASS
    assert one.rows_per_s
    assert len(stored(stack)) == left.good + one.good


@pytest.mark.parametrize("way", ["direct", pytest.param("kafka", marks=pytest.mark.long)])
def test_a_killed_import_goes_on_where_it_was(way: str, stack: Stack, place: Path) -> None:
    """Nothing is lost or stored twice, and each bad record is rejected once."""
    rows = 40_000
    file = write_sample(place / "people.csv", rows, seed=3).path
    killed = place / "killed"
    words = [way, str(file), "--rejects", str(killed / "rejects.csv"), "--batch-rows", "1000"]
    process = ImportProcess(stack, "importer", killed, *words)
    deadline_s = time.monotonic() + 60
    while not any(line.get("good", 0) >= 6_000 for line in process.news()):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    process.kill()
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        noted = connection.execute("SELECT good, bad, finished FROM csv_imports").fetchall()
        there = connection.execute("SELECT count(*) FROM csv_rows").fetchone()
    assert len(noted) == 1
    good, bad, finished = noted[0]
    assert 0 < good + bad < rows
    assert not finished
    if way == "direct":
        assert there == (good,)  # what is noted is what is stored
    (place / "second").mkdir()
    (one,) = run(stack, place / "second", file=file, ways=(way,), loader=False).csv
    assert one.resumed_line > 5_000
    assert (one.good, one.bad, one.in_table, one.in_rejects) == (rows - 40, 40, rows - 40, 40)
    assert not any(all_wrong(one))
    assert one.outcome is Outcome.PASS
    assert one.rows_per_s is None
    with (place / "second" / one.rejects).open(encoding="utf-8", newline="") as file_:
        lines = [row["line"] for row in csv.DictReader(file_)]
    assert len(set(lines)) == len(lines) == 40


@pytest.mark.long
def test_a_killed_sink_loses_and_doubles_nothing(stack: Stack, place: Path) -> None:
    """Another reads again what it had not committed, and knows the rows that are there."""
    rows = 60_000
    file = write_sample(place / "people.csv", rows, seed=8).path
    words = ["kafka", str(file), "--rejects", str(place / "rejects.csv")]
    with ImportProcess(stack, "importer", place / "importer", *words) as importer:
        assert importer.wait(100)
    assert importer.exit_code == 0
    first = ImportProcess(stack, "sink", place / "first", "sink")
    deadline_s = time.monotonic() + 100
    while not any(line.get("stored", 0) for line in first.news()):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    first.kill()
    there = len(stored(stack))
    (place / "second").mkdir()
    (one,) = run(stack, place / "second", file=file, ways=("kafka",), loader=False).csv
    assert 0 < there < rows
    assert one.stored <= rows - 60 - there
    assert (one.good, one.bad, one.in_table, one.in_rejects) == (rows - 60, 60, rows - 60, 60)
    assert one.reasons == []


def test_the_audit_tells_what_is_wrong_with_the_table(stack: Stack, place: Path) -> None:
    """A row that is gone, one that is another, one behind the file's end, and a reject that is not reported."""
    file = write_sample(place / "people.csv", ROWS, seed=4).path
    result = run(stack, place, file=file, ways=("direct",), loader=False)
    assert result.csv[0].outcome is Outcome.PASS
    identity, rejects = identify(file), place / result.csv[0].rejects
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as connection:
        (first,), (second,) = connection.execute("SELECT id FROM csv_rows ORDER BY id LIMIT 2").fetchall()
        connection.execute("UPDATE csv_rows SET age = age + 1 WHERE id = %s", [first])
        connection.execute(
            "INSERT INTO csv_rows SELECT %s, name, age, more FROM csv_rows WHERE id = %s", [identity.row(9_999), first]
        )
        connection.execute("DELETE FROM csv_rows WHERE id = %s", [second])
    lines = rejects.read_text(encoding="utf-8").splitlines(keepends=True)
    rejects.write_text("".join(lines[:2] + lines[3:]), encoding="utf-8")
    form = CsvForm("utf-8", 0, "\n", ",", COLUMNS)
    found = audit_csv(stack.connections, file, (identity.file, identity.last), rejects, form)
    assert (found.lost, found.corrupted, found.phantom, found.unreported) == (1, 1, 1, 1)
    assert (found.doubled, found.wrongly_rejected, found.in_rejects) == (0, 0, 2)
    assert len(found.examples) == 4


def test_every_kind_of_bad_record_is_rejected_and_nothing_else(stack: Stack, place: Path) -> None:
    """By the word of the audit, which judges each record by itself."""
    file = place / "people.csv"
    good = '가 나,1,"a ""quoted"" word"\n둘,2,"two\nlines"\n\nC,150,\n'.encode()
    bad = [
        b"A,1\n", b"A,1,a,b\n", b"A,old,\n", b"A,-1,\n", b"A,151,\n", b",1,\n", b"k" * 201 + b",1,\n",
        b"A,1," + b"n" * 4_001 + b"\n", b"Ki\0m,1,\n", b'A,1,"a"b\n', b"B\xff,2,\n", b"A,1," + b"x" * 1_200_000 + b"\n",
        b'A,1,"open\n' + b"P,5,plain\n" * 15_000,
    ]  # fmt: skip
    file.write_bytes(b"\xef\xbb\xbfname,age,note\n" + b"".join(good + one for one in bad) + good + b'Z,1,"open')
    result = run(stack, place, file=file, ways=("direct",), loader=False)
    (one,) = result.csv
    assert one.reasons == []
    assert (one.good, one.bad) == (3 * 14 + 15_000, 14)
    assert (one.in_table, one.in_rejects) == (one.good, one.bad)
    assert one.memory_bytes["importer"] < 200_000_000
    assert stored(stack)[:2] == [("가 나", 1, {"note": 'a "quoted" word'}), ("둘", 2, {"note": "two\nlines"})]
