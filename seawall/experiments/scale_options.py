"""What `scale` is asked to do: what is scaled, to which numbers, at which work each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.topics import PARTITIONS
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.stack.errors import BadOptions as BadStack
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.stats.scaling import FEWEST_POINTS

KINDS = {
    "api": "API processes",
    "sinks": "sinks",
    "partitions": "partitions",
    "workers": "Locust workers",
}
"""What can be scaled, and how it is called."""
THROUGH_THE_LOG = ("sinks", "partitions")
PARTITIONS_OF_SINKS = 6
"""Of each topic at least, and one a sink. More would do the sinks no good, and at small loads every record would be a
batch of its own."""
MOST_WORKERS = 32
SHORTEST_S = 3.0
"""Servers are looked at once a second, and two looks have to fall into the judged time."""
DRAIN_S = 20.0
WARM_UP_RECORDS = (2_000, 40_000)
"""At least and at most so many; between them, as many as four seconds of the highest load hold."""


@dataclass(frozen=True, kw_only=True)
class ScaleOptions:
    """The plan of a scale-out."""

    what: str
    counts: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    rate_each_per_s: float = 400.0
    """Of each process."""
    users_each: int = 100
    duration_s: float = 15.0
    warmup_s: float = 10.0
    """A fresh broker compiles what it runs, at the price of half a core and more."""
    repeats: int = 2
    path: str = "kafka"
    entity: str = "mixed"
    database: str = ""
    brokers: int = 1
    drain_timeout_s: float = DRAIN_S
    seed: int = 1

    def validate(self, limits: Limits | None = None, given: Connections | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's, *given* the servers of one's own."""
        mistakes = [*self._mistakes_of_names(), *self._mistakes_of_counts(), *self._mistakes_of_amounts()]
        if given is not None and given.api_url:
            mistakes.append("SEAWALL_API_URL names a service that runs already, which cannot be scaled from here")
        if limits is not None and self.counts and self.users_each >= 1:
            mistakes += [f"--users-each: {obstacle}" for obstacle in limits.obstacles(self.users(max(self.counts)))]
        if mistakes:
            raise BadOptions(mistakes)

    @property
    def law_is_possible(self) -> bool:
        """Whether there are numbers enough for a law."""
        return len(self.counts) >= FEWEST_POINTS

    @property
    def warm_up_records(self) -> int:
        """How many records warm a stack up: the same for all numbers, or the later ones would be warmer."""
        least, most = WARM_UP_RECORDS
        return min(max(least, int(4 * self.rate_per_s(max(self.counts)))), most)

    def busy_processes(self, count: int) -> int:
        """Return among how many processes the load is shared: partitions are none, and leave it to one of each."""
        return 1 if self.what == "partitions" else count

    def users(self, count: int) -> int:
        """Return the users of all processes."""
        return self.busy_processes(count) * self.users_each

    def rate_per_s(self, count: int) -> float:
        """Return the load of all processes."""
        return self.busy_processes(count) * self.rate_each_per_s

    def stack_options(self, count: int) -> StackOptions:
        """Return the stack for *count* of what is scaled."""
        return StackOptions(
            database=self.database,
            brokers=self.brokers,
            api_processes=count if self.what == "api" else 1,
            sinks=count if self.what == "sinks" else 1,
            partitions=self._partitions(count),
            kafka=self.path == "kafka",
        )

    def order(self) -> list[tuple[int, int]]:
        """Return number and repetition of all trials in their order: 1 6 2 5 3 4, then back, and so on.

        Small and large numbers alternate and every second round runs backwards, so that a machine that grows slower
        over time does not look like scaling.
        """
        left = sorted(self.counts)
        interleaved = [left.pop(0 if place % 2 == 0 else -1) for place in range(len(self.counts))]
        return [
            (count, repeat)
            for repeat in range(self.repeats)
            for count in (reversed(interleaved) if repeat % 2 else interleaved)
        ]

    def _partitions(self, count: int) -> int:
        """Return the partitions of each topic; the same for all numbers where they are not what is scaled."""
        if self.what == "partitions":
            return count
        return max(PARTITIONS_OF_SINKS, *self.counts) if self.what == "sinks" else PARTITIONS

    def _mistakes_of_counts(self) -> list[str]:
        mistakes = []
        if not self.counts:
            mistakes.append("--counts: name some, like 1,2,3,4,5,6")
        if small := [count for count in self.counts if count < 1]:
            mistakes.append(f"--counts: {', '.join(map(str, small))} is below 1")
        if double := [count for count, times in Counter(self.counts).items() if times > 1]:
            mistakes.append(f"--counts: {', '.join(map(str, double))} is there more than once; --repeats repeats all")
        if self.what == "workers" and (many := [count for count in self.counts if count > MOST_WORKERS]):
            mistakes.append(f"--counts: {', '.join(map(str, many))} workers are too many: choose 1 to {MOST_WORKERS}")
        if self.what in KINDS and self.counts:
            try:
                self.stack_options(max(self.counts)).checked()
            except BadStack as error:
                mistakes.append(f"--counts, --brokers: {error}")
        return mistakes

    def _mistakes_of_names(self) -> list[str]:
        mistakes = []
        if self.what not in KINDS:
            mistakes.append(f"--what: unknown {self.what!r}, known are {', '.join(KINDS)}")
        if self.path not in PATHS:
            mistakes.append(f"--path: unknown {self.path!r}, known are {', '.join(PATHS)}")
        elif self.what in THROUGH_THE_LOG and self.path != "kafka":
            mistakes.append(f"--path: {self.what} carry only what goes through Kafka, so leave it out")
        if self.entity not in (*ENTITIES, "mixed"):
            mistakes.append(f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed")
        return mistakes

    def _mistakes_of_amounts(self) -> list[str]:
        mistakes = []
        if not self.duration_s >= SHORTEST_S:
            mistakes.append(f"--duration: must be at least {SHORTEST_S:g}s, since servers are looked at once a second")
        for name, amount in (("--rate-each", self.rate_each_per_s), ("--drain-timeout", self.drain_timeout_s)):
            mistakes += above_zero(name, amount)
        mistakes += not_below_zero("--warmup", self.warmup_s)
        for option, least in (("--repeats", self.repeats), ("--users-each", self.users_each)):
            if least < 1:
                mistakes.append(f"{option}: at least one is needed")
        return mistakes
