"""How something came out, and the plain figures that everything else is made of."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """How a trial, a target or a run came out."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class Quantiles(msgspec.Struct, kw_only=True, frozen=True):
    """A distribution in milliseconds; None where there were too few samples to say."""

    p50: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p95: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    """The 95 % interval, allowing for bursts; an end is None where the run was too short to tell."""
    p99: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    max: float | None = None
    mean: float | None = None
    samples: int = 0


class Estimate(msgspec.Struct, kw_only=True, frozen=True):
    """A fitted figure with its 95 % interval."""

    value: float
    low: float
    high: float
