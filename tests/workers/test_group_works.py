"""What each kind of group makes of records: once, all or none, and again where it did not last."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import msgspec
import pyarrow.parquet as pq
import pytest

from contract.entities import ENTITIES, Order, Record
from contract.samples import sample_fields
from workers.groups.__main__ import main
from workers.groups.archive import Archive
from workers.groups.notification import Notifications
from workers.groups.search import SearchIndex
from workers.groups.work import NotNow, Refused, Taken

FIELDS = sample_fields(ENTITIES["orders"], 7, 250)


def taken(*numbers: int) -> list[Taken]:
    """Return orders in one partition, at offsets of their numbers."""
    return [Taken(Order(id=UUID(int=number + 1), **FIELDS[number % 250]), 0, number) for number in numbers]


def stranger() -> Taken:
    """Return a record that is no order."""
    return Taken(Record(id=UUID(int=1)), 0, 0)


class Receiver:
    """A real HTTP server that answers what it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[list[str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append([one["order"] for one in msgspec.json.decode(body)])
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/orders"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve for one test."""
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_notifications_reach_the_receiver_in_parts(receiver: Receiver) -> None:
    """Each tells whose order it is."""
    work = Notifications(receiver.url)
    work.take(taken(*range(230)))
    work.close()
    assert [len(part) for part in receiver.heard] == [100, 100, 30]
    assert [one for part in receiver.heard for one in part] == [str(UUID(int=number + 1)) for number in range(230)]


@pytest.mark.parametrize(("status", "raised"), [(503, NotNow), (429, NotNow), (422, Refused), (301, NotNow)])
def test_an_answer_that_refuses_is_told_from_one_that_passes(
    receiver: Receiver, status: int, raised: type[Exception]
) -> None:
    """What passes is tried again by whoever called."""
    receiver.answers = [status]
    work = Notifications(receiver.url)
    with pytest.raises(raised):
        work.take(taken(1))
    work.take(taken(1))
    work.close()
    assert len(receiver.heard) == 2


def test_a_receiver_that_is_away_is_waited_for(receiver: Receiver) -> None:
    """It says so, and finds it again."""
    receiver.server.server_close()
    work = Notifications(receiver.url)
    with pytest.raises(NotNow, match="the receiver of notifications"):
        work.take(taken(1))
    work.close()


def test_an_index_holds_each_order_once_and_answers(tmp_path: Path) -> None:
    """What comes again changes nothing, and a batch with a stranger leaves nothing behind."""
    work = SearchIndex(tmp_path / "index.sqlite")
    work.take(taken(*range(100)))
    work.take(taken(*range(50, 150)))
    with pytest.raises(Refused):
        work.take([*taken(200), stranger()])
    work.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "index.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM orders").fetchone() == (150,)
        found = database.execute(
            "SELECT id FROM notes JOIN orders ON orders.number = notes.rowid WHERE notes MATCH 'note:gift'"
        ).fetchall()
    wanted = {str(UUID(int=number + 1)) for number in range(150) if "gift" in FIELDS[number]["note"].split()}
    assert {identity for (identity,) in found} == wanted
    assert wanted


def test_an_archive_has_only_what_was_kept_and_reads_back(tmp_path: Path) -> None:
    """A process that died in between writes the same again, in a file of the same name."""
    work = Archive(tmp_path, every_s=1.0)
    work.take(taken(0, 1, 2))
    work.keep()
    work.take(taken(3, 4))
    work.close()  # as one that dies
    assert [path.name for path in tmp_path.iterdir()] == ["000-00000000000000000000.parquet"]
    again = Archive(tmp_path, every_s=1.0)
    again.take(taken(3, 4, 5))
    again.keep()
    again.keep()  # of which nothing comes
    rows = [row for path in sorted(tmp_path.iterdir()) for row in pq.read_table(path).to_pylist()]
    assert [row["offset"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[3]["note"] == FIELDS[3]["note"]
    assert rows[3]["placed_at"] == FIELDS[3]["placed_at"]


def test_a_group_without_what_it_needs_says_which_setting_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing was begun."""
    for name in ("SEAWALL_KAFKA_BOOTSTRAP_SERVERS", "SEAWALL_GROUP_NOTIFY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEAWALL_GROUP_KIND", "notification")
    monkeypatch.setenv("SEAWALL_GROUP_NAME", "notices")
    assert main() == 2
    assert "set SEAWALL_GROUP_NOTIFY_URL" in capsys.readouterr().err
    monkeypatch.setenv("SEAWALL_GROUP_KIND", "dance")
    assert main() == 2
    assert "SEAWALL_GROUP_KIND" in capsys.readouterr().err
