"""What `stream ingest` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from contract.entities import ENTITIES
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.load.profile import Profile, Stage
from seawall.result.bursts import AFTER, BEFORE, BURST
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

SETTLING = "settling"
"""The stage before those that are judged."""
LEAST_STAGE_S = 1.0
"""Shorter ones hold too few requests to tell anything of them."""
MOST_FACTOR = 1_000.0
MOST_REQUESTS = 10_000_000
_WARM_UP_RECORDS = 4_000, 40_000


@dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """The plan of a run."""

    paths: tuple[str, ...] = PATHS
    rate_per_s: float = 300.0
    """Of all users together, before and after the burst."""
    factor: float = 10.0
    """The burst's rate is so many times that."""
    burst_s: float = 5.0
    before_s: float = 5.0
    after_s: float = 15.0
    warmup_s: float = 3.0
    """At the rate before the burst, and not judged."""
    users: int = 1_000
    entity: str = "mixed"
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 60.0
    seed: int = 1

    @property
    def burst_per_s(self) -> float:
        """The rate of the burst."""
        return self.rate_per_s * self.factor

    @property
    def judged_s(self) -> float:
        """How long a trial is judged."""
        return self.before_s + self.burst_s + self.after_s

    @property
    def warm_up_records(self) -> int:
        """How many records warm a path up: compilers and pools have to have seen as much as the burst brings."""
        least, most = _WARM_UP_RECORDS
        return min(max(least, int(2 * self.burst_per_s)), most)

    def profile(self) -> Profile:
        """Return the rates of a trial."""
        base, burst = self.rate_per_s, self.burst_per_s
        lengths = (
            (SETTLING, self.warmup_s, base), (BEFORE, self.before_s, base), (BURST, self.burst_s, burst),
            (AFTER, self.after_s, base),
        )  # fmt: skip
        return Profile(
            name="burst",
            stages=tuple(
                Stage(name=name, duration_s=length_s, from_per_s=rate, to_per_s=rate)
                for name, length_s, rate in lengths
                if length_s
            ),
        )

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like."""
        return StackOptions(
            database=self.database,
            brokers=self.brokers or 1,
            sinks=self.sinks or 1,
            api_processes=self.api_processes or 1,
            kafka="kafka" in self.paths,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = [*self._name_mistakes(), *self._amount_mistakes()]
        if limits is not None and self.users >= 1:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
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
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--brokers, --sinks, --api-processes: {error}"

    def _amount_mistakes(self) -> Iterator[str]:
        yield from above_zero("--rate", self.rate_per_s)
        if not 1 < self.factor <= MOST_FACTOR:
            yield f"--factor: {self.factor:g} is not above 1, where there is no burst, and at most {MOST_FACTOR:g}"
        for name, length_s in (("--burst", self.burst_s), ("--before", self.before_s), ("--after", self.after_s)):
            if not (isfinite(length_s) and length_s >= LEAST_STAGE_S):
                yield f"{name}: must take at least {LEAST_STAGE_S:g} s"
        yield from not_below_zero("--warmup", self.warmup_s)
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        if self.users < 1:
            yield "--users: at least one is needed"
        asked = self.rate_per_s * (self.warmup_s + self.before_s + self.after_s) + self.burst_per_s * self.burst_s
        if isfinite(asked) and asked > MOST_REQUESTS:
            yield f"--rate, --factor, --burst: {asked:,.0f} requests a path are more than {MOST_REQUESTS:,}"
