"""The plan of a search for capacity."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from contract.entities import ENTITIES
from seawall.experiments.arms import PATHS, ArmPlan
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

WARM_UP_RECORDS = (2_000, 40_000)
"""At least and at most so many; between them, as many as four seconds of the highest load hold."""
LONGEST_BURST_S = 60.0


@dataclass(frozen=True)
class Place:
    """How far away and how slow the database is made; one stack each."""

    database_delay_ms: float = 0.0
    flush_delay_ms: float = 0.0

    @property
    def words(self) -> str:
        """What differs from servers as they are; empty where nothing does."""
        away = f"database {self.database_delay_ms:g} ms away" if self.database_delay_ms else ""
        slow = f"flushes {self.flush_delay_ms:g} ms slower" if self.flush_delay_ms else ""
        return ", ".join(filter(None, (away, slow)))

    def arm(self, path: str) -> ArmPlan:
        """Return the arm of *path* there."""
        return ArmPlan(name=f"{path}, {self.words}" if self.words else path, path=path)


@dataclass(frozen=True, kw_only=True)
class CapacityOptions:
    """Which searches there are, and what each load is like."""

    paths: tuple[str, ...] = PATHS
    start_per_s: float = 2_000.0
    least_per_s: float = 50.0
    most_per_s: float = 20_000.0
    users: int = 10_000
    """At most; each sends once a second, and more often only where the load asks for it."""
    duration_s: float = 15.0
    warmup_s: float = 3.0
    database_delays_ms: tuple[float, ...] = (0.0,)
    flush_delays_ms: tuple[float, ...] = (0.0,)
    bursts_s: tuple[float, ...] = ()
    """Beside the search with a steady load, one with so many seconds of it for each of these."""
    precision: float = 1.05
    """So far apart, as a ratio, the last load that held and the first that broke may be in the end."""
    entity: str = "mixed"
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 20.0
    seed: int = 1

    @property
    def places(self) -> tuple[Place, ...]:
        """Every delay of the database with every delay of its flushes."""
        return tuple(itertools.starmap(Place, itertools.product(self.database_delays_ms, self.flush_delays_ms)))

    @property
    def needs_own_stacks(self) -> bool:
        """Whether any place is not as a running stack has it."""
        return self.places != (Place(),)

    @property
    def warm_up_records(self) -> int:
        """How many records warm a path up: a broker's compiler is busy for the first seconds of a load."""
        least, most = WARM_UP_RECORDS
        return min(max(least, int(4 * self.most_per_s)), most)

    def users_of(self, load_per_s: float) -> int:
        """Return how many users share a load."""
        return max(1, min(self.users, round(load_per_s)))

    def stack(self, place: Place) -> StackOptions:
        """Return what the stack of *place* looks like."""
        return StackOptions(
            database=self.database,
            brokers=self.brokers or 1,
            sinks=self.sinks or 1,
            api_processes=self.api_processes or 1,
            kafka="kafka" in self.paths,
            database_delay_ms=place.database_delay_ms,
            flush_delay_ms=place.flush_delay_ms,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = [*self._name_mistakes(), *self._amount_mistakes(), *self._list_mistakes()]
        if limits is not None and self.users >= 1:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users_of(self.most_per_s))]
        if mistakes:
            raise BadOptions(mistakes)

    def _name_mistakes(self) -> Iterator[str]:
        for name in self.paths:
            if name not in PATHS:
                yield f"--paths: unknown {name!r}, known are {', '.join(PATHS)}"
        if not self.paths or len(set(self.paths)) != len(self.paths):
            yield f"--paths: name some of {', '.join(PATHS)}, each once"
        if self.entity not in (*ENTITIES, "mixed"):
            yield f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed"

    def _amount_mistakes(self) -> Iterator[str]:
        if not 0 < self.least_per_s <= self.start_per_s <= self.most_per_s:
            yield (
                f"--start: {self.start_per_s:g} is not between --least ({self.least_per_s:g})"
                f" and --most ({self.most_per_s:g})"
            )
        for name, amount in (("--duration", self.duration_s), ("--drain-timeout", self.drain_timeout_s)):
            yield from above_zero(name, amount)
        yield from not_below_zero("--warmup", self.warmup_s)
        if not 1 < self.precision <= 2:  # noqa: PLR2004 - beyond that the ramp alone tells as much
            yield f"--precision: {self.precision - 1:.0%} is not above 0 and at most 100%"
        if self.users < 1:
            yield "--users: at least one is needed"

    def _list_mistakes(self) -> Iterator[str]:
        for name, values in (
            ("--database-delay", self.database_delays_ms),
            ("--flush-delay", self.flush_delays_ms),
            ("--bursts", self.bursts_s),
        ):
            if len(set(values)) != len(values):
                yield f"{name}: each may stand there once"
        for burst_s in self.bursts_s:
            if not 1 <= burst_s <= LONGEST_BURST_S:
                yield f"--bursts: {burst_s:g} s is not between 1 and {LONGEST_BURST_S:g} s"
        for place in self.places:
            try:
                self.stack(place).checked()
            except BadStackOptions as error:
                yield f"--brokers, --sinks, --api-processes, --database-delay, --flush-delay: {error}"
                break
