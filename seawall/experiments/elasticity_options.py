"""What `scale --autoscale` is asked to do: what comes and goes, by whose word, and under which load."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from contract.connections import Connections
from contract.entities import ENTITIES
from contract.topics import PARTITIONS
from seawall.experiments.arms import PATHS
from seawall.experiments.autoscale import Behaviour
from seawall.experiments.elasticity_figures import BACK_WITHIN_S
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.load.profile import Profile, Stage
from seawall.stack.balancer import DRAIN_DELAY_S
from seawall.stack.errors import BadOptions as BadStack
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

KINDS = {"sinks": "sink", "api": "api"}
"""What can be scaled while a load runs, and the kind of service that it is."""
STAGE_S, STEP_S = 60.0, 20.0
RATES = {"sinks": (50.0, 600.0, 50.0), "api": (100.0, 800.0, 100.0)}
"""The low rate of sinks is such that what one leaves unread for 6 s when it goes is less than the target."""
STEADY_RATE = 200.0
SINK_RATE = 250.0
"""A sink is slowed down to about so much: one that is not carries more than a small machine can send."""
DIVISORS = {"sinks": 25.0, "api": 4.0}
"""The manifests' targets are for thousands of requests a second; a load of hundreds needs smaller ones."""
FASTER = {"sinks": 4.0, "api": 8.0}
"""What KEDA's overlay waits for before it shrinks is half as long as what the API's autoscaler does."""
DELAY_MS, TRIPS = 50.0, 3.8
"""A slow sink is one whose database is so far away; a batch takes so many ways there and back, as was measured."""
DRAIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class ElasticityOptions:
    """The plan of a run."""

    what: str
    steps: tuple[int, ...] = ()
    """Numbers that a script goes through; without them the autoscaler's formulas decide."""
    rates_per_s: tuple[float, ...] = ()
    """Of all users together, one after the other; empty takes those that the rest calls for."""
    stage_s: float | None = None
    """How long each rate is kept, or each step; None takes what the rest calls for."""
    users: int = 100
    most: int | None = None
    """Instead of the manifest's most."""
    faster: float | None = None
    """By so much the autoscaler's clock runs faster than a cluster's; None takes what the rest calls for."""
    divisor: float | None = None
    sink_rate_per_s: float | None = None
    """About what a sink carries; 0 leaves it as quick as it is, None takes what the rest calls for."""
    path: str = "kafka"
    entity: str = "mixed"
    database: str = ""
    brokers: int = 1
    warmup_s: float = 5.0
    drain_timeout_s: float = DRAIN_S
    seed: int = 1

    def settled(self, behaviour: Behaviour) -> ElasticityOptions:
        """Return the same with all that was left open; *behaviour* is the manifest's."""
        scripted = bool(self.steps)
        slow = 0.0 if scripted or self.what != "sinks" else SINK_RATE
        return replace(
            self,
            rates_per_s=self.rates_per_s or ((STEADY_RATE,) if scripted else RATES.get(self.what, ())),
            stage_s=(STEP_S if scripted else STAGE_S) if self.stage_s is None else self.stage_s,
            most=max(self.steps) if scripted else (behaviour.most if self.most is None else self.most),
            faster=FASTER.get(self.what, 1.0) if self.faster is None else self.faster,
            divisor=DIVISORS.get(self.what, 1.0) if self.divisor is None else self.divisor,
            sink_rate_per_s=slow if self.sink_rate_per_s is None else self.sink_rate_per_s,
        )

    def validate(self, limits: Limits | None = None, given: Connections | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's, *given* the servers of one's own."""
        mistakes = [*self._mistakes_of_names(), *self._mistakes_of_steps(), *self._mistakes_of_numbers()]
        if given is not None and given.api_url:
            mistakes.append("SEAWALL_API_URL names a service that runs already, which cannot be scaled from here")
        if limits is not None and self.users >= 1:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
        if mistakes:
            raise BadOptions(mistakes)

    @property
    def first(self) -> int:
        """How many there are when the load begins, where a script says it; else 0."""
        return self.steps[0] if self.steps else 0

    @property
    def judged_s(self) -> float:
        """How long the load lasts after its warm-up."""
        return sum(stage.duration_s for stage in self.profile().stages) - self.warmup_s

    def profile(self) -> Profile:
        """Return the load: each rate for its time, and in between as long again, or shorter, from one to the next."""
        assert self.stage_s is not None
        rates, ramp_s, stage_s = self.rates_per_s, self.stage_s / 4, self.stage_s
        if self.steps:
            whole_s = stage_s * len(self.steps)
            ramp_s = whole_s / (5 * len(rates))
            stage_s = (whole_s - ramp_s * (len(rates) - 1)) / len(rates)
        stages = [_stage(rates[0], rates[0], self.warmup_s)] if self.warmup_s else []
        for number, rate in enumerate(rates):
            if number:
                stages.append(_stage(rates[number - 1], rate, ramp_s))
            stages.append(_stage(rate, rate, stage_s))
        return Profile(name=f"scale-{self.what}", stages=tuple(stages))

    def stack_options(self) -> StackOptions:
        """Return a stack with as many as there may be."""
        assert self.most is not None
        sinks = self.most if self.what == "sinks" else int(self.path == "kafka")
        environment, delay_ms = {}, 0.0
        if self.sink_rate_per_s:
            batch = max(1, round(self.sink_rate_per_s * DELAY_MS / 1e3 * TRIPS))
            environment, delay_ms = {"SEAWALL_SINK_BATCH_SIZE": str(batch)}, DELAY_MS
        if self.what == "api":
            environment["SEAWALL_API_DRAIN_DELAY_S"] = f"{DRAIN_DELAY_S:g}"
        return StackOptions(
            database=self.database,
            brokers=self.brokers,
            sinks=sinks,
            partitions=max(PARTITIONS, sinks),
            api_processes=self.most if self.what == "api" else 1,
            kafka=self.path == "kafka",
            balancer=self.what == "api",
            sink_delay_ms=delay_ms,
            environment=environment,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def _mistakes_of_names(self) -> Iterator[str]:
        if self.what not in KINDS:
            yield f"--autoscale: unknown {self.what!r}, known are {', '.join(KINDS)}"
        if self.path not in PATHS:
            yield f"--path: unknown {self.path!r}, known are {', '.join(PATHS)}"
        elif self.what == "sinks" and self.path != "kafka":
            yield "--path: sinks carry only what goes through Kafka, so leave it out"
        if self.entity not in (*ENTITIES, "mixed"):
            yield f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed"
        if self.sink_rate_per_s and self.what != "sinks":
            yield "--sink-rate: belongs to --autoscale sinks"

    def _mistakes_of_steps(self) -> Iterator[str]:
        if small := [count for count in self.steps if count < 1]:
            yield f"--steps: {', '.join(map(str, small))} is below 1"
        elif self.steps and (len(self.steps) == 1 or any(one == other for one, other in pairwise(self.steps))):
            yield "--steps: name at least two numbers, each another than the one before, like 1,2,3,2,1"
        if self.steps and self.stage_s is not None and 0 < self.stage_s < BACK_WITHIN_S:
            yield f"--stage: a step of less than {BACK_WITHIN_S:g}s ends before it can be told whether it was borne"

    def _mistakes_of_numbers(self) -> Iterator[str]:
        if any(not (math.isfinite(rate) and rate > 0) for rate in self.rates_per_s):
            yield "--rates: each must be above 0"
        for name, amount in (("--stage", self.stage_s), ("--drain-timeout", self.drain_timeout_s)):
            if amount is not None:
                yield from above_zero(name, amount)
        for name, amount, least in (
            ("--faster", self.faster, 1.0), ("--warmup", self.warmup_s, 0.0), ("--divisor", self.divisor, 1.0),
            ("--sink-rate", self.sink_rate_per_s, 0.0),
        ):  # fmt: skip
            if amount is not None and not (math.isfinite(amount) and amount >= least):
                yield f"{name}: must not be below {least:g}"
        for name, count in (("--users", self.users), ("--at-most", self.most)):
            if count is not None and count < 1:
                yield f"{name}: at least one is needed"
        if self.most is not None and self.what in KINDS and self.path in PATHS:
            try:
                self.stack_options().checked()
            except BadStack as error:
                yield f"--at-most, --steps, --brokers: {error}"


def _stage(begin: float, end: float, duration_s: float) -> Stage:
    name = f"{begin:g}" if begin == end else f"{begin:g} to {end:g}"
    return Stage(name=name, duration_s=duration_s, from_per_s=begin, to_per_s=end)
