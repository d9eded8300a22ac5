"""Slopes of a soak's figures, held against what a service that is to run for months may do.

All limits stand here, each with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from seawall.experiments.validity import Limits
from seawall.result import Outcome, SlopeFinding, SoakSegment, Trial
from seawall.stats.errors import StatsError
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray
from seawall.stats.trends import length_that_tells, slope_over_time

MOST_MEMORY_GROWTH = 1.0
"""Per cent of the median an hour: a process that grows faster doubles within three days."""
MEMORY_GRAIN_BYTES = 2 << 20
"""Two of the arenas that Python takes its memory in: a process that is level takes one now and then, and one that grows
has taken more than two in the judged time before it is called so."""
MOST_FILE_GROWTH = 60.0
"""Files an hour, one a minute: a process that opens more has used up the usual limit of 1,024 before a day is over."""
HORIZON_H = 24.0
"""A time that would reach its target within so long drifts too much: somebody has to restart the service daily."""
LEAST_DRIFT = 5.0
"""Per cent of the median an hour that a time may always drift; at its target, nothing else would be allowed."""
LAG_LIMIT_S = 1.0
"""Where no target limits the visible delay, so many seconds of the load may wait in the log."""
JUDGED_SERVICES = ("load", "api", "sink")
"""Their memory and files have no reason to grow. Those of database, brokers and cache do: with what they keep."""
PROCESSES = ("memory", "open_files")
NOT_JUDGED = "grows with what it keeps"
LEAST_JUDGED_S = 240.0
"""Of a sitting; in less, the last of a start's growth looks like many per cent an hour."""

Series = tuple[FloatArray, FloatArray]
"""Times, in seconds, and the figure at each."""


@dataclass(frozen=True)
class Figure:
    """A series whose slope is asked for."""

    service: str
    metric: str
    unit: str
    series: Series
    limit: float | None
    """What it may rise by in an hour; None where it is only shown."""
    grain: float = 0.0
    """By so much, in its unit, it has to have risen in all before that is called a rise."""


def slopes_of(
    segments: Iterable[SoakSegment],
    trials: Iterable[Trial],
    memory: Callable[[Sequence[SoakSegment]], Mapping[str, Series]],
    limits: Limits,
    planned_s: float,
) -> list[SlopeFinding]:
    """Return the slopes of the longest sitting after its warm-up; *planned_s* is how long the soak is to be.

    *memory* gives each process's resident bytes in the segments that it is asked for.
    """
    chosen = longest_sitting(segments)
    by_name = {trial.name: trial for trial in trials}
    judged = [(segment, by_name[segment.trial]) for segment in chosen]
    if not judged:
        return []
    judged_s = sum(trial.duration_s or 0.0 for _, trial in judged)
    restarted = {name for _, trial in judged for name in trial.restarts}
    figures = [
        *_of_memory(memory(chosen)),
        *_of_files(judged),
        *_of_times([pair for pair in judged if not pair[1].invalid_because], limits),
    ]
    slopes = [
        _restarted(figure) if figure.service in restarted and figure.metric in PROCESSES else judge(figure, planned_s)
        for figure in figures
    ]
    return slopes if judged_s >= LEAST_JUDGED_S else [_too_short(slope, judged_s) for slope in slopes]


def longest_sitting(segments: Iterable[SoakSegment]) -> list[SoakSegment]:
    """Return the segments that are no warm-up of the sitting that has most of them; the later of two equal ones."""
    sittings: dict[int, list[SoakSegment]] = {}
    for segment in segments:
        if not segment.warm_up:
            sittings.setdefault(segment.sitting, []).append(segment)
    return max(reversed(sittings.values()), key=len, default=[])


def judge(figure: Figure, planned_s: float) -> SlopeFinding:
    """Return the slope of *figure*: PASS and FAIL only where the 95 % interval leaves its limit out."""
    times_s, values = figure.series
    try:
        found = slope_over_time(times_s / 3600, values)
    except StatsError as error:
        return _finding(figure, None, None if figure.limit is None else Outcome.INCONCLUSIVE, str(error))
    if figure.limit is None:
        return _finding(figure, found, None, NOT_JUDGED)
    if found.high < figure.limit:
        return _finding(figure, found, Outcome.PASS, "")
    risen = found.low * float(np.ptp(times_s)) / 3600
    if found.low > figure.limit and risen >= figure.grain:
        return _finding(figure, found, Outcome.FAIL, f"rises by {_amount(found.low)} {figure.unit} an hour and more")
    longer_s = length_that_tells(found, figure.limit, planned_s)
    if found.low > figure.limit:
        longer_s = planned_s * figure.grain / risen
    return _finding(figure, found, Outcome.INCONCLUSIVE, f"a run of about {_long(longer_s)} would tell")


def memory_figure(service: str, series: Series) -> Figure:
    """Return the figure of a process's memory, whose *series* is in bytes, in per cent of its median."""
    times_s, used = series
    median = float(np.median(used)) or 1.0
    limit = MOST_MEMORY_GROWTH if is_judged(service) else None
    return Figure(service, "memory", "%", (times_s, used / median * 100), limit, MEMORY_GRAIN_BYTES / median * 100)


def _of_memory(memory: Mapping[str, Series]) -> Iterator[Figure]:
    for service, series in memory.items():
        yield memory_figure(service, series)


def _of_files(judged: Sequence[tuple[SoakSegment, Trial]]) -> Iterator[Figure]:
    for service in dict.fromkeys(name for _, trial in judged for name in trial.open_files):
        series = _series(judged, lambda trial, service=service: trial.open_files.get(service))  # type: ignore[misc]
        yield Figure(service, "open_files", "files", series, MOST_FILE_GROWTH if is_judged(service) else None)


def _of_times(judged: Sequence[tuple[SoakSegment, Trial]], limits: Limits) -> Iterator[Figure]:
    if not judged:
        return
    arm, offered = judged[0][1].arm, judged[0][1].offered_per_s or 0.0
    response = _series(judged, lambda trial: trial.response_ms.p95)
    visible = _series(judged, lambda trial: trial.visible_ms.p95)
    yield Figure(arm, "response_p95", "ms", response, _drift_until(limits.response_ms, response))
    yield Figure(arm, "visible_p95", "ms", visible, _drift_until(limits.visible_ms, visible))
    if any(trial.lag is not None for _, trial in judged):
        lag = _series(judged, lambda trial: None if trial.lag is None else trial.lag.maximum)
        waiting_s = LAG_LIMIT_S if limits.visible_ms is None else limits.visible_ms / 1000
        yield Figure(arm, "lag_maximum", "records", lag, _drift_until(waiting_s * offered, lag))


def _series(judged: Sequence[tuple[SoakSegment, Trial]], of: Callable[[Trial], float | None]) -> Series:
    """Return one point a segment, at its middle; segments without that figure are left out."""
    points = [
        (segment.at_s + trial.warmup_s + (trial.duration_s or 0.0) / 2, value)
        for segment, trial in judged
        if (value := of(trial)) is not None
    ]
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _drift_until(limit: float | None, series: Series) -> float:
    """Return by how much a figure may rise in an hour: so little that it stays below *limit* within the horizon."""
    median = float(np.median(series[1])) if len(series[1]) else 0.0
    least = median * LEAST_DRIFT / 100
    return least if limit is None else max(least, (limit - median) / HORIZON_H)


def is_judged(service: str) -> bool:
    """Tell whether a service has no reason to use more and more memory."""
    return service.partition("-")[0] in JUDGED_SERVICES


def _restarted(figure: Figure) -> SlopeFinding:
    outcome = None if figure.limit is None else Outcome.INVALID
    return _finding(figure, None, outcome, "it died and came back in the meantime, and began anew")


def _too_short(slope: SlopeFinding, judged_s: float) -> SlopeFinding:
    """Return *slope* without its verdict: what a start leaves behind is no slope of an hour."""
    if slope.outcome not in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE):
        return slope
    least = f"{judged_s:,.0f} s of load are judged: {LEAST_JUDGED_S:,.0f} s are the least that would tell"
    return msgspec.structs.replace(slope, outcome=Outcome.INCONCLUSIVE, reason=least)


def _finding(figure: Figure, found: Interval | None, outcome: Outcome | None, reason: str) -> SlopeFinding:
    low, high = (None, None) if found is None else (_bounded(found.low), _bounded(found.high))
    return SlopeFinding(
        service=figure.service,
        metric=figure.metric,
        unit=figure.unit,
        per_hour=None if found is None else round(found.estimate, 4),
        ci_low=low,
        ci_high=high,
        limit=None if figure.limit is None else round(figure.limit, 4),
        outcome=outcome,
        reason=reason,
        samples=len(figure.series[1]),
    )


def _bounded(end: float) -> float | None:
    return round(end, 4) if math.isfinite(end) else None


def _amount(value: float) -> str:
    return f"{value:,.3g}"


def _long(length_s: float) -> str:
    minutes = math.ceil(length_s / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{math.ceil(minutes / 60)} hours"  # noqa: PLR2004 - as one says
