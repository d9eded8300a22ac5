"""Many runs in the order of time: series of those that compare with one another, and where their levels changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from seawall.experiments.differences import BAND
from seawall.experiments.history_figures import LARGER, ArmOfRun, Figure, FollowedRun
from seawall.experiments.periods import fitting_period, period_of
from seawall.result import Outcome
from seawall.result.history import (
    History,
    HistoryChange,
    HistoryGroup,
    HistoryPeriod,
    HistoryPoint,
    HistoryRun,
    HistorySeries,
    SkippedFile,
)
from seawall.stats.change_points import FEWEST_A_SIDE, SIGNIFICANCE, change_points
from seawall.stats.errors import StatsError
from seawall.stats.quantiles import FloatArray
from seawall.stats.ratios import logarithms

Told = Callable[[str], None]
"""Is told which series is looked into."""


def make_history(
    runs: Sequence[FollowedRun],
    directory: str,
    *,
    by: str | None = None,
    anyway: bool = False,
    skipped: Sequence[SkippedFile] = (),
    told: Told = lambda _: None,
) -> History:
    """Return the history of *runs*, at least one, by day, week or month, or what fits the time they span.

    Arms of an experiment stand in one series where their conditions are the same, or *anyway*. A run that is there
    twice counts once. *skipped* is what was no result.
    """
    ordered, twice = _once(sorted(runs, key=lambda run: (run.at, run.directory)))
    by = by or fitting_period(ordered[0].at, ordered[-1].at)
    periods = [period_of(run.at, by) for run in ordered]
    groups = _groups(ordered, periods, anyway=anyway, told=told)
    return History(
        directory=directory,
        by=by,
        newest=periods[-1],
        significance=SIGNIFICANCE,
        outcome=_outcome(groups),
        runs=[
            HistoryRun(
                directory=run.directory, experiment=run.experiment, started_at=run.at.isoformat(), outcome=run.outcome,
                versions=run.versions,
            )
            for run in ordered
        ],
        groups=groups,
        skipped=[*skipped, *twice],
    )  # fmt: skip


def _once(runs: Sequence[FollowedRun]) -> tuple[list[FollowedRun], list[SkippedFile]]:
    """Return each run once, and where the same ones lie again."""
    first: dict[tuple[object, ...], FollowedRun] = {}
    again = []
    for run in runs:
        kept = first.setdefault((run.experiment, run.at, run.finished_at, run.seed), run)
        if kept is not run:
            again.append(SkippedFile(path=run.directory, why=f"the same run as in {kept.directory}"))
    return list(first.values()), again


def _outcome(groups: Sequence[HistoryGroup]) -> Outcome:
    series = [one for group in groups for one in group.series]
    if any(group.newly_lost for group in groups) or any(is_news(one) for one in series):
        return Outcome.FAIL
    return Outcome.PASS if any(not one.untold for one in series) else Outcome.INCONCLUSIVE


def is_news(series: HistorySeries) -> bool:
    """Tell whether the latest change of a figure is one for the worse that only the newest period shows."""
    return bool(series.changes) and series.changes[-1].worse and series.changes[-1].new


Member = tuple[int, ArmOfRun]
"""The place of a run, and what one of its arms came to."""


def _groups(runs: Sequence[FollowedRun], periods: list[str], *, anyway: bool, told: Told) -> list[HistoryGroup]:
    members: dict[tuple[str, str, str, tuple[tuple[str, str], ...]], list[Member]] = {}
    for place, run in enumerate(runs):
        for arm in run.arms:
            shared = () if anyway else tuple(sorted(arm.conditions.items()))
            members.setdefault((run.experiment, arm.path, arm.arm, shared), []).append((place, arm))
    found: list[HistoryGroup] = []
    for key in sorted(members, key=lambda key: (*key[:3], members[key][0][0])):
        told(f"{key[0]} {key[2]}")
        before = found[-1] if found and (found[-1].experiment, found[-1].arm) == (key[0], key[2]) else None
        found.append(_group(key[0], members[key], before, runs, periods))
    return found


def _group(
    experiment: str,
    members: Sequence[Member],
    before: HistoryGroup | None,
    runs: Sequence[FollowedRun],
    periods: list[str],
) -> HistoryGroup:
    latest = members[-1][1]
    figures = dict.fromkeys(figure for _, arm in members for figure in arm.figures)
    series = [_series(figure, members, runs, periods) for figure in figures]
    lost = sum(arm.lost for place, arm in members if periods[place] == periods[-1])
    return HistoryGroup(
        experiment=experiment,
        arm=latest.arm,
        path=latest.path,
        durability=latest.conditions["durability"],
        conditions=latest.conditions,
        apart=[] if before is None else list(_apart(before.conditions, latest.conditions)),
        runs=[place for place, _ in members],
        series=series,
        periods=list(_of_periods(members, [one for one in series if one.main], periods)),
        newly_lost=lost,
    )


def _apart(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in before | after:
        if before.get(name) != after.get(name):
            long = name.startswith("settings")
            yield name if long else f"{name}: {after.get(name, 'none')} against {before.get(name, 'none')}"


def _series(
    figure: Figure, members: Sequence[Member], runs: Sequence[FollowedRun], periods: list[str]
) -> HistorySeries:
    points = [HistoryPoint(run=place, value=arm.figures[figure]) for place, arm in members if figure in arm.figures]
    values = np.array([point.value for point in points])
    changes: list[HistoryChange] = []
    untold = ""
    try:
        changes = list(_changes(figure, points, values, runs, periods))
    except StatsError as error:
        untold = str(error)
    return HistorySeries(
        figure=figure.name, cell=figure.cell, main=figure.main, worse=figure.worse, points=points, changes=changes,
        untold=untold,
    )  # fmt: skip


def _changes(
    figure: Figure, points: list[HistoryPoint], values: FloatArray, runs: Sequence[FollowedRun], periods: list[str]
) -> Iterator[HistoryChange]:
    positive = bool((values > 0).all())
    found = change_points(logarithms(values) if positive else values)
    borders = [0, *(change.index for change in found), len(values)]
    for number, change in enumerate(found, start=1):
        before = float(np.median(values[borders[number - 1] : change.index]))
        after = float(np.median(values[change.index : borders[number + 1]]))
        ratio = after / before if positive else None
        old = sum(periods[point.run] != periods[-1] for point in points[change.index : borders[number + 1]])
        yield HistoryChange(
            run=points[change.index].run,
            before=before,
            after=after,
            ratio=ratio,
            p=change.p,
            worse=_is_worse(figure, before, after, ratio),
            new=old < FEWEST_A_SIDE,
            changed=list(_upgrades(runs[points[change.index - 1].run], runs[points[change.index].run])),
        )


def _is_worse(figure: Figure, before: float, after: float, ratio: float | None) -> bool:
    """Tell whether a level went the wrong way: by more than the band that does not matter, or, with none, above 0."""
    if ratio is None:
        return after > max(before, 0.0) if figure.worse == LARGER else after < before
    return ratio > 1 + BAND if figure.worse == LARGER else ratio < 1 / (1 + BAND)


def _upgrades(before: FollowedRun, after: FollowedRun) -> Iterator[str]:
    for name in before.versions | after.versions:
        there, here = before.versions.get(name, "none"), after.versions.get(name, "none")
        if there != here:
            yield f"{name} {there} to {here}"


def _of_periods(
    members: Sequence[Member], main: Sequence[HistorySeries], periods: list[str]
) -> Iterator[HistoryPeriod]:
    values = [{point.run: point.value for point in one.points} for one in main]
    for name in dict.fromkeys(periods[place] for place, _ in members):
        here = [(place, arm) for place, arm in members if periods[place] == name]
        figures = [[of_run[place] for place, _ in here if place in of_run] for of_run in values]
        yield HistoryPeriod(
            name=name,
            runs=len(here),
            outcomes=dict(Counter(arm.outcome for _, arm in here)),
            lost=sum(arm.lost for _, arm in here),
            audited=any(arm.audited for _, arm in here),
            medians=[float(np.median(some)) if some else None for some in figures],
        )
