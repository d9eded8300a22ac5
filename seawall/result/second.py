"""One second of a trial's course: how long what was due in it took, and how far whoever works at it has come."""

from __future__ import annotations

import msgspec


class Second(msgspec.Struct, kw_only=True, frozen=True):
    """What was due in one second."""

    at_s: float
    """Its middle, from the schedule's start."""
    samples: int
    p50_ms: float
    p95_ms: float


class Reached(msgspec.Struct, kw_only=True, frozen=True):
    """How many records a group or an import had done at one moment."""

    at_s: float
    """From the first record's sending, or from the opening of the file."""
    done: int
