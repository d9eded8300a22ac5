"""Trials of one arm under one load, and the figures of them that advice rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

from seawall.result import Advice, AdviceKind, Arm, Result, Trial

Figure = Callable[[Trial], float | None]


class Evidence(NamedTuple):
    """Trials that are alike but for chance."""

    result: Result
    arm: Arm
    offered_per_s: float | None
    trials: list[Trial]

    @property
    def valid(self) -> Evidence:
        """Those alone whose times say something about the service."""
        return self._replace(trials=[trial for trial in self.trials if not trial.invalid_because])

    @property
    def names(self) -> list[str]:
        """The trials' names."""
        return [trial.name for trial in self.trials]

    @property
    def partitions(self) -> int | None:
        """How many the topics of records have; None where nobody said."""
        topics: dict[str, dict[str, Any]] = self.arm.settings.get("kafka", {}).get("topics", {})
        return max((int(topic.get("partitions", 0)) for topic in topics.values()), default=0) or None

    def median(self, figure: Figure) -> float | None:
        """Return the median of a figure; None where fewer than half of the trials have it."""
        found = [value for trial in self.trials if (value := figure(trial)) is not None]
        return median(found) if found and 2 * len(found) >= len(self.trials) else None

    def advice(self, kind: AdviceKind, says: str, advice: str, evidence: dict[str, float]) -> Advice:
        """Return what these trials say and suggest, with the numbers that it rests on."""
        return Advice(
            kind=kind,
            arm=self.arm.name,
            offered_per_s=self.offered_per_s,
            says=says,
            advice=advice,
            evidence=evidence,
            trials=self.names,
        )


def evidence_of(result: Result) -> Iterator[Evidence]:
    """Yield the load trials of each arm by load, the highest first; trials in which a server died are left out."""
    for arm in result.arms:
        mine = [trial for trial in result.trials if trial.arm == arm.name and trial.kind == "load"]
        mine = [trial for trial in mine if not trial.restarts]
        for offered in sorted({round(trial.offered_per_s or 0.0) for trial in mine}, reverse=True):
            trials = [trial for trial in mine if round(trial.offered_per_s or 0.0) == offered]
            yield Evidence(result, arm, float(offered) or None, trials)


def figure_of(figures: object, name: str) -> float | None:
    """Return the figure of that name; None where there are no *figures*."""
    found: float | None = None if figures is None else getattr(figures, name)
    return found


def length_s(trial: Trial) -> float | None:
    """Return how long requests were sent in *trial*; None where that is not known."""
    return None if not trial.duration_s else trial.warmup_s + trial.duration_s
