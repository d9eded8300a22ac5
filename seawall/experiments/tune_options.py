"""What `tune` may be asked for: one knob, its levels, and the load under which they are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from contract.connections import Connections
from seawall.experiments.arms import ArmPlan
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.disturbances import EACH_S, KINDS, QUIET_S, SAME_TIMES, sinks_for
from seawall.experiments.errors import BadOptions
from seawall.experiments.kafka_arms import kafka_arm, not_ours
from seawall.experiments.left_on_disk import TIDY
from seawall.stack import jvm
from seawall.stack.limits import Limits
from seawall.tuning.catalogue import full_name
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Place, Value, as_text
from seawall.tuning.rules import mistakes_of

FEWEST_LEVELS, MOST_LEVELS = 2, 20
KILLED = ("sink",)
MOST_REWRITES = 10
SHORTEST_WITH_KILLS_S = 8.0
"""A sink has to come back between its two deaths."""


@dataclass(frozen=True, kw_only=True)
class TuneOptions(CompareOptions):
    """A sweep of one knob: each level is an arm of the path `kafka`, and all that differs between them."""

    experiment: ClassVar[str] = "tune"
    goes_on: ClassVar[bool] = True
    knob: Knob
    levels: tuple[Value, ...]
    settings: KafkaSettings = field(default_factory=KafkaSettings)
    """What stands beside the knob, the same at each level."""
    kill: str = ""
    """Who is killed twice in each trial: ``sink``, or nobody."""
    disturb: tuple[str, ...] = ()
    """Changes of the sinks' group in each trial, in their order: ``join``, ``leave``, ``kill``."""
    rewrites: int | None = None
    """How many times each record is written once more before the look at the disk; None leaves it to the knob."""

    def arm_plans(self) -> tuple[ArmPlan, ...]:
        """Return an arm for each level; first the base, the value that is shipped or stands in the settings."""
        return tuple(self._arm(level) for level in self.all_levels())

    def settings_at(self, level: Value) -> KafkaSettings:
        """Return all settings of a level; what the knob needs holds where the settings say nothing else."""
        return self.settings.over(self.knob.beside).turned(self.knob.place, {self.knob.name: level})

    @property
    def needs_registry(self) -> bool:
        """Whether a level, or what stands beside the knob, needs a schema registry."""
        return any(self.settings_at(level).needs_registry for level in self.all_levels())

    @property
    def steady(self) -> bool:
        """Whether trials have to come to a steady state, which nobody does who is killed or loses partitions."""
        return not self.kill and not self.disturb

    @property
    def usual_repeats(self) -> int:
        """How many trials a level are needed that an effect could count: with two levels, four and four are too few."""
        return 6 if len(self.all_levels()) == FEWEST_LEVELS else 4

    @property
    def looks_at_disk(self) -> bool:
        """Whether each trial ends with a look at what is left on the brokers' disks."""
        return self.knob.on_disk

    @property
    def written_again(self) -> int:
        """How many times each record is written once more before that look."""
        return self.knob.rewrites if self.rewrites is None else self.rewrites

    @property
    def started_with(self) -> KafkaSettings:
        """What a stack for all levels is started with."""
        return KafkaSettings(broker={**(TIDY if self.looks_at_disk else {}), **(SAME_TIMES if self.disturb else {})})

    @property
    def fewest_sinks(self) -> int:
        """How many sinks there have to be."""
        return sinks_for(self.disturb)

    @property
    def own_stacks(self) -> bool:
        """Whether each level needs servers of its own."""
        return self.knob.needs_own_servers

    def validate(self, given: Connections | None = None, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = list(dict.fromkeys(self._mistakes()))
        if given is not None and not mistakes:
            mistakes += not_ours("--knob", given, [self.knob])
        if mistakes:
            raise BadOptions(mistakes)
        super().validate(None, limits)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        found = super().as_json()
        found["knob"] = full_name(self.knob)
        found["settings"] = {str(place): self.settings.of(place) for place in Place if self.settings.of(place)}
        return found

    def all_levels(self) -> list[Value]:
        """Return the base, then the others, each once."""
        base = self.settings.of(self.knob.place).get(self.knob.name, self.knob.shipped)
        return list({as_text(level): level for level in (base, *self.levels)}.values())

    def _name(self, level: Value) -> str:
        return f"{self.knob.name}={as_text(level)}"

    def _arm(self, level: Value) -> ArmPlan:
        settings = self.settings_at(level)
        if self.own_stacks:
            settings = settings.over({Place.BROKER: self.started_with.broker})
            return ArmPlan(name=self._name(level), path="kafka", brokers=self.brokers or 1, started_with=settings)
        return kafka_arm(self._name(level), settings)

    def _mistakes(self) -> Iterator[str]:
        brokers = self.brokers or 1
        count = len(self.all_levels())
        if not FEWEST_LEVELS <= count <= MOST_LEVELS:
            yield f"--levels: with the shipped value there are {count}; choose {FEWEST_LEVELS} to {MOST_LEVELS}"
        if brokers < self.knob.brokers:
            yield f"--brokers: {self.knob.name} does nothing with less than {self.knob.brokers} brokers"
        if self.kill and self.kill not in KILLED:
            yield f"--kill: unknown {self.kill!r}, known is {', '.join(KILLED)}"
        elif self.kill and self.duration_s < SHORTEST_WITH_KILLS_S:
            yield f"--duration: with --kill at least {SHORTEST_WITH_KILLS_S:g} s are needed"
        yield from self._disturb_mistakes()
        yield from self._rewrites_mistakes()
        for level in self.all_levels():
            settings = self.settings_at(level)
            for mistake in mistakes_of(settings, brokers=brokers):
                yield f"{self._name(level)}: {mistake}"
            if obstacle := jvm.obstacle(settings.texts(Place.STACK), brokers):
                yield f"--levels: {obstacle}"

    def _disturb_mistakes(self) -> Iterator[str]:
        if not self.disturb:
            return
        if unknown := [what for what in self.disturb if what not in KINDS]:
            yield f"--disturb: unknown {unknown[0]!r}, known are {', '.join(KINDS)}"
            return
        if self.kill:
            yield "--disturb: has kill among its own changes: leave --kill out"
        if self.sinks is not None and self.sinks < self.fewest_sinks:
            yield f"--sinks: {', '.join(self.disturb)} needs {self.fewest_sinks}, so that one is left to read"
        least_s = QUIET_S + EACH_S * len(self.disturb)
        if self.duration_s < least_s:
            yield f"--duration: with {len(self.disturb)} changes of the group at least {least_s:g} s are needed"

    def _rewrites_mistakes(self) -> Iterator[str]:
        if self.rewrites is not None and not 0 <= self.rewrites <= MOST_REWRITES:
            yield f"--rewrites: {self.rewrites} is not between 0 and {MOST_REWRITES}"
        elif self.rewrites and not self.looks_at_disk:
            yield f"--rewrites: belongs to knobs whose effect is on the disk, and {self.knob.name} is none"
