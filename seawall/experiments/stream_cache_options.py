"""What `stream cache` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.result.cache_fleet import COLD, FROM_CACHE, FROM_DATABASE, WARM
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

LEAST_ROWS, MOST_ROWS = 1_000, 50_000_000
MOST_ORDERS = 1_000_000
MOST_BUYERS = 256


@dataclass(frozen=True)
class FleetArm:
    """One way in which a trial may be run."""

    name: str
    source: str
    begun: str = ""
    about: str = ""
    away: int = 0
    """So many nodes of the cluster die in the middle of it."""


ARMS = {
    arm.name: arm
    for arm in (
        FleetArm("database", FROM_DATABASE, about="without the cache: each pick is a statement"),
        FleetArm("warm", FROM_CACHE, WARM, about="with the cache, filled before the first order"),
        FleetArm("cold", FROM_CACHE, COLD, about="with the cache, whose loader starts with the first order"),
        FleetArm("one-away", FROM_CACHE, WARM, about="warm, and one node of three dies in the middle", away=1),
        FleetArm("two-away", FROM_CACHE, WARM, about="warm, and two die, so that there is no majority", away=2),
    )
}


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """The plan of a run."""

    rows: tuple[int, ...] = (1_000, 100_000)
    """Users in the table, a part of the run each."""
    arms: tuple[str, ...] = ()
    """Empty for all that `valkey_nodes` allows."""
    rate_per_s: float = 50.0
    """Orders."""
    buyers: int = 8
    """Orders that can be under way at once."""
    duration_s: float = 60.0
    warmup_s: float = 2.0
    """Of each trial, not judged."""
    refresh_s: float = 50.0
    """How often each entry is read anew."""
    grades_s: float = 600.0
    """From one batch of grades to the next."""
    compress: float = 1.0
    """Refreshes and batches come so many times as often."""
    valkey_nodes: int = 1
    """One server, or a cluster of three."""
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 60.0
    seed: int = 1

    @property
    def refresh_every_s(self) -> float:
        """The time between two loads of an entry, compressed."""
        return self.refresh_s / self.compress

    @property
    def grades_every_s(self) -> float:
        """The time between two batches, compressed."""
        return self.grades_s / self.compress

    @property
    def planned(self) -> tuple[FleetArm, ...]:
        """The arms of each size."""
        allowed = [name for name, arm in ARMS.items() if not arm.away or self.valkey_nodes > 1]
        return tuple(ARMS[name] for name in self.arms or allowed)

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like."""
        return StackOptions(
            database=self.database,
            brokers=1 if self.brokers is None else self.brokers,
            sinks=1 if self.sinks is None else self.sinks,
            api_processes=1 if self.api_processes is None else self.api_processes,
            cache_nodes=self.valkey_nodes,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return {**asdict(self), "arms": [arm.name for arm in self.planned]}

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = [*self._name_mistakes(), *self._amount_mistakes()]
        if mistakes:
            raise BadOptions(mistakes)

    def _name_mistakes(self) -> Iterator[str]:
        for name in self.arms:
            if name not in ARMS:
                yield f"--arms: unknown {name!r}, known are {', '.join(ARMS)}"
            elif ARMS[name].away and self.valkey_nodes == 1:
                yield f"--arms: {name} takes a cluster: add --valkey-nodes 3"
        if len(set(self.arms)) != len(self.arms):
            yield f"--arms: name some of {', '.join(ARMS)}, each once"
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers, --sinks, --api-processes, --valkey-nodes: {error}"

    def _amount_mistakes(self) -> Iterator[str]:
        if not self.rows or len(set(self.rows)) != len(self.rows):
            yield "--rows: name some numbers of users, each once"
        for rows in self.rows:
            if not LEAST_ROWS <= rows <= MOST_ROWS:
                yield f"--rows: {rows:,} is not between {LEAST_ROWS:,}, the base rows, and {MOST_ROWS:,}"
        for name, value in (
            ("--rate", self.rate_per_s), ("--duration", self.duration_s), ("--refresh", self.refresh_s),
            ("--grades-every", self.grades_s), ("--compress", self.compress),
            ("--drain-timeout", self.drain_timeout_s),
        ):  # fmt: skip
            yield from above_zero(name, value)
        yield from not_below_zero("--warmup", self.warmup_s)
        if not 1 <= self.buyers <= MOST_BUYERS:
            yield f"--buyers: {self.buyers} is not between 1 and {MOST_BUYERS}"
        orders = self.rate_per_s * (self.duration_s + self.warmup_s)
        if isfinite(orders) and orders > MOST_ORDERS:
            yield f"--rate, --duration: {orders:,.0f} orders a trial are more than {MOST_ORDERS:,}"
