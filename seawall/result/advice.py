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
    SPILL = "a statement writes temporary files"
    FILTER = "a statement passes over most rows that its index leads to"
    WAITS = "a statement waits for files"


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


class PassedOver(msgspec.Struct, kw_only=True, frozen=True):
    """Rows that an index led a statement to, and of which its filter kept few."""

    table: str
    fetched_per_call: float
    """By the database's count of the table, which no other statement asked for rows meanwhile."""
    led_by: str
    """The condition that the index serves."""
    kept_by: str
    """The one by which the rows are then picked."""
    index: str = ""
    """One that would lead to those alone, or nearly; empty where no ordinary one does."""


class SlowStatement(msgspec.Struct, kw_only=True, frozen=True):
    """A statement that took time for other reasons than that it reads a whole table."""

    statement: str
    """As of `FullScan`, and so are the next four and the plan."""
    calls: int
    mean_ms: float
    total_ms: float
    rows_per_call: float
    temp_bytes_per_call: float = 0.0
    """Written to temporary files."""
    steps: list[str] = []
    """Of its plan: which of them may have done that."""
    work_mem: str = ""
    """So much memory a step of that kind has before it does."""
    waits_ms: float = 0.0
    """Of *mean_ms*, for reading and writing of files; 0 where the database does not time them."""
    shared_buffers: str = ""
    passed_over: PassedOver | None = None
    plan: list[str] = []
