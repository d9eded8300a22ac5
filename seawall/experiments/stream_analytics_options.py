"""What `stream analytics` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.load.order_feed.plan import SETTLED_S, FeedPlan
from seawall.result.live_analytics import ALONE, LOG, QUERIES
from seawall.stack.errors import BadOptions as BadStackOptions
from seawall.stack.options import StackOptions

ARMS = (ALONE, LOG, QUERIES)
LONGEST_S = 3_600.0
MOST_RECORDS = 5_000_000
_LEAST_RECORDS = 100
LATE_PART = 0.5
"""A planted late record lies so much of the allowed lateness back: out of order, and not too late."""


@dataclass(frozen=True, kw_only=True)
class AnalyticsOptions:
    """The plan of a run."""

    rate_per_s: float = 300.0
    """Orders that are written to the log, repeats included."""
    duration_s: float = 30.0
    window_s: float = 5.0
    lateness_s: float = 2.0
    """How long a window waits for late records once it has ended."""
    refresh_ms: float = 250.0
    """So often the consumer publishes, and the table is asked."""
    late_share: float = 0.02
    too_late_share: float = 0.005
    repeat_share: float = 0.02
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    drain_timeout_s: float = 60.0
    seed: int = 1

    @property
    def records(self) -> int:
        """How many different records are sent."""
        return max(1, round(self.rate_per_s * self.duration_s / (1 + self.repeat_share)))

    def feed(self, name: str, directory: str) -> FeedPlan:
        """Return what is sent in a trial."""
        return FeedPlan(
            name=name,
            directory=directory,
            seed=self.seed,
            count=self.records,
            rate_per_s=self.rate_per_s,
            late_share=self.late_share,
            late_by_s=self.lateness_s * LATE_PART,
            too_late_share=self.too_late_share,
            too_late_by_s=2 * (self.window_s + self.lateness_s),
            repeat_share=self.repeat_share,
        )

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
        yield from above_zero("--rate", self.rate_per_s)
        for name, value, least in (("--duration", self.duration_s, 2 * SETTLED_S), ("--window", self.window_s, 0.1)):
            if not least <= value <= LONGEST_S:
                yield f"{name}: must take {least:g} s to {LONGEST_S:,.0f} s"
        if not 0 <= self.lateness_s <= LONGEST_S:
            yield f"--lateness: must be 0 s to {LONGEST_S:,.0f} s"
        if not 10 <= self.refresh_ms <= 60_000:  # noqa: PLR2004 - as the message says
            yield "--refresh: must be 10 ms to 60 s"
        for name, share in (
            ("--late", self.late_share), ("--too-late", self.too_late_share), ("--repeated", self.repeat_share),
        ):  # fmt: skip
            if not 0 <= share <= 0.5:  # noqa: PLR2004 - as the message says
                yield f"{name}: a share is 0 to 0.5"
        yield from self._mistakes_of_the_whole()

    def _mistakes_of_the_whole(self) -> Iterator[str]:
        yield from above_zero("--drain-timeout", self.drain_timeout_s)
        try:
            self.stack().checked()
        except BadStackOptions as error:
            yield f"--database, --brokers, --sinks: {error}"
        asked = self.rate_per_s * self.duration_s
        if isfinite(asked) and asked > MOST_RECORDS:
            yield f"--rate, --duration: {asked:,.0f} orders are more than {MOST_RECORDS:,}"
        elif isfinite(asked) and asked < _LEAST_RECORDS:
            yield f"--rate, --duration: at least {_LEAST_RECORDS} orders are needed"
