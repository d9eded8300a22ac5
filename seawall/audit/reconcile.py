"""Holds a ledger against rows, log and dead letters, and names every record that is not where it should be."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contract.ids import ENTITY_BITS, LOCAL_USER_BITS, SEQUENCE_BITS, USER_BITS, Run, mint
from seawall.audit.ledger import Int64s, UInt64s
from seawall.audit.membership import among, is_sorted, places
from seawall.result import AuditCounts

Bools = npt.NDArray[np.bool_]
NAMED = 10
"""So many ids of each class are named."""
_PROCESS, _PROCESSES = np.uint64(ENTITY_BITS + LOCAL_USER_BITS), np.uint64((1 << (USER_BITS - LOCAL_USER_BITS)) - 1)


@dataclass(frozen=True)
class Sent:
    """What the ledger says of one entity's records, shape ``(records,)`` each."""

    low: UInt64s
    accepted: Bools
    refused: Bools
    expected_digest: Int64s
    cut_short: tuple[int, ...] = ()
    """The load processes, by the number in their users' numbers, that died before they had noted all they sent."""


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

    *lost*: taken by the service, and neither stored, dead-lettered nor pending; where there is a log, in two parts:
    *never_logged*, and *not_stored*, which the sinks passed. *pending*: in the log beyond what the sinks committed.
    *unknown*: no definite answer, so it may be there or not. *phantom*: a row that nobody sent, or that the service
    said it refused. *unnoted*: a row that the ledger lacks, of a load process that died before it had noted all it
    sent: no *phantom*. *corrupted*: a row whose fields differ from what was sent.
    """
    row_low, row_digest = _ordered(found)
    place, stored = places(sent.low, row_low)
    dead = among(sent.low, np.sort(found.dead_low)) & ~stored
    unknown = ~sent.accepted & ~sent.refused
    missing = sent.low[sent.accepted & ~stored & ~dead]
    pending, not_stored, never_logged = _whereabouts(missing, found)
    lost = np.sort(np.concatenate([never_logged, not_stored])) if found.log_low is not None else missing

    repeats = row_low[1:][row_low[1:] == row_low[:-1]]
    corrupted = sent.low[stored & (row_digest[place] != sent.expected_digest)] if len(row_low) else row_low
    never_sent = np.unique(row_low[~among(row_low, np.sort(sent.low))])
    unnoted = np.isin((never_sent >> _PROCESS) & _PROCESSES, sent.cut_short)
    never_sent = never_sent[~unnoted]
    phantom = np.concatenate([never_sent, sent.low[sent.refused & stored]])

    counts = AuditCounts(
        attempted=len(sent.low),
        acknowledged=int(sent.accepted.sum()),
        stored=int(stored.sum()),
        dead_lettered=int(dead.sum()),
        pending=len(pending),
        lost=len(lost),
        phantom=len(phantom),
        unnoted=int(unnoted.sum()),
        duplicates=len(repeats),
        corrupted=len(corrupted),
        unknown=int(unknown.sum()),
        unknown_stored=int((unknown & stored).sum()),
        never_logged=len(never_logged),
        not_stored=len(not_stored),
        log_duplicates=0 if found.log_low is None else _repeats(found.log_low),
    )
    return Reconciliation(
        counts,
        named(
            run,
            lost=lost,
            never_logged=never_logged,
            not_stored=not_stored,
            pending=pending,
            phantom=phantom,
            duplicates=np.unique(repeats),
            corrupted=corrupted,
            dead_lettered=sent.low[dead],
        ),
    )


def named(run: Run, **classes: UInt64s) -> dict[str, list[str]]:
    """Return the first ids of each class that is not empty."""
    return {name: [identity_text(run, int(low)) for low in lows[:NAMED]] for name, lows in classes.items() if len(lows)}


def identity_text(run: Run, low: int) -> str:
    """Return the id whose lower bits are *low*."""
    sequence = (low >> (USER_BITS + ENTITY_BITS)) & ((1 << SEQUENCE_BITS) - 1)
    user = (low >> ENTITY_BITS) & ((1 << USER_BITS) - 1)
    return str(mint(run, sequence, user, low & ((1 << ENTITY_BITS) - 1)))


def _ordered(found: Found) -> tuple[UInt64s, Int64s]:
    """Return the rows sorted by id; a reader may have done so."""
    if is_sorted(found.row_low):
        return found.row_low, found.row_digest
    order = np.argsort(found.row_low, kind="stable")
    return found.row_low[order], found.row_digest[order]


def _whereabouts(missing: UInt64s, found: Found) -> tuple[UInt64s, UInt64s, UInt64s]:
    """Return which of the missing records are pending, which the sinks passed, and which are not in the log."""
    nowhere = missing[:0]
    if found.log_low is None or found.log_ahead is None:
        return nowhere, nowhere, nowhere
    ordered = np.sort(missing)
    place, there = places(found.log_low, ordered)
    logged, ahead = np.zeros(len(ordered), dtype=np.bool_), np.zeros(len(ordered), dtype=np.bool_)
    logged[place[there]] = True
    ahead[place[there & found.log_ahead]] = True
    return ordered[ahead], ordered[logged & ~ahead], ordered[~logged]


def _repeats(low: UInt64s) -> int:
    ordered = np.sort(low)
    return int((ordered[1:] == ordered[:-1]).sum())
