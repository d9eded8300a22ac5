"""Who says how many processes there shall be: the formulas of an autoscaler, or a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from seawall.experiments.autoscale import Autoscaler, Behaviour, of_those_known
from seawall.experiments.scaling_metrics import Metric

SYNC_S = 15.0
"""The controller of Kubernetes decides so often by default, KEDA's targets included."""
_LOOK_S = 0.25


class Decision(NamedTuple):
    """How many shall be there, and why."""

    wanted: int
    why: str
    unknown: tuple[str, ...] = ()
    """What could not be read, in words."""
    asked: int | None = None
    """How many the metrics ask for at that moment, before windows and policies; None where none says."""


class Decider(Protocol):
    """Is asked again and again."""

    every_s: float

    def decide(self, at_s: float, current: int) -> Decision:
        """Return the decision at a time since the begin, while *current* are wanted."""
        ...


class ByFormula:
    """An autoscaler whose clock runs *faster*: windows and periods shrink by so much, metrics and processes do not."""

    def __init__(self, behaviour: Behaviour, metrics: Sequence[Metric], faster: float) -> None:
        self._autoscaler, self._metrics, self._faster = Autoscaler(behaviour), metrics, faster
        self.every_s = SYNC_S / faster

    def decide(self, at_s: float, current: int) -> Decision:
        """Read all metrics; where too little is known, all stays as it is."""
        readings = [metric.read(current) for metric in self._metrics]
        unknown = tuple(one.says for one in readings if one.proposal is None)
        known = of_those_known(current, [one.proposal for one in readings])
        wanted = self._autoscaler.decide(at_s * self._faster, current, known) if known else current
        return Decision(wanted, "; ".join(one.says for one in readings), unknown, max(known, default=None))


class ByScript:
    """A number after the other, each for *step_s*; the last stays."""

    every_s = _LOOK_S

    def __init__(self, steps: Sequence[int], step_s: float) -> None:
        self._steps, self._step_s = steps, step_s

    def decide(self, at_s: float, current: int) -> Decision:  # noqa: ARG002 - a script asks for nothing
        """Return the number whose turn it is."""
        place = min(int(at_s / self._step_s), len(self._steps) - 1)
        return Decision(self._steps[place], f"step {place + 1} of {len(self._steps)}")
