"""Holds a ledger against rows, log and dead letters, and names every record that is not where it should be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS, Run, mint
from seawall.audit.ledger import Int64s, UInt64s
from seawall.result import AuditCounts

Bools = npt.NDArray[np.bool_]
NAMED = 10
"""So many ids of each class are named."""


@dataclass(frozen=True)
class Sent:
    """What the ledger says of one entity's records, shape ``(records,)`` each."""

    low: UInt64s
    accepted: Bools
    refused: Bools
    expected_digest: Int64s


@dataclass(frozen=True)
class Found:
    """What is there of them: rows, dead letters, and, on the `kafka` path, the log."""

    row_low: UInt64s
    row_digest: Int64s
    dead_low: UInt64s
    log_low: UInt64s | None = None
    log_ahead: Bools | None = None
    """Whether the record lies beyond what the sinks committed: its row may still come."""


@dataclass
class Reconciliation:
    """The counts, and the first ids of each class that should be empty."""

    counts: AuditCounts = field(default_factory=AuditCounts)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: Reconciliation) -> None:
        """Add another entity's reconciliation."""
        self.counts = self.counts + other.counts
        for name, ids in other.examples.items():
            self.examples[name] = (self.examples.get(name, []) + ids)[:NAMED]


def reconcile(run: Run, sent: Sent, found: Found) -> Reconciliation:
    """Classify every record that was sent and every row that was found.

    *lost*: taken by the service, and neither stored, dead-lettered nor pending. *pending*: in the log beyond what the
    sinks committed. *unknown*: no definite answer, so it may be there or not. *phantom*: a row that nobody sent, or
    that the service said it refused. *corrupted*: a row whose fields differ from what was sent.
    """
    stored = np.isin(sent.low, found.row_low)
    dead = np.isin(sent.low, found.dead_low) & ~stored
    unknown = ~sent.accepted & ~sent.refused
    missing = sent.accepted & ~stored & ~dead
    pending = np.zeros_like(missing)
    log_duplicates = 0
    if found.log_low is not None and found.log_ahead is not None:
        pending = missing & np.isin(sent.low, found.log_low[found.log_ahead])
        log_duplicates = len(found.log_low) - len(np.unique(found.log_low))
    lost = missing & ~pending

    unique_rows, first_rows = np.unique(found.row_low, return_index=True)
    duplicated = _repeated(found.row_low)
    corrupted = _differing(sent, unique_rows, found.row_digest[first_rows])
    never_sent = np.setdiff1d(unique_rows, sent.low)
    refused_yet_stored = sent.low[sent.refused & stored]
    phantom = np.concatenate([never_sent, refused_yet_stored])

    counts = AuditCounts(
        attempted=len(sent.low),
        acknowledged=int(sent.accepted.sum()),
        stored=int(stored.sum()),
        dead_lettered=int(dead.sum()),
        pending=int(pending.sum()),
        lost=int(lost.sum()),
        phantom=len(phantom),
        duplicates=len(found.row_low) - len(unique_rows),
        corrupted=len(corrupted),
        unknown=int(unknown.sum()),
        log_duplicates=log_duplicates,
    )
    classes = {
        "lost": sent.low[lost],
        "pending": sent.low[pending],
        "phantom": phantom,
        "duplicates": duplicated,
        "corrupted": corrupted,
        "dead_lettered": sent.low[dead],
    }
    examples = {
        name: [identity_text(run, int(low)) for low in lows[:NAMED]] for name, lows in classes.items() if len(lows)
    }
    return Reconciliation(counts, examples)


def identity_text(run: Run, low: int) -> str:
    """Return the id whose lower bits are *low*."""
    sequence = (low >> (USER_BITS + ENTITY_BITS)) & ((1 << SEQUENCE_BITS) - 1)
    user = (low >> ENTITY_BITS) & ((1 << USER_BITS) - 1)
    return str(mint(run, sequence, user, low & ((1 << ENTITY_BITS) - 1)))


def _repeated(low: UInt64s) -> UInt64s:
    unique, counts = np.unique(low, return_counts=True)
    return unique[counts > 1]


def _differing(sent: Sent, row_low: UInt64s, row_digest: Int64s) -> UInt64s:
    """Return the ids of rows whose digest is not the one of what was sent; *row_low* is sorted."""
    if not len(row_low):
        return row_low
    place = np.minimum(np.searchsorted(row_low, sent.low), len(row_low) - 1)
    there = row_low[place] == sent.low
    differing: UInt64s = sent.low[there & (row_digest[place] != sent.expected_digest)]
    return differing
