"""How a service was scaled while a load ran, and what its clients saw of it."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome


class ElasticityMoment(msgspec.Struct, kw_only=True, frozen=True):
    """A second of the trial: of the requests that were due in it."""

    at_s: float
    """Its middle, from the schedule's start."""
    offered_per_s: float = 0.0
    failed_per_s: float = 0.0
    response_p95_ms: float | None = None
    """Of those that succeeded."""
    visible_p95_ms: float | None = None
    lag: int | None = None
    """Records that the sinks had not committed, as the brokers said; None where nobody asked, or none answered."""
    wanted: int = 0
    running: int = 0


class ElasticityStep(msgspec.Struct, kw_only=True, frozen=True):
    """One change of how many processes there shall be."""

    at_s: float
    """When it was decided, from the schedule's start."""
    before: int
    after: int
    why: str = ""
    """What the decision was made by."""
    settle_s: float | None = None
    """From the decision until as many did their work; None where another decision came first, or the end."""
    back_s: float | None = None
    """From the decision until times were within their limits again, but for stalls of the machine; 0 where they always
    were, None where the next step or the end came first."""
    asked: bool = False
    """Whether it went on for long enough, before the next step or the end, to ask for that."""
    outcome: Outcome
    reason: str = ""


class ElasticityFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One trial in which processes were added and removed."""

    what: str
    """``sinks`` or ``api``."""
    by: str
    """Who decided, with the numbers, in words."""
    faster: float = 1.0
    """By so much the autoscaler's clock ran faster than a cluster's."""
    arm: str
    trial: str
    least: int
    most: int
    """Of those that were wanted at any time."""
    failed: int = 0
    """Requests of the whole trial, its warm-up included."""
    lost: int = 0
    steps: list[ElasticityStep] = []
    moments: list[ElasticityMoment] = []
    unknown: dict[str, int] = {}
    """What could not be read, in words, and at how many looks; meanwhile it scaled nothing down."""
    outcome: Outcome
    reasons: list[str] = []
