"""What `tune --search` may be asked for: a goal, the knobs that may be turned for it, and the load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import msgspec
import numpy as np

from contract.connections import Connections
from seawall.experiments.arms import ArmPlan
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.errors import BadOptions
from seawall.experiments.kafka_arms import kafka_arm, not_ours
from seawall.experiments.plan_options import BETWEEN_S
from seawall.stack.limits import Limits
from seawall.tuning.catalogue import full_name, knob_named, knobs
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Place, Value, as_text
from seawall.tuning.rules import mistakes_of

GOALS = {
    "visible-p95": "visible_p95_ms",
    "response-p95": "response_p95_ms",
    "rate": "achieved_per_s",
    "cpu": "cpu_s_per_1000_rows",
}
"""Of the first two and of the last the lowest is wanted, of the rate the highest."""
HIGHEST = {"achieved_per_s"}
KNOBS = (
    "linger.ms", "batch.size", "batch.num.messages", "producer.compression.type", "fetch.min.bytes",
    "fetch.wait.max.ms", "SEAWALL_SINK_BATCH_SIZE", "SEAWALL_SINK_MAX_WAIT_MS", "SEAWALL_SINK_CONNECTIONS",
)  # fmt: skip
"""Those on a record's way that risk nothing at any of their levels."""
BASE = "base"
FEW = 3
"""So many candidates are combined with one another."""
FEWEST_TO_CONFIRM = 4


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Knobs at other levels than the base's."""

    turned: tuple[tuple[Place, str, Value], ...] = ()

    @property
    def name(self) -> str:
        """Its levels, like ``linger.ms=0,fetch.wait.max.ms=5``."""
        return ",".join(f"{name}={as_text(level)}" for _, name, level in self.turned) or BASE

    def settings(self, beside: KafkaSettings) -> KafkaSettings:
        """Return its settings, with what stands *beside*."""
        for place, name, level in self.turned:
            beside = beside.turned(place, {name: level})
        return beside

    def with_other(self, other: Candidate) -> Candidate | None:
        """Return both together; None where they turn the same knob."""
        mine = {(place, name) for place, name, _ in self.turned}
        if any((place, name) in mine for place, name, _ in other.turned):
            return None
        return Candidate(turned=self.turned + other.turned)


@dataclass(frozen=True, kw_only=True)
class SearchOptions(CompareOptions):
    """A search over levels of knobs that risk nothing."""

    experiment: ClassVar[str] = "tune"
    goes_on: ClassVar[bool] = True
    goal: str
    knobs: tuple[str, ...] = KNOBS
    settings: KafkaSettings = field(default_factory=KafkaSettings)
    """What is held: a knob of these is not turned, and the base has them."""
    fresh: int = 6
    """Trials an arm that decide in the end; an even number."""

    @property
    def metric(self) -> str:
        """The goal's figure."""
        return GOALS[self.goal]

    @property
    def factor(self) -> float:
        """With which figures are multiplied so that less is better."""
        return -1.0 if self.metric in HIGHEST else 1.0

    def candidates(self) -> list[Candidate]:
        """Return every level but the base's of each knob that is not held, one knob turned in each."""
        found = []
        for knob in map(knob_named, self.knobs):
            if knob.name not in self.settings.of(knob.place):
                others = [level for level in knob.levels if as_text(level) != as_text(knob.shipped)]
                found += [Candidate(turned=((knob.place, knob.name, level),)) for level in others]
        return [one for one in found if self.allowed(one)]

    def allowed(self, candidate: Candidate) -> bool:
        """Tell whether Kafka takes the candidate beside what is held."""
        return not mistakes_of(candidate.settings(self.settings), brokers=self.brokers or 1)

    def round(self, number: int, candidates: Sequence[Candidate], *, decides: bool = False) -> RoundOptions:
        """Return the options of a round in which each of *candidates* has a trial; of the last one, which *decides*."""
        given = {one.name: getattr(self, one.name) for one in fields(CompareOptions)}
        given["blocks"] = self.fresh // 2 if decides else 1
        return RoundOptions(search=self, number=number, candidates=tuple(candidates), decides=decides, **given)

    @property
    def needs_registry(self) -> bool:
        """Whether what is held needs a schema registry."""
        return self.settings.needs_registry

    @property
    def takes_s(self) -> float:
        """About how long the search takes: rounds in which the better half stays, combinations, and the end."""
        trials, left = 0, len(self.candidates())
        while left > FEW:
            trials, left = trials + left + 1, (left + 1) // 2
        trials += 2 * (2 * FEW) + 2 * self.fresh
        return trials * (self.warmup_s + self.duration_s + BETWEEN_S)

    def validate(self, given: Connections | None = None, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = list(dict.fromkeys(self._mistakes()))
        if given is not None and not mistakes:
            mistakes += not_ours("--search", given, map(knob_named, self.knobs))
        if mistakes:
            raise BadOptions(mistakes)
        super().validate(None, limits)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        found = super().as_json()
        found["knobs"] = list(self.knobs)
        found["settings"] = {str(place): self.settings.of(place) for place in Place if self.settings.of(place)}
        return found

    def _mistakes(self) -> Iterator[str]:
        if self.goal not in GOALS:
            yield f"--search: unknown goal {self.goal!r}, known are {', '.join(GOALS)}"
        if self.fresh < FEWEST_TO_CONFIRM or self.fresh % 2:
            yield f"--repeats: {self.fresh} is no even number of {FEWEST_TO_CONFIRM} or more, which decide in the end"
        for mistake in mistakes_of(self.settings, brokers=self.brokers or 1):
            yield f"--settings: {mistake}"
        knobs = []
        for name in self.knobs:
            try:
                knobs.append(knob_named(name))
            except BadSettings as error:
                yield from (mistake.replace("--knob", "--knobs") for mistake in error.mistakes)
        yield from filter(None, map(self._refused, knobs))
        if len(knobs) == len(self.knobs) and not self.candidates():
            yield "--knobs: all that they could be turned to is held by --settings, or refused beside it"

    def _refused(self, knob: Knob) -> str:
        """Return why a knob is not searched; empty where it is."""
        if knob.unsafe:
            return f"--knobs: {full_name(knob)} is not searched, since it risks something: {knob.unsafe}"
        if knob.place in (Place.TOPIC, Place.BROKER, Place.STACK) or knob.needs_own_servers:
            return f"--knobs: {full_name(knob)} is not searched: the files of `deploy/` take what API and sinks take"
        missing = [
            f"{name}={as_text(value)}" for name, value in knob.needs.items() if not self._holds(knob, name, value)
        ]
        if missing:
            return f"--knobs: {full_name(knob)} does nothing without {', '.join(missing)}: hold that by --settings"
        return ""

    def _holds(self, knob: Knob, name: str, value: Value) -> bool:
        """Tell whether what the *knob* needs is so as shipped, or whether the settings say what shall be."""
        needed = knobs().get((knob.place, name))
        shipped = needed is not None and as_text(needed.shipped) == as_text(value)
        return shipped or name in self.settings.of(knob.place)


@dataclass(frozen=True, kw_only=True)
class RoundOptions(CompareOptions):
    """One round of a search."""

    experiment: ClassVar[str] = "tune"
    goes_on: ClassVar[bool] = True
    search: SearchOptions
    number: int
    candidates: tuple[Candidate, ...]
    decides: bool = False

    def arm_plans(self) -> tuple[ArmPlan, ...]:
        """Return an arm for each candidate, the base first."""
        settings = self.search.settings
        return tuple(kafka_arm(one.name, one.settings(settings)) for one in self.candidates)

    def order(self, arms: Sequence[ArmPlan], block: int) -> list[tuple[ArmPlan, str]]:
        """Return each arm once, in an order that follows from seed and round; in the end there and back."""
        if self.decides:
            return [(arm, f"-fresh-{half}") for arm, half in super().order(arms, block)]
        shuffled = np.random.default_rng([self.seed, self.number]).permutation(len(arms))
        return [(arms[number], f"-round-{self.number}") for number in shuffled]

    def as_json(self) -> dict[str, Any]:
        """Return the options of the whole search."""
        return self.search.as_json()
