"""Waits until a run is over: the sinks have stored all of the log, and nothing more arrives in the tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from seawall.audit.drain import DrainProof, DrainReading, proof_of_drain
from seawall.experiments.errors import NotDrained
from seawall.stack.errors import Unreachable
from seawall.stack.stack import Stack

T = TypeVar("T")
DRAIN_POLL_S, ASKING_S = 0.02, 1.0
AWAIT_POLL_S = 0.1
PROOF_WITHIN_S = 5.0
STANDSTILL_S = 10.0
"""A lag that has not shrunk for so long is standing still: longer than a sink takes to be started again."""


def drain(
    stack: Stack,
    *,
    through_the_log: bool,
    timeout_s: float,
    pause_s: float,
    since_ms: int | None = None,
    on_lag: Callable[[int], None] = lambda _: None,
) -> DrainProof:
    """Wait until the log is stored, as long as it shrinks and *timeout_s* allows; then prove that all is over.

    *pause_s* lies between the two readings of a proof; rows of runs before *since_ms*, wall clock, are not counted.
    *on_lag* hears how many records the log still holds that have no row.
    """

    def lag_of() -> int:
        return answered(stack.lag, timeout_s)

    if through_the_log:
        least = lag_of()
        begun = least_at = time.monotonic()
        while True:
            asked = time.monotonic()
            lag = lag_of()
            on_lag(lag)
            now = time.monotonic()
            if not lag:
                break
            least_at += max(0.0, now - asked - ASKING_S)  # while nobody answered, nobody could shrink it either
            if lag < least:
                least, least_at = lag, now
            if now - begun > timeout_s or now - least_at > STANDSTILL_S:
                break
            time.sleep(DRAIN_POLL_S)

    def look() -> DrainReading:
        rows = answered(partial(stack.row_counts, since_ms), timeout_s)
        return DrainReading(lag_of() if through_the_log else 0, rows)

    return proof_of_drain(look, pause_s=pause_s, within_s=PROOF_WITHIN_S)


def answered(ask: Callable[[], T], within_s: float) -> T:
    """Return what servers answer that may have died in the trial, and come back; raises `Unreachable`."""
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except Unreachable:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(AWAIT_POLL_S)


def await_sinks(stack: Stack, within_s: float) -> None:
    """Let the sinks write what an overloaded trial has left in the log; raises `NotDrained` when the time is up."""
    deadline_s = time.monotonic() + within_s
    while lag := stack.lag():
        if time.monotonic() > deadline_s:
            raise NotDrained(f"{lag:,} records still lie in the log: the sinks stand still")
        time.sleep(AWAIT_POLL_S)
