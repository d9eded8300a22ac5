"""What `stream fanout` concludes: the same records for many readers, from the log and copied through the database."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome
from seawall.result.second import Reached

FANOUT = "stream-fanout"
"""The experiment."""
LOG, DATABASE = "log", "database"
"""The arms: each group reads the log, or a queue of its own into which a trigger copies every row."""
PLAIN, SLOW, STUMBLING = "plain", "slow", "stumbling"
"""What a trial is: all groups as they are, one that is slow, or one that stumbles over a record."""
STORE, ANALYTICS, NOTIFICATION, SEARCH, ARCHIVE = "store", "analytics", "notification", "search", "archive"
"""Kinds of groups; the first is the ordinary sink."""


class GroupFigures(msgspec.Struct, kw_only=True, frozen=True):
    """One group in one trial."""

    name: str
    kind: str
    done: int = 0
    """Records that it stored, counted, told, indexed or archived."""
    buried: int = 0
    """Records that became dead letters of this group."""
    per_s: float | None = None
    """From the first record's sending until its last was done; None where not all were."""
    cpu_s: float = 0.0
    """Of its process; of the storing group, that of the sinks."""
    right: bool = False
    """Whether what it made was held against the table, and is as it should be."""
    said: str = ""
    """What was looked at, or what is wrong with it."""
    course: list[Reached] = []
    """How it came on, dead letters included; the last moment is that of its last record."""


class FanoutFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One number of groups, one way."""

    arm: str
    trial: str
    """The trial's name."""
    what: str = PLAIN
    count: int
    """Of groups, that which stores included."""
    records: int
    groups: list[GroupFigures] = []
    store_per_s: float | None = None
    store_kept: float | None = None
    """Its throughput as a share of that of the group that stores alone."""
    store_per_cpu_s: float | None = None
    """Records a processor second of sinks and database together."""
    store_kept_per_cpu_s: float | None = None
    """The same as a share of that of the group that stores alone."""
    others_kept: float | None = None
    """Beside a slow group: the least throughput of another group, as a share of what it had without the slow one."""
    cores: float = 0.0
    """How many cores servers, groups and feed kept busy together, until the last group was done."""
    others_cores: float = 0.0
    """How many cores everything else on the machine kept busy meanwhile."""
    machine_cores: int = 0
    """How many there are."""
    lost: int = 0
    doubled: int = 0
    pending: int = 0
    outcome: Outcome
    reasons: list[str] = []


class RebuildFinding(msgspec.Struct, kw_only=True, frozen=True):
    """A table that was lost, and built again from the log's first record on."""

    rows: int
    """Before it was lost."""
    built: int = 0
    differing: int = 0
    """Rows that are in one of both alone, or not the same in both."""
    took_s: float | None = None
    """From the start of the new group's sink; None where not all rows came back."""
    outcome: Outcome
