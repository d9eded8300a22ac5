"""What `stream spark` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, between
from seawall.result.spark import BASELINE, KILLED, TUNED
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

BEFORE: dict[str, str | int] = {
    "mode": "list",
    "watermark": "3 days",
    "trigger_ms": 3_000,
    "batch_bytes": 65_536,
    "compression": "lz4",
    "linger_ms": 50,
    "columns": "all",
}
AFTER: dict[str, str | int] = {
    "mode": "record",
    "watermark": "1 hour",
    "trigger_ms": 1_000,
    "batch_bytes": 16_384,
    "compression": "none",
    "linger_ms": 10,
    "columns": "needed",
}
FACTORS: dict[str, tuple[str, ...]] = {
    "per-record": ("mode",),
    "watermark-1h": ("watermark",),
    "trigger-1s": ("trigger_ms",),
    "kafka-small": ("batch_bytes", "compression", "linger_ms"),
    "needed-columns": ("columns",),
}
"""Of each arm between the two the settings that it changes."""
ARMS = (BASELINE, *FACTORS, TUNED, KILLED)
QUICK = (BASELINE, TUNED, KILLED)
BURST, WARMUP = 90, 20
LEAST, MOST = 40, 1_000_000
_MEMORY = re.compile("[1-9][0-9]*[mg]")


@dataclass(frozen=True, kw_only=True)
class SparkOptions:
    """The plan of a run."""

    reviews: int = 1_200
    """At the steady rate; others warm up, and come at once."""
    rate_per_s: float = 40.0
    repeats: float = 0.1
    """So large a share of them comes twice."""
    jobs: int = 10
    steps: int = 24
    """Jumps of the simulated clock of the reviews."""
    simulated_days: float = 6.0
    arms: tuple[str, ...] = ARMS
    master: str = "local[*]"
    driver_memory: str = "1g"
    partitions: int = 2
    database: str = ""
    brokers: int | None = None
    drain_timeout_s: float = 180.0
    seed: int = 1

    @property
    def is_local(self) -> bool:
        """Whether driver and executor are one process."""
        return self.master.startswith("local")

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like; reviews are stored as they are, too, by the ordinary sink."""
        return StackOptions(database=self.database, brokers=self.brokers or 1)

    def job(self, arm: str) -> dict[str, str | int]:
        """Return what the job is told in this *arm*."""
        changed = AFTER if arm in (TUNED, KILLED) else {name: AFTER[name] for name in FACTORS.get(arm, ())}
        return {**BEFORE, **changed}

    def place(self) -> dict[str, str | int]:
        """Return what it is told in all arms."""
        return {"master": self.master, "driver_memory": self.driver_memory, "partitions": self.partitions}

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = list(self._mistakes())
        if mistakes:
            raise BadOptions(mistakes)

    def _mistakes(self) -> Iterator[str]:
        if not self.arms or len(set(self.arms)) != len(self.arms) or not set(self.arms) <= set(ARMS):
            yield f"--arms: some of {', '.join(ARMS)}, each once"
        yield from between("--reviews", self.reviews, LEAST, MOST)
        yield from between("--rate", self.rate_per_s, 1, 50_000)
        yield from between("--repeats", self.repeats, 0, 1)
        yield from between("--jobs", self.jobs, 1, 10_000)
        yield from between("--steps", self.steps, 1, max(1, self.reviews))
        yield from between("--simulated-days", self.simulated_days, 0, 3_000)
        yield from between("--partitions", self.partitions, 1, 1_000)
        if not re.match(r"local(\[|$)|spark://.|yarn$|k8s://.", self.master):
            yield "--master: local[*], local[2], spark://HOST:PORT, yarn or k8s://URL"
        if not _MEMORY.fullmatch(self.driver_memory):
            yield "--driver-memory: such as 512m or 2g"
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers: {error}"
