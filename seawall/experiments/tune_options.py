"""What `tune` may be asked for: one knob, its levels, and the load under which they are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract.connections import Connections
from seawall.experiments.arms import ArmPlan
from seawall.experiments.errors import BadOptions
from seawall.experiments.kafka_arms import kafka_arm, not_ours
from seawall.experiments.turned_options import TurnedOptions
from seawall.stack import jvm
from seawall.stack.limits import Limits
from seawall.tuning.catalogue import full_name
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Place, Value, as_text
from seawall.tuning.rules import mistakes_of

FEWEST_LEVELS, MOST_LEVELS = 2, 20


@dataclass(frozen=True, kw_only=True)
class TuneOptions(TurnedOptions):
    """A sweep of one knob: each level is an arm of the path `kafka`, and all that differs between them."""

    knob: Knob
    levels: tuple[Value, ...]

    @property
    def turned(self) -> tuple[Knob, ...]:
        """The one."""
        return (self.knob,)

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
    def usual_repeats(self) -> int:
        """How many trials a level are needed that an effect could count: with two levels, four and four are too few."""
        return 6 if len(self.all_levels()) == FEWEST_LEVELS else 4

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
        yield from self._beside_mistakes()
        for level in self.all_levels():
            settings = self.settings_at(level)
            for mistake in mistakes_of(settings, brokers=brokers):
                yield f"{self._name(level)}: {mistake}"
            if obstacle := jvm.obstacle(settings.texts(Place.STACK), brokers):
                yield f"--levels: {obstacle}"
