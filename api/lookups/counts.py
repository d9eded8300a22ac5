"""What the lookups did, in plain integers: counting is part of the hot path, making metrics of it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from contract.histogram import LOOKUP_BOUNDS_NS, Durations

Level = Literal["memory", "shared", "database", "nobody"]
"""Who answered; `nobody` where neither cache nor database could tell."""

LEVELS: tuple[Level, ...] = ("memory", "shared", "database", "nobody")


class KindCounts:
    """The counts of one kind of what is looked up."""

    __slots__ = ("anew", "memory", "memory_durations", "queries", "rows", "waited")

    def __init__(self) -> None:
        self.memory = 0
        """Lookups that the process's own memory answered, those of the write path included."""
        self.memory_durations = Durations(LOOKUP_BOUNDS_NS)
        """Of reads; on the write path a clock would cost more than what it measures."""
        self.waited: dict[Level, Durations] = {level: Durations(LOOKUP_BOUNDS_NS) for level in LEVELS[1:]}
        """Lookups that went beyond the memory, from being asked to being answered."""
        self.anew = 0
        """Lookups that asked for the caches to be left out, so that none of them could have been a hit."""
        self.queries = 0
        self.rows = 0

    def answered(self, level: Level) -> int:
        """Return how many lookups *level* answered."""
        return self.memory if level == "memory" else self.waited[level].count

    def durations(self, level: Level) -> Durations:
        """Return how long the lookups took that *level* answered."""
        return self.memory_durations if level == "memory" else self.waited[level]


class LookupCounts:
    """The counts of all kinds, by name, and what is counted for all together."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.of = {kind: KindCounts() for kind in kinds}
        self.invalidations = 0
        """How often something had to be forgotten: announcements, and subscriptions, which begin by forgetting all."""
