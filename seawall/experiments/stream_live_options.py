"""What `stream live` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.limits import Limits
from seawall.stack.options import FEED_SOURCES, StackOptions

PATHS = {"log": "kafka", "database": "grouped"}
"""How records are written whose feed has this source; without a log, as quickly as a database takes them."""
MOST_ARRIVALS = 5_000_000
LEAST_S = 1.0
LEAST_POLL_MS, MOST_POLL_MS = 10.0, 60_000.0


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """The plan of a run."""

    sources: tuple[str, ...] = FEED_SOURCES
    rate_per_s: float = 1_000.0
    """Records of all writers together."""
    subscribers: int = 2_000
    """Each follows one buyer's orders."""
    whole: int = 4
    """Further ones that follow all orders."""
    silent: int = 2
    """Further ones that follow all orders and never read."""
    sse: float = 0.2
    """The share that takes server-sent events."""
    returning: float = 0.05
    """The share that leaves once and comes back."""
    duration_s: float = 20.0
    warmup_s: float = 15.0
    """For so long a broker's machine compiles what that many deliveries need; on two cores it shows in each of them."""
    writers: int = 200
    poll_ms: float = 500.0
    """How long a subscriber waits between two queries, where there is no log."""
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 60.0
    seed: int = 1

    def stack(self) -> StackOptions:
        """Return what a stack for the run looks like."""
        return StackOptions(
            database=self.database,
            brokers=self.brokers or 1,
            sinks=self.sinks or 1,
            api_processes=self.api_processes or 1,
            kafka="log" in self.sources,
            feeds=self.sources,
            environment={"SEAWALL_FEED_POLL_MS": f"{self.poll_ms:g}"},
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = [*self._name_mistakes(), *self._amount_mistakes()]
        total = self.subscribers + self.whole + self.silent
        if limits is not None and not mistakes:
            mistakes += [f"--subscribers: {obstacle}" for obstacle in limits.obstacles(total + self.writers)]
        if mistakes:
            raise BadOptions(mistakes)

    def _name_mistakes(self) -> Iterator[str]:
        for name in self.sources:
            if name not in FEED_SOURCES:
                yield f"--sources: unknown {name!r}, known are {', '.join(FEED_SOURCES)}"
        if not self.sources or len(set(self.sources)) != len(self.sources):
            yield f"--sources: name some of {', '.join(FEED_SOURCES)}, each once"
        try:
            self.stack().checked()
        except BadStackOptions as error:
            if set(self.sources) <= set(FEED_SOURCES):
                yield f"--database, --brokers, --sinks, --api-processes: {error}"

    def _amount_mistakes(self) -> Iterator[str]:
        for name, figure in (("--rate", self.rate_per_s), ("--drain-timeout", self.drain_timeout_s)):
            yield from above_zero(name, figure)
        for name, count, least in (
            ("--subscribers", self.subscribers, 1), ("--writers", self.writers, 1), ("--whole", self.whole, 0),
            ("--silent", self.silent, 0),
        ):  # fmt: skip
            if count < least:
                yield f"{name}: must not be below {least}"
        for name, share in (("--sse", self.sse), ("--returning", self.returning)):
            if not 0 <= share <= 1:
                yield f"{name}: a share from 0% to 100% is wanted"
        yield from self._time_mistakes()
        arrivals = self.rate_per_s * (self.warmup_s + self.duration_s) * (1 + self.whole)
        if isfinite(arrivals) and arrivals > MOST_ARRIVALS:
            yield f"--rate, --duration, --whole: {arrivals:,.0f} arrivals are more than {MOST_ARRIVALS:,}"

    def _time_mistakes(self) -> Iterator[str]:
        for name, length_s, least_s in (("--duration", self.duration_s, LEAST_S), ("--warmup", self.warmup_s, 0.0)):
            if not (isfinite(length_s) and length_s >= least_s):
                yield f"{name}: must take at least {least_s:g} s"
        if not LEAST_POLL_MS <= self.poll_ms <= MOST_POLL_MS:
            yield f"--poll: choose {LEAST_POLL_MS:g} ms to {MOST_POLL_MS / 1e3:g} s"
