"""Memory over many trials with faults: of each process's longest life, since one that dies begins anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from seawall.experiments.readings import Readings
from seawall.experiments.slopes import Series, is_judged, judge, memory_figure
from seawall.result import SlopeFinding, SoakSegment, Trial

WARM_UP_S = 180.0
"""Of a life under load: so long pools, caches and arenas fill."""
LEAST_JUDGED_S = 480.0
"""Of a life after that; in less, what is left of the start looks like many per cent an hour."""


@dataclass
class FaultMemory:
    """Keeps what processes used in each trial, in files, and tells slopes."""

    readings: Readings
    _trials: list[tuple[SoakSegment, Trial]] = field(default_factory=list)

    def keep(self, trial: Trial, name: str) -> None:
        """Take what was read during a *trial*; *name* is that of the directory of its ledger."""
        start_ns = trial.schedule_start_ns or 0
        first_ns = self._trials[0][1].schedule_start_ns or 0 if self._trials else start_ns
        segment = SoakSegment(trial=trial.name, sitting=1, at_s=round((start_ns - first_ns) / 1e9, 3))
        self.readings.keep(segment, trial, self.readings.directory.parent / "raw" / name / "resources.parquet")
        self._trials.append((segment, trial))

    def slopes(self, planned_s: float) -> list[SlopeFinding]:
        """Return the slopes of processes that lived long enough; *planned_s* is how long the run is to be."""
        return slopes_of_lives(self._trials, self.readings.memory, planned_s)


def slopes_of_lives(
    trials: Sequence[tuple[SoakSegment, Trial]],
    memory: Callable[[Sequence[SoakSegment]], Mapping[str, Series]],
    planned_s: float,
) -> list[SlopeFinding]:
    """Return the slope of each judged process over its longest life, without its warm-up."""
    found = []
    for service in sorted({name for _, trial in trials for name in trial.rss_bytes if is_judged(name)}):
        life = warmed_up(longest_life(service, trials))
        if sum(trial.duration_s or 0.0 for _, trial in life) < LEAST_JUDGED_S:
            continue  # before files are read, of which there are as many as trials
        series = memory([segment for segment, _ in life]).get(service)
        if series is not None:
            found.append(judge(memory_figure(service, series), planned_s))
    return found


def longest_life(service: str, trials: Sequence[tuple[SoakSegment, Trial]]) -> list[tuple[SoakSegment, Trial]]:
    """Return the longest row of trials that one process lived through, from its start to its end."""
    lives: list[list[tuple[SoakSegment, Trial]]] = [[]]
    for segment, trial in trials:
        if trial.restarts.get(service):
            lives.append([])  # which part of this trial was whose is not told
        else:
            lives[-1].append((segment, trial))
    return max(lives, key=len)


def warmed_up(life: Sequence[tuple[SoakSegment, Trial]]) -> list[tuple[SoakSegment, Trial]]:
    """Return the trials of a *life* that began after so much time under load."""
    found, loaded_s = [], 0.0
    for segment, trial in life:
        if loaded_s >= WARM_UP_S:
            found.append((segment, trial))
        loaded_s += trial.warmup_s + (trial.duration_s or 0.0)
    return found
