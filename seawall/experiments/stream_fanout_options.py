"""What `stream fanout` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.load.order_feed.plan import FeedPlan
from seawall.result.fanout import (
    ANALYTICS,
    ARCHIVE,
    DATABASE,
    LOG,
    NOTIFICATION,
    PLAIN,
    SEARCH,
    SLOW,
    STORE,
    STUMBLING,
)
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

KINDS = (STORE, ANALYTICS, NOTIFICATION, SEARCH, ARCHIVE, ANALYTICS, SEARCH, ARCHIVE)
"""The groups, in the order in which they are added."""
MOST_GROUPS = len(KINDS)
LEAST_RECORDS, MOST_RECORDS = 100, 2_000_000
WAYS = (LOG, DATABASE)


@dataclass(frozen=True)
class TrialPlan:
    """One trial: which way, with how many groups, and what is the matter with one of them."""

    arm: str
    count: int
    what: str

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.arm}-{self.count}" + ("" if self.what == PLAIN else f"-{self.what}")


@dataclass(frozen=True, kw_only=True)
class FanoutOptions:
    """The plan of a run."""

    records: int = 20_000
    groups: tuple[int, ...] = (1, 2, 4, 8)
    ways: tuple[str, ...] = WAYS
    slow_ms: float = 100.0
    """By so much each batch of the slow group takes longer; 0 leaves its trials out."""
    slow_batch: int = 200
    stumble: bool = True
    """Whether there is a trial in which a group stumbles over a record."""
    rebuild: bool = True
    """Whether the table is lost and built again from the log."""
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    drain_timeout_s: float = 120.0
    seed: int = 1

    def trials(self) -> tuple[TrialPlan, ...]:
        """Return all trials, in their order; a slow or stumbling group is one of the middle number."""
        plain = [
            TrialPlan(way, count, PLAIN)
            for count in self.groups
            for way in self.ways
            if count > 1 or way == LOG or LOG not in self.ways
        ]
        several = [count for count in self.groups if count > 1]
        if not several:
            return tuple(plain)
        middle = several[len(several) // 2]
        # so far the fourth group, search, is the last of the middle number; of two groups it is analytics
        slow = [TrialPlan(way, middle, SLOW) for way in self.ways] if self.slow_ms else []
        stumbling = [TrialPlan(LOG, middle, STUMBLING)] if self.stumble and LOG in self.ways else []
        return (*plain, *slow, *stumbling)

    def feed(self, name: str, directory: str) -> FeedPlan:
        """Return what is sent in a trial: as fast as the log takes it."""
        return FeedPlan(name=name, directory=directory, seed=self.seed, count=self.records)

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like."""
        return StackOptions(database=self.database, brokers=self.brokers or 1, sinks=self.sinks or 1)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found."""
        if mistakes := list(self._mistakes()):
            raise BadOptions(mistakes)

    def _mistakes(self) -> Iterator[str]:
        if not LEAST_RECORDS <= self.records <= MOST_RECORDS:
            yield f"--records: must be {LEAST_RECORDS:,} to {MOST_RECORDS:,}"
        if not self.groups or any(not 1 <= count <= MOST_GROUPS for count in self.groups):
            yield f"--groups: numbers of 1 to {MOST_GROUPS} groups"
        elif list(self.groups) != sorted(set(self.groups)):
            yield "--groups: name each number once, the smaller first"
        unknown = [way for way in self.ways if way not in WAYS]
        if unknown or not self.ways or len(set(self.ways)) != len(self.ways):
            yield f"--ways: some of {', '.join(WAYS)}, each once"
        if not 0 <= self.slow_ms <= 10_000:  # noqa: PLR2004 - as the message says
            yield "--slow: must be 0 to 10 s"
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers, --sinks: {error}"
