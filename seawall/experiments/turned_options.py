"""What sweeps and plans share: knobs that are turned, and what each trial does and looks at beside its load."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.disturbances import EACH_S, KINDS, QUIET_S, SAME_TIMES, sinks_for
from seawall.experiments.left_on_disk import TIDY
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Place

KILLED = ("sink",)
MOST_REWRITES = 10
SHORTEST_WITH_KILLS_S = 8.0
"""A sink has to come back between its two deaths."""


@dataclass(frozen=True, kw_only=True)
class TurnedOptions(CompareOptions):
    """Arms of the path `kafka` that differ in the knobs that are turned, and in nothing else."""

    experiment: ClassVar[str] = "tune"
    goes_on: ClassVar[bool] = True
    entity_option: ClassVar[str] = "--entity"
    settings: KafkaSettings = field(default_factory=KafkaSettings)
    """What stands beside the knobs, the same in each arm."""
    kill: str = ""
    """Who is killed twice in each trial: ``sink``, or nobody."""
    disturb: tuple[str, ...] = ()
    """Changes of the sinks' group in each trial, in their order: ``join``, ``leave``, ``kill``."""
    rewrites: int | None = None
    """How many times each record is written once more before the look at the disk; None leaves it to the knobs."""

    @property
    @abstractmethod
    def turned(self) -> tuple[Knob, ...]:
        """The knobs."""

    @property
    def steady(self) -> bool:
        """Whether trials have to come to a steady state, which nobody does who is killed or loses partitions."""
        return not self.kill and not self.disturb

    @property
    def looks_at_disk(self) -> bool:
        """Whether each trial ends with a look at what is left on the brokers' disks."""
        return any(knob.on_disk for knob in self.turned)

    @property
    def written_again(self) -> int:
        """How many times each record is written once more before that look."""
        return max(knob.rewrites for knob in self.turned) if self.rewrites is None else self.rewrites

    @property
    def started_with(self) -> KafkaSettings:
        """What a stack for all arms is started with."""
        return KafkaSettings(broker={**(TIDY if self.looks_at_disk else {}), **(SAME_TIMES if self.disturb else {})})

    @property
    def fewest_sinks(self) -> int:
        """How many sinks there have to be."""
        return sinks_for(self.disturb)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        found = super().as_json()
        found["settings"] = {str(place): self.settings.of(place) for place in Place if self.settings.of(place)}
        return found

    def _beside_mistakes(self) -> Iterator[str]:
        """Yield what is wrong with what is done beside the load."""
        if self.kill and self.kill not in KILLED:
            yield f"--kill: unknown {self.kill!r}, known is {', '.join(KILLED)}"
        elif self.kill and self.duration_s < SHORTEST_WITH_KILLS_S:
            yield f"--duration: with --kill at least {SHORTEST_WITH_KILLS_S:g} s are needed"
        yield from self._disturb_mistakes()
        if self.rewrites is not None and not 0 <= self.rewrites <= MOST_REWRITES:
            yield f"--rewrites: {self.rewrites} is not between 0 and {MOST_REWRITES}"
        elif self.rewrites and not self.looks_at_disk:
            names = ", ".join(knob.name for knob in self.turned)
            yield f"--rewrites: belongs to knobs whose effect is on the disk, and {names} is none"

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
