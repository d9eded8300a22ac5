"""What the figures of a run suggest."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AdviceKind(StrEnum):
    """What is suggested something about."""

    BATCHES = "batches not filled"
    LINGER = "linger is the floor of the latency"
    HOT_PARTITION = "one hot partition"
    SINK = "the sink is the limit"
    CACHE_TTL = "a time to live costs hits"
    CACHE_KEY = "a cache key costs hits"
    STATEMENT = "a statement reads a whole table"


class Advice(msgspec.Struct, kw_only=True, frozen=True):
    """One suggestion, with the figures that it rests on: medians over *trials*."""

    kind: AdviceKind
    arm: str
    offered_per_s: float | None = None
    """The load at which it was seen, the highest of those; None where none was offered by rate."""
    says: str
    """What was measured."""
    advice: str
    """What may help, or tell more."""
    evidence: dict[str, float] = {}
    """By name, with its unit."""
    details: list[str] = []
    """Lines as a server wrote them: a statement, its plan."""
    trials: list[str] = []
    """Their names."""


class FullScan(msgspec.Struct, kw_only=True, frozen=True):
    """A statement that the database planned to answer by reading a large table as a whole, for few of its rows."""

    statement: str
    """With its constants taken out, as the database keeps it."""
    calls: int
    """During the trial, its warm-up included, as all that follows."""
    mean_ms: float
    total_ms: float
    """In the database."""
    rows_per_call: float
    table: str
    table_rows: int
    kept_rows: int
    """So many of these the planner expected to need."""
    condition: str
    """By which it picks them."""
    index: str = ""
    """The one that would lead to them; empty where the condition is none that an ordinary index serves."""
    plan: list[str] = []
    """Of the statement without its constants (``EXPLAIN (GENERIC_PLAN)``)."""
