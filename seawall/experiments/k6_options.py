"""What a run of k6 may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from contract.topics import PARTITIONS
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import not_below_zero
from seawall.load.k6_run import K6Load
from seawall.load.payloads import MIXES
from seawall.stack.limits import Limits

SCENARIOS = ("writes", "lookups", "mix")
MOST_PER_S = 50_000
MOST_USERS = 50_000
MOST_BLOCKS = 50
TRIALS_A_BLOCK = 2


@dataclass(frozen=True, kw_only=True)
class K6Options:
    """The plan of one run, or of several beside Locust."""

    scenario: str = "writes"
    path: str = "kafka"
    entity: str = "mixed"
    rate_per_s: float = 500.0
    """Of all users together."""
    users: int = 200
    duration_s: float = 30.0
    warmup_s: float = 5.0
    beside_locust: bool = False
    blocks: int = 2
    """Beside Locust: each runs k6 and Locust twice, there and back."""
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    attain: bool = False
    seed: int = 1

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = list(self._mistakes())
        if limits is not None and 1 <= self.users <= MOST_USERS:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
        if mistakes:
            raise BadOptions(mistakes)

    @property
    def needs_kafka(self) -> bool:
        """Whether anything is written through the log."""
        return self.path == "kafka" and self.scenario != "lookups"

    @property
    def warm_up_records(self) -> int:
        """How many records warm a path up before trials that are compared: as many as one of them writes."""
        return max(200, min(40_000, int(self.rate_per_s * self.duration_s)))

    def load(self, partitions: int = PARTITIONS) -> K6Load:
        """Return one trial's load, with ids of a run of its own."""
        return K6Load(
            run=(time.time_ns() // 1_000_000, secrets.randbits(12)),
            seed=self.seed,
            entity=self.entity,
            path=self.path,
            scenario=self.scenario,
            users=self.users,
            rate_per_s=int(self.rate_per_s),
            duration_s=self.warmup_s + self.duration_s,
            partitions=partitions,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def _mistakes(self) -> Iterator[str]:
        for option, name, known in (
            ("--path", self.path, PATHS),
            ("--entity", self.entity, tuple(MIXES)),
            ("--scenario", self.scenario, SCENARIOS),
        ):
            if name not in known:
                yield f"{option}: unknown {name!r}, known are {', '.join(known)}"
        if not (1 <= self.rate_per_s <= MOST_PER_S and self.rate_per_s == int(self.rate_per_s)):
            yield f"--rate: {self.rate_per_s:g} is no whole number from 1 to {MOST_PER_S:,}; k6 knows no others"
        if not 1 <= self.users <= MOST_USERS:
            yield f"--users: {self.users} is not between 1 and {MOST_USERS:,}"
        if not (isfinite(self.duration_s) and self.duration_s >= 1):
            yield "--duration: at least 1 s, less k6 does not take"
        yield from not_below_zero("--warmup", self.warmup_s)
        if not 1 <= self.blocks <= MOST_BLOCKS:
            yield f"--blocks: {self.blocks} is not between 1 and {MOST_BLOCKS}"
        if self.beside_locust and self.scenario != "writes":
            yield "--beside-locust: only writes are made by both: leave --scenario out"
