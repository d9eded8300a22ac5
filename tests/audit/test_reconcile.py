"""The reconciliation of a ledger with what is there: each planted fault must be named by its id."""

from dataclasses import replace

import numpy as np
import pytest

from contract.ids import Run, low_bits, mint
from seawall.audit.reconcile import Found, Reconciliation, Sent, identity_text, reconcile

RUN = Run(1_800_000_000_000, 9)
LOW = np.array([low_bits(sequence, 3, 2) for sequence in range(1, 101)], dtype=np.uint64)
DIGEST = np.arange(100, dtype=np.int64)
ALL = np.ones(100, dtype=bool)
NONE = np.zeros(100, dtype=bool)
NOBODY = np.array([], dtype=np.uint64)

SENT = Sent(LOW, ALL, NONE, DIGEST)
FOUND = Found(LOW, DIGEST, NOBODY)


def identity(place: int) -> str:
    """Return the id of the record at *place*."""
    return str(mint(RUN, place + 1, 3, 2))


def without(place: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return a mask of all places but one."""
    mask = ALL.copy()
    mask[place] = False
    return mask


def test_everything_in_place_is_clean() -> None:
    """A hundred sent, accepted and stored are a hundred, and no class names an id."""
    found = reconcile(RUN, SENT, FOUND)
    assert found.counts.clean
    assert (found.counts.attempted, found.counts.acknowledged, found.counts.stored) == (100, 100, 100)
    assert found.examples == {}


def test_an_accepted_record_without_a_row_is_lost() -> None:
    """Row 41 is gone, and its id is named."""
    found = reconcile(RUN, SENT, Found(LOW[without(41)], DIGEST[without(41)], NOBODY))
    assert (found.counts.lost, found.counts.stored) == (1, 99)
    assert found.examples["lost"] == [identity(41)]


def test_a_record_in_the_log_beyond_the_sinks_is_pending_and_not_lost() -> None:
    """The same gap, with the record still ahead of what the sinks committed."""
    rows = Found(LOW[without(41)], DIGEST[without(41)], NOBODY, LOW, ~without(41))
    found = reconcile(RUN, SENT, rows)
    assert (found.counts.lost, found.counts.pending) == (0, 1)
    assert found.examples["pending"] == [identity(41)]


def test_a_record_that_the_sinks_passed_without_storing_is_lost() -> None:
    """In the log, consumed, and not in the table."""
    found = reconcile(RUN, SENT, Found(LOW[without(41)], DIGEST[without(41)], NOBODY, LOW, NONE))
    assert (found.counts.lost, found.counts.pending) == (1, 0)


def test_what_is_lost_is_lost_before_the_log_or_behind_it() -> None:
    """Record 10 never reached the log, the sinks passed record 11, and both are lost."""
    row_low, log_low = np.delete(LOW, [10, 11]), np.delete(LOW, 10)
    found = reconcile(RUN, SENT, Found(row_low, np.delete(DIGEST, [10, 11]), NOBODY, log_low, NONE[:99]))
    assert (found.counts.never_logged, found.counts.not_stored, found.counts.lost) == (1, 1, 2)
    assert found.examples["never_logged"] == [identity(10)]
    assert found.examples["not_stored"] == [identity(11)]
    assert found.counts.violations == {"lost": 2}


def test_without_a_log_a_missing_record_is_lost_and_no_more_is_said() -> None:
    """On the paths straight to the database there is no log to look in."""
    found = reconcile(RUN, SENT, Found(LOW[without(41)], DIGEST[without(41)], NOBODY))
    assert (found.counts.lost, found.counts.never_logged, found.counts.not_stored) == (1, 0, 0)


def test_a_dead_letter_is_accounted_for() -> None:
    """A record in the dead letters is neither lost nor stored."""
    found = reconcile(RUN, SENT, Found(LOW[without(5)], DIGEST[without(5)], LOW[[5]]))
    assert (found.counts.dead_lettered, found.counts.lost) == (1, 0)
    assert found.counts.clean


def test_a_changed_field_is_corruption() -> None:
    """A row whose digest differs is named."""
    digest = DIGEST.copy()
    digest[7] += 1
    found = reconcile(RUN, SENT, Found(LOW, digest, NOBODY))
    assert found.examples["corrupted"] == [identity(7)]
    assert not found.counts.clean


def test_a_row_that_nobody_sent_is_a_phantom() -> None:
    """One row more than the ledger."""
    found = reconcile(
        RUN, replace(SENT, low=LOW[:99], accepted=ALL[:99], refused=NONE[:99], expected_digest=DIGEST[:99]), FOUND
    )
    assert found.examples["phantom"] == [identity(99)]


def test_what_a_dead_process_had_not_noted_is_no_phantom() -> None:
    """Rows of process 1, which died, are told apart from those of others that nobody sent."""
    rows = [(200, 1 << 16), (201, (1 << 16) + 5), (202, 3), (203, 2 << 16)]
    low = np.array([low_bits(sequence, user, 2) for sequence, user in rows], dtype=np.uint64)
    there = Found(np.append(LOW, low), np.append(DIGEST, low.astype(np.int64)), NOBODY)
    found = reconcile(RUN, replace(SENT, cut_short=(1,)), there)
    assert (found.counts.unnoted, found.counts.phantom) == (2, 2)
    assert found.examples["phantom"] == [str(mint(RUN, sequence, user, 2)) for sequence, user in rows[2:]]
    assert reconcile(RUN, SENT, there).counts.phantom == 4


def test_a_refused_record_that_is_stored_is_a_phantom() -> None:
    """The service said no and wrote it all the same."""
    found = reconcile(RUN, replace(SENT, accepted=without(2), refused=~without(2)), FOUND)
    assert found.examples["phantom"] == [identity(2)]


def test_a_row_twice_is_a_duplicate() -> None:
    """A table without its key shows one id in two rows."""
    found = reconcile(RUN, SENT, Found(np.append(LOW, LOW[3]), np.append(DIGEST, DIGEST[3]), NOBODY))
    assert found.counts.duplicates == 1
    assert found.examples["duplicates"] == [identity(3)]


@pytest.mark.parametrize("stored", [True, False])
def test_a_record_without_an_answer_is_unknown_and_never_lost(*, stored: bool) -> None:
    """Whether it is there or not, nobody promised anything."""
    rows = FOUND if stored else Found(LOW[without(9)], DIGEST[without(9)], NOBODY)
    found = reconcile(RUN, replace(SENT, accepted=without(9)), rows)
    assert (found.counts.unknown, found.counts.unknown_stored, found.counts.lost) == (1, int(stored), 0)
    assert found.counts.clean


def test_sums_of_entities_keep_ten_examples() -> None:
    """Adding up keeps the counts whole and the list of names short."""
    whole = Reconciliation()
    for _ in range(2):
        whole.add(reconcile(RUN, SENT, Found(LOW[10:], DIGEST[10:], NOBODY)))
    assert whole.counts.lost == 20
    assert len(whole.examples["lost"]) == 10


def test_lower_bits_name_the_whole_id() -> None:
    """The id is rebuilt from run and lower bits."""
    assert identity_text(RUN, int(LOW[0])) == identity(0)
