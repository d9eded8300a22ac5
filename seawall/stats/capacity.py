"""The search for the highest load that holds: which load to try next, and when to stop."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from seawall.stats.errors import BadFigures

NEEDED = 2
"""So many trials have to agree on the last load that held, and on the first that broke."""
_DIGITS = 3


class Step(Enum):
    """What became of a load."""

    HELD = "held"
    BROKE = "broke"
    UNTOLD = "untold"
    """The instrument was the bottleneck: nothing is known about the service."""


class Limit(Enum):
    """What ends the range of loads that hold."""

    TARGETS = "targets"
    """The next load that was tried breaks them."""
    INSTRUMENT = "instrument"
    """The next load cannot be offered from here."""
    MOST = "most"
    """The highest load that was to be tried holds."""


@dataclass(frozen=True)
class Knee:
    """The outcome of a search."""

    last_pass: float | None
    """The highest load that held, below any that broke; None where not even the least one did."""
    first_fail: float | None
    """The lowest load that broke, or could not be offered."""
    limit: Limit
    confirmed: bool
    """Two trials agree on each end; False where the search ran out of steps."""


class CapacitySearch:
    """Ramps up until a load breaks, bisects, and repeats both ends.

    A load is judged by the majority of its trials, and a tie is broken by another one. What breaks at one load and
    holds at a higher one counts as broken: capacity is the last success before the first failure, as in SPECjbb2015.
    Loads are rounded to three digits, so that searches of the same service try the same ones.
    """

    def __init__(
        self,
        *,
        start: float,
        least: float,
        most: float,
        factor: float = 1.5,
        precision: float = 1.05,
        most_steps: int = 24,
    ) -> None:
        """Search from *least* to *most*, first *start*, then *factor* times more, until ends are *precision* apart.

        Raises `BadFigures` where these leave nothing to search.
        """
        if not (math.isfinite(most) and 0 < least <= start <= most):
            raise BadFigures(f"a search from {start:g} needs bounds around it, not {least:g} to {most:g}")
        if not (factor > 1 and precision > 1 and most_steps > 0):
            raise BadFigures("a search has to go up in steps, and to end")
        self._start, self._least, self._most = _rounded(start), least, most
        self._factor, self._precision = factor, precision
        self._left = most_steps
        self._steps: dict[float, list[Step]] = {}

    def note(self, load: float, step: Step) -> None:
        """Take what became of *load*."""
        self._left -= 1
        self._steps.setdefault(load, []).append(step)

    @property
    def next_load(self) -> float | None:
        """The load to try next, None at the end."""
        if self._left <= 0:
            return None
        if not self._steps:
            return self._start
        for load, steps in self._steps.items():
            if _verdict(steps) is None:
                return load
        held, broke = self._ends()
        further = self._further(held, broke)
        if further not in (held, broke):
            return further
        return next((end for end in (held, broke) if end is not None and self._is_unconfirmed(end)), None)

    def knee(self) -> Knee:
        """Return what is known by now."""
        held, broke = self._ends()
        if broke is None:
            limit = Limit.MOST
        else:
            limit = Limit.TARGETS if _verdict(self._steps[broke]) is Step.BROKE else Limit.INSTRUMENT
        ends = [load for load in (held, broke) if load is not None]
        confirmed = self.next_load is None and not any(self._is_unconfirmed(load) for load in ends)
        return Knee(held, broke, limit, confirmed)

    def _ends(self) -> tuple[float | None, float | None]:
        """Return the highest load that held below any other, and the lowest other."""
        others = [load for load, steps in self._steps.items() if _verdict(steps) in (Step.BROKE, Step.UNTOLD)]
        broke = min(others, default=None)
        held = [
            load
            for load, steps in self._steps.items()
            if _verdict(steps) is Step.HELD and (broke is None or load < broke)
        ]
        return max(held, default=None), broke

    def _further(self, held: float | None, broke: float | None) -> float | None:
        """Return the load that brings the ends nearer; one of them where they are as near as they are to be."""
        if broke is None:
            assert held is not None
            return min(_rounded(held * self._factor), self._most)
        if held is None:
            return max(_rounded(broke / self._factor), self._least)
        between = _rounded(math.sqrt(held * broke))
        return between if broke / held > self._precision and held < between < broke else held

    def _is_unconfirmed(self, load: float) -> bool:
        """Tell whether too few trials of *load* agree."""
        (_, agreeing), *_ = Counter(self._steps[load]).most_common(1)
        return agreeing < NEEDED


def _verdict(steps: list[Step]) -> Step | None:
    """Return what most trials say, None where they cannot agree or nothing is told yet.

    A trial that tells nothing is repeated once; after that the load is one that cannot be offered.
    """
    told = [step for step in steps if step is not Step.UNTOLD]
    if not told:
        return Step.UNTOLD if len(steps) >= NEEDED else None
    held, broke = told.count(Step.HELD), told.count(Step.BROKE)
    if held == broke:
        return None
    return Step.HELD if held > broke else Step.BROKE


def _rounded(load: float) -> float:
    return float(f"{load:.{_DIGITS}g}")
