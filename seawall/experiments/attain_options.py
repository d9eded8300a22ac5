"""What `attain` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Any

from contract.entities import ENTITIES
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.load.profile import ATTAIN_PER_S
from seawall.stack.limits import Limits
from seawall.targets.metrics import Scope

STAGES_PER_S = ATTAIN_PER_S
LEAST_STAGE_PER_S = 100.0
"""Where the first range begins, if it ends above."""
OPEN_FROM_PER_S = 10_000.0
"""A stage beyond this one has no upper end."""
MIXES = ("writes", "shop")
SHOP = {"write": 30.0, "cached": 60.0, "uncached": 9.0, "analytics": 1.0}
SCOPES = {
    "write": Scope.WRITE,
    "cached": Scope.CACHED_LOOKUP,
    "uncached": Scope.UNCACHED_LOOKUP,
    "analytics": Scope.ANALYTICS,
}
MOST_PER_S = 50_000.0
"""More than any generator of one process has offered."""
MOST_USERS = 50_000
MOST_REPEATS = 100
LONGEST_GAP_S = 10.0
"""A user sends at least once in so long a time, or it would hardly be one."""
WARM_UP_RECORDS = (2_000, 40_000)
"""At least and at most so many; between them, as many as four seconds of the highest stage hold."""


@dataclass(frozen=True)
class Stage:
    """One range of load, run at its upper end."""

    name: str
    load_per_s: float


@dataclass(frozen=True, kw_only=True)
class AttainOptions:
    """The plan of a run through the stages."""

    paths: tuple[str, ...] = PATHS
    stages_per_s: tuple[float, ...] = STAGES_PER_S
    users: int = 10_000
    duration_s: float = 30.0
    warmup_s: float = 5.0
    repeats: int = 2
    mix: str = "writes"
    weights: Mapping[str, float] = field(default_factory=lambda: dict(SHOP))
    """Of the mix ``shop``, by the names in `SCOPES`."""
    new_connections: float = 0.0
    """The share of users who open a connection for each request."""
    tls: float = 0.0
    """The share of users who use TLS."""
    entity: str = "mixed"
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 60.0
    seed: int = 1

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = [
            f"--paths: unknown {name!r}, known are {', '.join(PATHS)}" for name in self.paths if name not in PATHS
        ]
        if not self.paths or len(set(self.paths)) != len(self.paths):
            mistakes.append(f"--paths: name some of {', '.join(PATHS)}, each once")
        if self.entity not in (*ENTITIES, "mixed"):
            mistakes.append(f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed")
        mistakes += [*self._stage_mistakes(), *self._mix_mistakes(), *self._amount_mistakes()]
        if limits is not None and 1 <= self.users <= MOST_USERS:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
        if mistakes:
            raise BadOptions(mistakes)

    def stages(self) -> list[Stage]:
        """Return the stages by their ranges."""
        found: list[Stage] = []
        before = 0.0
        for load in self.stages_per_s:
            if before >= OPEN_FROM_PER_S:
                name = f"above {before:,.0f}"
            elif not found:
                name = f"{LEAST_STAGE_PER_S:,.0f} to {load:,.0f}" if load > LEAST_STAGE_PER_S else f"up to {load:,.0f}"
            else:
                name = f"{before:,.0f} to {load:,.0f}"
            found.append(Stage(name, load))
            before = load
        return found

    def users_of(self, load_per_s: float) -> int:
        """Return how many users share a load: all, unless one would send less than once in the judged time, or 10 s."""
        return max(1, min(self.users, int(load_per_s * min(LONGEST_GAP_S, self.duration_s))))

    @property
    def scope_weights(self) -> dict[str, float]:
        """The weights by scope; empty for writes alone."""
        if self.mix == "writes":
            return {}
        return {SCOPES[name].value: weight for name, weight in self.weights.items() if weight > 0}

    @property
    def share_of_writes(self) -> float:
        """Of all requests."""
        weights = self.scope_weights
        return weights.get(Scope.WRITE, 0.0) / sum(weights.values()) if weights else 1.0

    @property
    def warm_up_records(self) -> int:
        """How many records warm a path up: a broker's compiler is busy for the first seconds of a load."""
        least, most = WARM_UP_RECORDS
        return min(max(least, int(4 * max(self.stages_per_s))), most)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def _stage_mistakes(self) -> Iterator[str]:
        loads = self.stages_per_s
        if not loads:
            yield "--stages: at least one is needed"
        for load in loads:
            if not (isfinite(load) and 0 < load <= MOST_PER_S):
                yield (
                    f"--stages: {load:g} is not between 0 and {MOST_PER_S:,.0f} requests a second, which is more than"
                    " one generator offers"
                )
        if any(not later > earlier for earlier, later in pairwise(loads)):
            yield f"--stages: {', '.join(f'{load:g}' for load in loads)} do not rise"

    def _mix_mistakes(self) -> Iterator[str]:
        if self.mix not in MIXES:
            yield f"--mix: unknown {self.mix!r}, known are {', '.join(MIXES)}"
        for name, weight in self.weights.items():
            if name not in SCOPES:
                yield f"--weights: unknown {name!r}, known are {', '.join(SCOPES)}"
            if not (isfinite(weight) and weight >= 0):
                yield f"--weights: {name}={weight:g} is no weight"
        if not self.weights.get("write", 0.0) > 0:
            yield "--weights: write must be above 0, since every trial follows its records"
        if self.mix == "writes" and dict(self.weights) != SHOP:
            yield "--weights: they are those of --mix shop"
        for name, share in (("--new-connections", self.new_connections), ("--tls", self.tls)):
            if not 0 <= share <= 1:
                yield f"{name}: {share:g} is not between 0 and 100 %"

    def _amount_mistakes(self) -> Iterator[str]:
        if not 1 <= self.users <= MOST_USERS:
            yield f"--users: {self.users} is not between 1 and {MOST_USERS:,}"
        if not 1 <= self.repeats <= MOST_REPEATS:
            yield f"--repeats: {self.repeats} is not between 1 and {MOST_REPEATS}"
        for name, amount in (("--duration", self.duration_s), ("--drain-timeout", self.drain_timeout_s)):
            yield from above_zero(name, amount)
        yield from not_below_zero("--warmup", self.warmup_s)
