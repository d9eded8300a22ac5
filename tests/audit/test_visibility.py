"""Visible times from the sinks' journals."""

from pathlib import Path

import numpy as np

from contract.journal import Commit, JournalWriter, Span
from seawall.audit.ledger import NEVER
from seawall.audit.log import LogRecords
from seawall.audit.visibility import Journals, JournalTally


def commit(time_ns: int, *spans: tuple[int, int, int]) -> Commit:
    """Return the journal entry of a batch."""
    return Commit(time_ns, [Span("t", *span) for span in spans], 0, 0, 0)


def records(*places: tuple[int, int]) -> LogRecords:
    """Return log records at these (partition, offset) places."""
    partitions, offsets = zip(*places, strict=True)
    return LogRecords(
        "t", np.arange(len(places), dtype=np.uint64), np.array(partitions, np.int32), np.array(offsets, np.int64), {}
    )


def test_a_row_is_visible_when_the_first_covering_commit_returned(tmp_path: Path) -> None:
    """Offsets of several partitions and sinks, one batch repeated, one offset never covered."""
    one, two = JournalWriter(tmp_path / "a.jsonl", 1), JournalWriter(tmp_path / "b.jsonl", 2)
    one.commit(commit(100, (0, 0, 4), (1, 7, 9)))
    one.commit(commit(200, (0, 5, 9)))
    two.commit(commit(300, (0, 3, 12)))
    found = Journals(tmp_path).visible_ns(records((0, 4), (0, 5), (0, 12), (1, 8), (1, 10), (0, 13)))
    assert found.tolist() == [100, 200, 300, 100, NEVER, NEVER]


def test_commits_from_before_a_loss_of_the_log_say_nothing_of_the_new_one(tmp_path: Path) -> None:
    """The same offset was another record's then; other partitions are not concerned."""
    journal = JournalWriter(tmp_path / "a.jsonl", 1)
    journal.commit(commit(100, (0, 0, 4), (1, 0, 4)))
    journal.commit(commit(300, (0, 0, 2)))
    found = Journals(tmp_path).visible_ns(records((0, 1), (0, 3), (1, 1)), {0: 200})
    assert found.tolist() == [300, NEVER, 100]


def test_a_line_that_a_killed_sink_left_unfinished_is_read_later(tmp_path: Path) -> None:
    """Half a line is no entry, and no error."""
    writer = JournalWriter(tmp_path / "a.jsonl", 1)
    writer.commit(commit(100, (0, 0, 0)))
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"type":"commit","monotonic_ns":5')
    journals = Journals(tmp_path)
    assert journals.visible_ns(records((0, 0), (0, 1))).tolist() == [100, NEVER]
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'0,"spans":[["t",0,1,1]],"stored":1,"duplicates":0,"dead_lettered":0}\n')
    assert journals.visible_ns(records((0, 0), (0, 1))).tolist() == [100, 50]


def test_the_tally_sums_up_what_the_sinks_found(tmp_path: Path) -> None:
    """Ten offsets, nine of which are accounted for; a message that stood in its batch twice makes up for none."""
    writer = JournalWriter(tmp_path / "a.jsonl", 1)
    writer.commit(Commit(100, [Span("t", 0, 0, 3), Span("t", 1, 0, 5)], 7, 1, 1))
    writer.commit(Commit(200, [Span("t", 0, 4, 4)], 1, 1, 0))
    assert Journals(tmp_path).tally() == JournalTally(stored=8, duplicates=2, dead_lettered=1, unaccounted=1)


def test_offsets_that_no_commit_covers_were_not_read(tmp_path: Path) -> None:
    """All of them where a partition was not read at all; where nobody keeps a journal, nobody knows."""
    assert Journals(tmp_path).unread("t", 0, 0, 9) == 0
    JournalWriter(tmp_path / "a.jsonl", 1).commit(commit(100, (0, 2, 4), (0, 7, 20)))
    journals = Journals(tmp_path)
    assert journals.unread("t", 0, 0, 9) == 4
    assert journals.unread("t", 1, 5, 9) == 5


def test_forgotten_spans_do_not_come_back(tmp_path: Path) -> None:
    """A new trial starts with none of the old one's commits."""
    writer = JournalWriter(tmp_path / "a.jsonl", 1)
    writer.commit(commit(100, (0, 0, 9)))
    journals = Journals(tmp_path)
    journals.forget()
    assert journals.visible_ns(records((0, 5))).tolist() == [NEVER]
