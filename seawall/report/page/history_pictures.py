"""The pictures of a history: a figure over time, with its levels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from seawall.report.figures import figure
from seawall.report.history_words import FEWEST_FOR_A_PICTURE, moment, name_of, title_of
from seawall.report.page.chart import MARKS, Chart
from seawall.report.page.dates import Dates
from seawall.report.page.pictures import KINDS, Picture
from seawall.report.page.scales import Linear, Scale, linear, logarithmic
from seawall.result import Outcome
from seawall.result.history import History, HistoryGroup, HistorySeries

_FAR = 20
"""Where figures lie so many times apart, they are drawn as ratios."""


def group_pictures(history: History, group: HistoryGroup, number: int) -> Iterator[Picture]:
    """Yield a picture for each main figure of a group, and for each other one whose level changed.

    *number* counts the groups of the page; colours and marks follow from it.
    """
    for one in group.series:
        if len(one.points) >= FEWEST_FOR_A_PICTURE and (one.main or one.changes):
            yield _picture(history, group, one, number)


def _picture(history: History, group: HistoryGroup, one: HistorySeries, number: int) -> Picture:
    runs = history.runs
    at = [datetime.fromisoformat(runs[point.run].started_at).timestamp() for point in one.points]
    values = [point.value for point in one.points]
    kind, mark = f"arm-{number % KINDS}", MARKS[number % len(MARKS)]
    chart = Chart(
        f"{name_of(one)}: {title_of(group)}, group {number + 1}", _told(history, one), Dates(at[0], at[-1]),
        _scale(values), "day, UTC", one.figure,
    )  # fmt: skip
    place = {point.run: index for index, point in enumerate(one.points)}
    borders = [0, *(place[change.run] for change in one.changes), len(values)]
    for change in one.changes:
        times = "" if change.ratio is None else f"{change.ratio:.3g} times"
        chart.upright(at[place[change.run]], times)
    for level in range(len(borders) - 1):
        low, high = borders[level], borders[level + 1]
        height = _level(one, level, values)
        chart.line([(at[low], height), (at[high - 1], height)], kind)
    for moment_s, value, point in zip(at, values, one.points, strict=True):
        run = runs[point.run]
        says = f"{moment(run.started_at)}, {run.directory}: {figure(value)}"
        chart.point(moment_s, value, kind, says, mark=mark, faint=run.outcome is not Outcome.PASS)
    return Picture(
        name_of(one),
        chart.svg(),
        "A mark a run, hollow where it did not pass; a level line is the median, an upright one a change of level.",
    )


def _level(one: HistorySeries, level: int, values: list[float]) -> float:
    """Return the median of a level: what its changes say, or that of the whole series."""
    if one.changes:
        return one.changes[0].before if level == 0 else one.changes[level - 1].after
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _scale(values: list[float]) -> Scale:
    low, high = min(values), max(values)
    if low < 0:
        room = (high - low) * 0.06 or 1.0
        return Linear(high + room, low - room)
    return logarithmic(values) if low > 0 and high > _FAR * low else linear(values)


def _told(history: History, one: HistorySeries) -> str:
    first, last = one.points[0], one.points[-1]
    told = (
        f"{len(one.points)} runs, from {figure(first.value)} on {moment(history.runs[first.run].started_at)} to"
        f" {figure(last.value)} on {moment(history.runs[last.run].started_at)}."
    )
    changes = [
        f" Since {moment(history.runs[change.run].started_at)} its level is {figure(change.after)} instead of"
        f" {figure(change.before)}."
        for change in one.changes
    ]
    return told + "".join(changes)
