"""Proof that a trial is over: nothing is left in the log, and nothing more arrives in the tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DrainReading:
    """What one look at log and tables found."""

    lag: int
    """Records that the sinks have not committed; 0 where there is no log."""
    rows: Mapping[str, int]
    """Rows in each table, those of dead letters among them where that is counted."""


@dataclass(frozen=True)
class DrainProof:
    """Whether the trial was over, by its last two readings."""

    proven: bool
    last: DrainReading
    reason: str = ""
    """What was still going on; empty where it is proven."""


def proof_of_drain(read: Callable[[], DrainReading], *, pause_s: float = 0.1, within_s: float = 5.0) -> DrainProof:
    """Read until two readings in a row show no lag and the same rows, or the time is up.

    A lag of 0 alone proves nothing: offsets may have been committed before their rows, and a request that nobody waits
    for any more may still be at work.
    """
    due_s = time.monotonic() + within_s
    before = read()
    while True:
        time.sleep(pause_s)
        now = read()
        if not now.lag and not before.lag and now.rows == before.rows:
            return DrainProof(proven=True, last=now)
        if time.monotonic() > due_s:
            reason = f"{now.lag} records wait in the log" if now.lag else "the tables still grow"
            return DrainProof(proven=False, last=now, reason=reason)
        before = now
