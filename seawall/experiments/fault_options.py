"""What `fault` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from contract.entities import ENTITIES
from contract.topics import PARTITIONS
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.result import FaultFinding, Outcome, Result
from seawall.stack.balancer import DRAIN_DELAY_S
from seawall.stack.faults.catalogue import NEED_SPARES
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

LEAST_BEFORE_S, MOST_BEFORE_S = 2.0, 4.0
"""Between so much of the judged time passes before a fault begins, so that there is something to compare with."""
LEAST_AFTER_S = 1.0
DURATION_S, HOLD_S = 30.0, 3.0
UPGRADE_DURATION_S = 90.0
"""Of a trial in which all processes are replaced."""
CHAOS_DURATION_S, CHAOS_HOLD_S, LEAST_CHAOS_HOLD_S = 12.0, 2.5, 0.5
"""A random fault is held for so long at least: a lock of a few milliseconds hits nobody."""
WARMUP_S = {1: 2.0, 3: 8.0}
"""By the number of brokers: three that start anew on few cores are slow for a while after their topics are there."""
MOST_CHAOS = 10_000


@dataclass(frozen=True)
class FaultPlan:
    """One fault, when it begins and how long it is held."""

    fault: str
    seed: int
    before_s: float
    """Of the judged time."""
    hold_s: float


@dataclass(frozen=True, kw_only=True)
class FaultOptions:
    """The plan of a run."""

    faults: tuple[str, ...] = ()
    """Empty: all that can be made here."""
    path: str = "kafka"
    rate_per_s: float = 1_000.0
    users: int = 200
    duration_s: float | None = None
    """None: half a minute, of random faults less."""
    warmup_s: float | None = None
    """None: a few seconds, by the number of brokers."""
    hold_s: float | None = None
    """Of random ones the most; None: a few seconds."""
    repeats: int = 1
    chaos: int = 0
    """So many random ones, short, in place of each fault once."""
    entity: str = "mixed"
    database: str = ""
    brokers: int = 1
    sinks: int = 1
    api_processes: int = 1
    drain_timeout_s: float = 60.0
    seed: int = 1

    def validate(self, known: Mapping[str, object], limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *known* are all faults, *limits* the machine's."""
        mistakes = [f"--faults: unknown {name!r}; `--list` names all" for name in self.faults if name not in known]
        if len(set(self.faults)) != len(self.faults):
            mistakes.append("--faults: name each once, and ask for --repeats")
        if self.path not in PATHS:
            mistakes.append(f"--path: unknown {self.path!r}, known are {', '.join(PATHS)}")
        if self.entity not in (*ENTITIES, "mixed"):
            mistakes.append(f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed")
        mistakes += self._amount_mistakes()
        if limits is not None and self.users >= 1:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
        if mistakes:
            raise BadOptions(mistakes)

    def plans(self, possible: tuple[str, ...]) -> list[FaultPlan]:
        """Return the faults in their order; *possible* are those among which chance chooses.

        Each has a seed of its own, so that any of a thousand can be made again by itself.
        """
        if not self.chaos:
            wanted = [name for _ in range(self.repeats) for name in possible]
            return [
                FaultPlan(name, self.seed + number, self._before_s(self.seed + number), self.longest_hold_s)
                for number, name in enumerate(wanted)
            ]
        return [self._drawn(self.seed + number, possible) for number in range(self.chaos)]

    @property
    def trial_s(self) -> float:
        """How long the judged time of each trial is."""
        if self.duration_s is not None:
            return self.duration_s
        if self.chaos:
            return CHAOS_DURATION_S
        return UPGRADE_DURATION_S if self.needs_spares else DURATION_S

    @property
    def needs_spares(self) -> bool:
        """Whether faults were named in which other processes take over."""
        return not NEED_SPARES.isdisjoint(self.faults)

    def stack_options(self, disk_mb: int = 0) -> StackOptions:
        """Return the stack for the run; *disk_mb* is the size of its small disks, if it shall have some."""
        spares = self.needs_spares
        sinks = self.sinks + spares
        return StackOptions(
            brokers=self.brokers,
            sinks=sinks,
            partitions=max(PARTITIONS, sinks if spares else 0),
            api_processes=self.api_processes * (1 + spares),
            kafka=self.path == "kafka",
            database=self.database,
            links=True,
            standby=not spares,
            balancer=spares,
            disk_mb=disk_mb,
            environment={"SEAWALL_API_DRAIN_DELAY_S": f"{DRAIN_DELAY_S:g}"} if spares else {},
        )

    @property
    def before_judged_s(self) -> float:
        """How long each trial warms up."""
        return WARMUP_S.get(self.brokers, max(WARMUP_S.values())) if self.warmup_s is None else self.warmup_s

    @property
    def longest_hold_s(self) -> float:
        """How long a fault is held, at most."""
        if self.hold_s is not None:
            return self.hold_s
        return CHAOS_HOLD_S if self.chaos else HOLD_S

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return {**asdict(self), "warmup_s": self.before_judged_s}

    def _before_s(self, seed: int) -> float:
        return round(random.Random(seed).uniform(LEAST_BEFORE_S, MOST_BEFORE_S), 3)

    def _drawn(self, seed: int, possible: tuple[str, ...]) -> FaultPlan:
        chance = random.Random(seed)
        before_s = round(chance.uniform(LEAST_BEFORE_S, MOST_BEFORE_S), 3)
        fault = chance.choice(possible)
        least_s = min(LEAST_CHAOS_HOLD_S, self.longest_hold_s)
        hold_s = round(chance.uniform(least_s, self.longest_hold_s), 3)
        return FaultPlan(fault, seed, before_s, hold_s)

    def _amount_mistakes(self) -> Iterator[str]:
        for name, amount in (
            ("--rate", self.rate_per_s), ("--duration", self.trial_s), ("--drain-timeout", self.drain_timeout_s),
        ):  # fmt: skip
            yield from above_zero(name, amount)
        for name, amount in (("--warmup", self.before_judged_s), ("--hold", self.longest_hold_s)):
            yield from not_below_zero(name, amount)
        for name, count in (
            ("--users", self.users), ("--repeats", self.repeats), ("--sinks", self.sinks),
            ("--api-processes", self.api_processes),
        ):  # fmt: skip
            if count < 1:
                yield f"{name}: at least one is needed"
        if self.brokers not in (1, 3):
            yield f"--brokers: {self.brokers} is neither 1 nor 3"
        if not 0 <= self.chaos <= MOST_CHAOS:
            yield f"--chaos: {self.chaos} is not between 0 and {MOST_CHAOS:,}"
        hold_s = self.longest_hold_s
        if isfinite(hold_s) and self.trial_s < MOST_BEFORE_S + hold_s + LEAST_AFTER_S:
            yield (
                f"--duration: {self.trial_s:g} s leave no time after a fault that begins within {MOST_BEFORE_S:g} s and"
                f" is held for {hold_s:g} s"
            )


def sort_out(wanted: tuple[str, ...], obstacles: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return which of the *wanted* faults can be made, and why the others cannot; none wanted means all.

    *obstacles* tells of each fault what is in its way, or nothing. Raises `BadOptions` where one was wanted by name
    that cannot be made.
    """
    refused = {name: obstacles[name] for name in wanted if obstacles[name]}
    if refused:
        raise BadOptions([f"--faults: {name} cannot be made here: {why}" for name, why in refused.items()])
    possible = tuple(name for name in wanted or obstacles if not obstacles[name])
    if not possible:
        raise BadOptions(["--faults: none of them can be made here"])
    return possible, {name: why for name, why in obstacles.items() if why and not wanted}


def options_of(earlier: Result, *, chaos: int) -> FaultOptions:
    """Return the options of an interrupted run, with so many random faults in all where *chaos* says so.

    Raises `BadOptions` where it cannot go on.
    """
    if earlier.experiment != "fault":
        raise BadOptions(
            [f"--resume: the directory holds a result of `{earlier.experiment}`, and only a run of faults can go on"]
        )
    try:
        options = FaultOptions(**{**earlier.options, "faults": tuple(earlier.options.get("faults", ()))})
    except TypeError:
        raise BadOptions(["--resume: the run has options that this Seawall does not know: use the newer one"]) from None
    if chaos and not options.chaos:
        raise BadOptions(["--chaos: the run in --resume makes each fault by name"])
    options = replace(options, chaos=chaos or options.chaos)
    if options.chaos and len(dict(still_told(earlier))) >= options.chaos:
        raise BadOptions([f"--resume: the run has all its {options.chaos} faults; --chaos makes them more"])
    return options


def still_told(earlier: Result) -> Iterator[tuple[int, FaultFinding]]:
    """Yield the findings of an *earlier* run with their numbers, but for those that say nothing: made again, they may.

    A FAIL says something, and stays.
    """
    for finding in earlier.faults:
        if finding.outcome is not Outcome.INVALID:
            yield 1 + finding.seed - earlier.seed, finding
