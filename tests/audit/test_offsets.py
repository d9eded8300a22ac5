"""Offsets that lie: gaps, two records at one of them, and commits that come too early."""

import dataclasses

import numpy as np
from small_logs import RUN, TOPIC, identity, log_of, lows

from seawall.audit.committed import CommittedSamples
from seawall.audit.ledger import NEVER
from seawall.audit.log import Gap
from seawall.audit.offsets import committed_ahead, gaps, inconsistent_with_letters, lives, of_journals
from seawall.audit.rows import DeadLetters
from seawall.audit.visibility import JournalTally

LOW = lows((1, 1), (1, 2), (1, 3), (1, 4))
VISIBLE = np.array([100, 100, 200, 200])


def samples(*columns: tuple[int, int, int]) -> dict[tuple[str, int], CommittedSamples]:
    """Return samples of (time of the answer, committed, end of the log)."""
    end_ns, committed, end_offset = (np.array(column, dtype=np.int64) for column in zip(*columns, strict=True))
    return {(TOPIC, 0): CommittedSamples(end_ns - 5, end_ns, committed, end_offset)}


def letters(*places: tuple[int, int, int]) -> DeadLetters:
    """Return dead letters of user 1: (sequence, partition, offset)."""
    sequence, partition, offset = zip(*places, strict=True)
    return DeadLetters(
        lows(*((1, number) for number in sequence)), np.array(partition, np.int32), np.array(offset, np.int64)
    )


def test_gaps_are_counted_in_offsets() -> None:
    """Three offsets without a message, in two places."""
    found = gaps(log_of(LOW, gaps=(Gap(0, 7, 8), Gap(1, 3, 3))))
    assert found.counts.gaps == 3
    assert found.examples["gaps"] == [f"{TOPIC}[0] 7 to 8", f"{TOPIC}[1] 3 to 3"]
    assert not found.counts.clean


def test_a_letter_from_an_offset_that_holds_another_record_is_inconsistent() -> None:
    """Letters from where the log holds the same, or nothing of this run, are not."""
    found = inconsistent_with_letters(RUN, log_of(LOW), letters((2, 0, 1), (3, 0, 3), (4, 1, 0)))
    assert found.counts.inconsistent_offsets == 1
    assert found.examples["inconsistent_offsets"] == [identity(1, 3)]


def test_what_the_sinks_absorbed_is_no_violation() -> None:
    """Found there already is counted, and clean."""
    found = of_journals(JournalTally(stored=10, duplicates=3))
    assert found.counts.absorbed_duplicates == 3
    assert found.counts.clean


def test_offsets_that_no_record_accounts_for_are_inconsistent() -> None:
    """A sink says it did twelve offsets and knows of ten records."""
    found = of_journals(JournalTally(stored=10, unaccounted=2))
    assert found.counts.inconsistent_offsets == 2
    assert not found.counts.clean


def test_commits_that_follow_the_rows_are_in_time() -> None:
    """An offset may be committed as soon as its row is visible."""
    early = samples((50, 0, 4), (150, 2, 4), (250, 4, 4))
    assert committed_ahead(RUN, log_of(LOW), VISIBLE, LOW, early).counts.clean


def test_an_offset_committed_before_its_row_was_visible_is_named() -> None:
    """At 150 the group had committed the third record, whose row came at 200."""
    found = committed_ahead(RUN, log_of(LOW), VISIBLE, LOW, samples((50, 0, 4), (150, 3, 4), (250, 4, 4)))
    assert found.examples["offsets_ahead"] == [identity(1, 3)]
    assert not found.counts.clean


def test_a_record_that_was_passed_and_is_nowhere_is_ahead_even_without_samples() -> None:
    """What the table or the dead letters hold is accounted for without a journal."""
    nowhere = np.array([100, NEVER, NEVER, NEVER])
    found = committed_ahead(RUN, log_of(LOW, committed={0: 3}), nowhere, LOW[[0, 1]], {})
    assert found.examples["offsets_ahead"] == [identity(1, 3)]


def test_commits_from_before_a_loss_of_the_log_are_not_held_against_the_new_one() -> None:
    """Nor is a sample that was taken in parts before and after it; a later one that is ahead is found."""
    honest = samples((10, 900, 950), (20, 940, 3), (50, 0, 4), (250, 4, 4))
    again = dataclasses.replace(log_of(LOW), anew=frozenset({0}))
    assert lives(again, honest) == {0: 10}
    assert lives(log_of(LOW), honest) == {}
    assert committed_ahead(RUN, again, VISIBLE, LOW, honest).counts.clean
    early = samples((10, 900, 950), (20, 940, 3), (50, 0, 4), (150, 3, 4), (250, 4, 4))
    assert committed_ahead(RUN, again, VISIBLE, LOW, early).examples == {"offsets_ahead": [identity(1, 3)]}


def test_a_commit_beyond_the_logs_end_is_ahead() -> None:
    """Six of four."""
    found = committed_ahead(RUN, log_of(LOW), VISIBLE, LOW, samples((250, 6, 4)))
    assert found.counts.offsets_ahead == 2
