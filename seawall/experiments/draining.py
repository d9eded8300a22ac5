"""Waits until a run is over: the sinks have stored all of the log, and nothing more arrives in the tables."""

from __future__ import annotations

import time

from seawall.audit.drain import DrainProof, DrainReading, proof_of_drain
from seawall.experiments.errors import NotDrained
from seawall.stack.stack import Stack

DRAIN_POLL_S = 0.02
AWAIT_POLL_S = 0.1
PROOF_WITHIN_S = 5.0
STANDSTILL_S = 10.0
"""A lag that has not shrunk for so long is standing still: longer than a sink takes to be started again."""


def drain(
    stack: Stack, *, through_the_log: bool, timeout_s: float, pause_s: float, since_ms: int | None = None
) -> DrainProof:
    """Wait until the log is stored, as long as it shrinks and *timeout_s* allows; then prove that all is over.

    *pause_s* lies between the two readings of a proof; rows of runs before *since_ms*, wall clock, are not counted.
    """
    if through_the_log:
        begun = time.monotonic()
        least, least_at = stack.lag(), begun
        while (lag := stack.lag()) > 0:
            now = time.monotonic()
            if lag < least:
                least, least_at = lag, now
            if now - begun > timeout_s or now - least_at > STANDSTILL_S:
                break
            time.sleep(DRAIN_POLL_S)

    def look() -> DrainReading:
        return DrainReading(stack.lag() if through_the_log else 0, stack.row_counts(since_ms))

    return proof_of_drain(look, pause_s=pause_s, within_s=PROOF_WITHIN_S)


def await_sinks(stack: Stack, within_s: float) -> None:
    """Let the sinks write what an overloaded trial has left in the log; raises `NotDrained` when the time is up."""
    deadline_s = time.monotonic() + within_s
    while lag := stack.lag():
        if time.monotonic() > deadline_s:
            raise NotDrained(f"{lag:,} records still lie in the log: the sinks stand still")
        time.sleep(AWAIT_POLL_S)
