"""Whether the log's offsets tell the truth: a message at each, the same to all readers, no commit too early."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from contract.ids import Run
from seawall.audit.committed import CommittedSamples
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.log import LogRecords
from seawall.audit.membership import among, is_sorted
from seawall.audit.reconcile import NAMED, Reconciliation, named
from seawall.audit.rows import DeadLetters
from seawall.audit.visibility import JournalTally
from seawall.result import AuditCounts


def gaps(log: LogRecords) -> Reconciliation:
    """Count the offsets without a message; there is none where nothing is compacted.

    Not to be asked of a log with transactions, whose ends take offsets.
    """
    missing = sum(gap.last - gap.first + 1 for gap in log.gaps)
    places = [f"{log.topic}[{gap.partition}] {gap.first} to {gap.last}" for gap in log.gaps[:NAMED]]
    return Reconciliation(AuditCounts(gaps=missing), {"gaps": places} if places else {})


def inconsistent_with_letters(run: Run, log: LogRecords, letters: DeadLetters) -> Reconciliation:
    """Name the dead letters that say to come from an offset where the log holds another record."""
    wrong = []
    for partition in np.unique(letters.partition):
        here = log.partition == partition
        offset, low = log.offset[here], log.low[here]
        chosen = letters.partition == partition
        for whose, where in zip(letters.low[chosen], letters.offset[chosen], strict=True):
            first, last = np.searchsorted(offset, where), np.searchsorted(offset, where, side="right")
            if first < last and whose not in low[first:last]:
                wrong.append(whose)
    found = np.array(wrong, dtype=np.uint64)
    return Reconciliation(AuditCounts(inconsistent_offsets=len(found)), named(run, inconsistent_offsets=found))


def of_journals(tally: JournalTally) -> Reconciliation:
    """Count what the sinks absorbed, and offsets that they call done without having stored or buried a record."""
    return Reconciliation(
        AuditCounts(absorbed_duplicates=tally.duplicates, inconsistent_offsets=tally.unaccounted),
        {"inconsistent_offsets": [f"a journal, {tally.unaccounted} offsets"]} if tally.unaccounted else {},
    )


def lives(log: LogRecords, samples: Mapping[tuple[str, int], CommittedSamples]) -> dict[int, int]:
    """Return since when (monotonic) each partition that was lost counts anew, as far as *samples* saw its end fall."""
    found = {}
    for partition in log.anew:
        one = samples.get((log.topic, partition))
        last = _last_before_loss(one)
        if one is not None and last is not None:
            found[partition] = int(one.end_ns[last])
    return found


def _last_before_loss(samples: CommittedSamples | None) -> int | None:
    """Return the place of the last sample before the log's end fell."""
    if samples is None:
        return None
    fell = np.flatnonzero(np.diff(samples.end_offset) < 0)
    return int(fell[-1]) if len(fell) else None


def committed_ahead(
    run: Run,
    log: LogRecords,
    visible_ns: Int64s,
    accounted: UInt64s,
    samples: Mapping[tuple[str, int], CommittedSamples],
) -> Reconciliation:
    """Name the records whose offset was committed before their row was there, at any time that was sampled.

    *visible_ns* belongs to *log*; *accounted* are the ids of rows and dead letters, which count where no journal covers
    an offset. What was committed beyond the log's end is counted too. What the log deleted before it was read is left
    out: a sink goes on behind it, which says nothing of its own order.
    """
    ordered = accounted if is_sorted(accounted) else np.sort(accounted)
    ahead, beyond = [log.low[:0]], 0
    for partition in np.unique(log.partition).tolist():
        here = log.partition == partition
        low, offset, seen_ns = log.low[here], log.offset[here], visible_ns[here]
        uncovered = seen_ns == NEVER
        # A record that is nowhere although the group is done with it.
        early = uncovered & (offset < log.committed.get(partition, 0))
        one = samples.get((log.topic, partition))
        last = _last_before_loss(one) if partition in log.anew else None
        # the first sample after a loss may have been asked in parts before and after it
        since = 0 if last is None else last + 2
        if one is not None and len(one.committed) > since:
            committed, end_offset, end_ns = (column[since:] for column in (one.committed, one.end_offset, one.end_ns))
            reached = np.maximum.accumulate(committed)
            sample = np.searchsorted(reached, offset, side="right")
            known = sample < len(reached)
            done_ns = end_ns[np.minimum(sample, len(reached) - 1)]
            early |= known & (uncovered | (seen_ns > done_ns))
            beyond += max(0, int((committed - end_offset).max()))
        early &= ~(uncovered & log.is_deleted[here])
        low, uncovered = low[early], uncovered[early]
        ahead.append(low[~(uncovered & among(low, ordered))])
    found = np.concatenate(ahead)
    examples = named(run, offsets_ahead=found)
    if beyond:
        examples.setdefault("offsets_ahead", []).append(f"{beyond} offsets beyond the end of {log.topic}")
    return Reconciliation(AuditCounts(offsets_ahead=len(found) + beyond), examples)
