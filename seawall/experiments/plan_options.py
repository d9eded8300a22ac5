"""What `tune --plan` may be asked for: several knobs, two levels each, and the load under which cells are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from contract.connections import Connections
from seawall.experiments.arms import ArmPlan
from seawall.experiments.errors import BadOptions
from seawall.experiments.kafka_arms import kafka_arm, not_ours
from seawall.experiments.left_on_disk import REST_S
from seawall.experiments.turned_options import TurnedOptions
from seawall.result import DesignCell
from seawall.stack.limits import Limits
from seawall.stats.designs import Design, fractional, full, screening
from seawall.stats.effects import FEWEST_TO_SPARE
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, as_text
from seawall.tuning.plan import TuningPlan
from seawall.tuning.rules import mistakes_of

BETWEEN_S = 8.0
"""About what a trial takes beside its load: services start anew, the log drains, the audit reads."""
LOOK_S = 2 * REST_S
"""And at least about so much where it ends with a look at the disk."""
LONGEST_S = 12 * 3600.0


@dataclass(frozen=True, kw_only=True)
class PlanOptions(TurnedOptions):
    """A designed experiment: each cell is an arm of the path `kafka`, and each block runs every cell once."""

    plan: TuningPlan

    @property
    def turned(self) -> tuple[Knob, ...]:
        """Those of the factors."""
        return tuple(factor.knob for factor in self.plan.factors)

    @cached_property
    def design(self) -> Design:
        """The cells, and what they tell."""
        factors = len(self.plan.factors)
        if self.plan.design == "fractional":
            return fractional(factors, self.plan.resolution or 3)
        return full(factors) if self.plan.design == "full" else screening(factors)

    @cached_property
    def signs(self) -> list[list[int]]:
        """The design's rows."""
        return [[int(sign) for sign in row] for row in self.design.signs]

    def cell_name(self, number: int) -> str:
        """Return the name of the cell's arm; *number* counts from 0."""
        return f"cell-{number + 1:02d}"

    def cells(self) -> list[DesignCell]:
        """Return what each cell is."""
        return [
            DesignCell(
                arm=self.cell_name(number),
                levels={
                    factor.name: as_text(factor.levels[sign > 0])
                    for factor, sign in zip(self.plan.factors, row, strict=True)
                },
            )
            for number, row in enumerate(self.signs)
        ]

    def cell_settings(self) -> list[KafkaSettings]:
        """Return all settings of each cell."""
        return [self.plan.settings(self.settings, row) for row in self.signs]

    def arm_plans(self) -> tuple[ArmPlan, ...]:
        """Return an arm for each cell; the first has the first level of every factor."""
        return tuple(
            kafka_arm(self.cell_name(number), settings) for number, settings in enumerate(self.cell_settings())
        )

    def order(self, arms: Sequence[ArmPlan], block: int) -> list[tuple[ArmPlan, str]]:
        """Return every cell once, in an order of its own that follows from the seed."""
        shuffled = np.random.default_rng([self.seed, block]).permutation(len(arms))
        return [(arms[number], "") for number in shuffled]

    @property
    def trials(self) -> int:
        """How many there are."""
        return len(self.signs) * self.blocks

    @property
    def takes_s(self) -> float:
        """About how long all of it takes."""
        look_s = LOOK_S if self.looks_at_disk else 0.0
        return self.trials * (self.warmup_s + self.duration_s + BETWEEN_S + look_s)

    @property
    def needs_registry(self) -> bool:
        """Whether a cell needs a schema registry."""
        return any(settings.needs_registry for settings in self.cell_settings())

    def validate(self, given: Connections | None = None, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = list(dict.fromkeys(self._mistakes()))
        if given is not None and not mistakes:
            mistakes += not_ours("--plan", given, self.turned)
        if mistakes:
            raise BadOptions(mistakes)
        super().validate(None, limits)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        found = super().as_json()
        found["plan"] = {
            "about": self.plan.about,
            "design": self.plan.design,
            "resolution": self.plan.resolution,
            "factors": {factor.name: [*map(as_text, factor.levels)] for factor in self.plan.factors},
        }
        return found

    def _mistakes(self) -> Iterator[str]:
        brokers = self.brokers or 1
        for factor in self.plan.factors:
            if brokers < factor.knob.brokers:
                yield f"--brokers: {factor.name} does nothing with less than {factor.knob.brokers} brokers"
            if factor.knob.needs_own_servers:
                yield (
                    f"--plan: {factor.name} is taken only at the start of servers, and cells share theirs: sweep it by"
                    f" --knob {factor.name}"
                )
        yield from self._beside_mistakes()
        for number, (row, settings) in enumerate(zip(self.signs, self.cell_settings(), strict=True)):
            for mistake in mistakes_of(settings, brokers=brokers):
                yield f"--plan: {self.cell_name(number)} ({self.plan.words(row)}): {mistake}"
        spare = self.trials - self.blocks - len(self.design.terms)
        if self.blocks > 0 and spare < FEWEST_TO_SPARE:
            least = -(-(FEWEST_TO_SPARE + len(self.design.terms)) // (len(self.signs) - 1))
            yield (
                f"--repeats: {self.blocks} of {len(self.signs)} cells leave {max(spare, 0)} trials beyond the"
                f" {len(self.design.terms)} effects, and {FEWEST_TO_SPARE} are needed to know their scatter:"
                f" give {least} or more"
            )
        if self.takes_s > LONGEST_S:
            yield (
                f"--plan: {len(self.signs)} cells, {self.blocks} times each, are {self.trials:,} trials, which take"
                f" about {self.takes_s / 3600:.0f} hours, and {LONGEST_S / 3600:.0f} are the most: fewer --repeats,"
                " a shorter --duration, fewer factors, or a fractional or screening design"
            )
