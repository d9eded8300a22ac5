"""A plan of several knobs turned together: factors with two levels each, and the kind of design."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from seawall.tuning.catalogue import full_name, knob_named
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Value, as_text

FEWEST_FACTORS = 2
MOST_FACTORS = {"full": 6, "fractional": 11, "screening": 23}
"""Of each kind of design."""
LEVELS = 2
Kind = Literal["full", "fractional", "screening"]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    about: str = ""
    design: Kind
    resolution: Literal[3, 4, 5] | None = None
    factors: dict[str, list[Value]]


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A knob with its first and its second level."""

    knob: Knob
    levels: tuple[Value, Value]

    @property
    def name(self) -> str:
        """The knob's name, as `tune --knob` takes it."""
        return full_name(self.knob)

    @property
    def words(self) -> str:
        """Both levels, like ``0 to 25``."""
        return " to ".join(map(as_text, self.levels))


class TuningPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Factors, and how they are combined."""

    about: str = ""
    design: Kind = "full"
    resolution: int | None = None
    """Of a fractional design: 3, 4 or 5."""
    factors: tuple[Factor, ...]

    def settings(self, beside: KafkaSettings, signs: list[int]) -> KafkaSettings:
        """Return all settings of a cell; *signs* hold -1 for a factor's first level and 1 for its second.

        What a knob needs holds where neither a factor nor what stands *beside* them says anything else.
        """
        found = beside
        for factor in self.factors:
            found = found.over(factor.knob.beside)
        for factor, sign in zip(self.factors, signs, strict=True):
            found = found.turned(factor.knob.place, {factor.knob.name: factor.levels[sign > 0]})
        return found

    def words(self, signs: list[int]) -> str:
        """Return a cell's levels, like ``linger.ms=0, batch.size=16384``."""
        pairs = zip(self.factors, signs, strict=True)
        return ", ".join(f"{factor.name}={as_text(factor.levels[sign > 0])}" for factor, sign in pairs)


def read_plan(path: Path) -> TuningPlan:
    """Return the plan that a file holds; raises `BadSettings` with every mistake in it."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except OSError as error:
        raise BadSettings([f"{path}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings([f"{path}: {error}; docs/tuning.md shows a plan"]) from None
    mistakes = list(_mistakes(found))
    factors = []
    for name, levels in found.factors.items():
        try:
            factors.append(_factor(name, levels))
        except BadSettings as error:
            mistakes += [mistake.replace("--knob", "[factors]") for mistake in error.mistakes]
    knobs = [factor.knob for factor in factors]
    if len({(knob.place, knob.name) for knob in knobs}) < len(knobs):
        mistakes.append("[factors] a knob stands there twice, under two of its names")
    if mistakes:
        raise BadSettings([f"{path}: {mistake}" for mistake in mistakes])
    return TuningPlan(about=found.about, design=found.design, resolution=found.resolution, factors=tuple(factors))


def _mistakes(found: _File) -> Iterator[str]:
    most = MOST_FACTORS[found.design]
    count = len(found.factors)
    if not FEWEST_FACTORS <= count <= most:
        instead = {"full": ': take design = "fractional" or "screening", or fewer'}.get(found.design, "")
        yield f"[factors] holds {count}, and a {found.design} design takes {FEWEST_FACTORS} to {most}{instead}"
    if (found.resolution is not None) != (found.design == "fractional"):
        yield (
            'resolution belongs to design = "fractional" and is 3 (main effects aliased with interactions of two), 4'
            " (only these with one another) or 5 (neither)"
        )


def _factor(name: str, levels: list[Value]) -> Factor:
    knob = knob_named(name)
    mistakes = [f"[factors] {wrong}" for level in levels if (wrong := knob.check(level))]
    read = [] if mistakes else [knob.read(as_text(level)) for level in levels]
    if not mistakes and (len(read) != LEVELS or read[0] == read[1]):
        mistakes = [
            f"[factors] {name} has {len(levels)} levels: give two different ones (`tune --knob {name}` sweeps more)"
        ]
    if mistakes:
        raise BadSettings(mistakes)
    return Factor(knob=knob, levels=(read[0], read[1]))
