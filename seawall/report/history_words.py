"""What a history says, in words and rows for all of its reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seawall.report.figures import figure
from seawall.result import Outcome
from seawall.result.history import History, HistoryChange, HistoryGroup, HistoryPeriod, HistorySeries
from seawall.stats.change_points import FEWEST_A_SIDE, FEWEST_RUNS, MOST_RUNS

QUESTION = "Did anything get worse?"
FEWEST_FOR_A_PICTURE = 2
METHOD = (
    f"A figure of a run is the geometric mean over its trials: the run is the unit. Runs stand in one series where"
    " experiment, path, durability, load options, server settings, processor and memory are the same; versions may"
    " differ, and stand beside a change. A change of level is found by E-divisive with energy statistics and a"
    " permutation test (Matteson and James 2014) on logarithms where all figures are positive. A level takes"
    f" {FEWEST_A_SIDE} runs, a series {FEWEST_RUNS}; of a longer one the latest {MOST_RUNS} count. Runs that depend on"
    " one another, such as those of a machine that is slow for days, change their level more often than the level of"
    " significance says."
)


@dataclass(frozen=True)
class ChangeRow:
    """One change of level, as texts."""

    since: str
    experiment: str
    arm: str
    figure: str
    before: str
    after: str
    times: str
    p: str
    says: str
    bad: bool
    run: str
    changed: str


def headline(history: History) -> tuple[str, str]:
    """Return the answer in a word or two, and in a sentence or two."""
    first, last = history.runs[0].started_at[:10], history.runs[-1].started_at[:10]
    span = (
        f"{_count(len(history.runs), 'run')} from {first} to {last}, by {history.by}; the newest is {history.newest}."
    )
    series = [one for group in history.groups for one in group.series]
    told = sum(not one.untold for one in series)
    if history.outcome is Outcome.INCONCLUSIVE:
        return "Too few runs to tell", (
            f"{span} None of {_count(len(series), 'figure')} has the {FEWEST_RUNS} runs that tell a change from chance."
        )
    enough = (
        f"{told} of {_count(len(series), 'figure')} have the {FEWEST_RUNS} runs that tell a change from chance;"
        f" of those without any, {history.significance:.0%} would show one."
    )
    if history.outcome is Outcome.PASS:
        return "Nothing got worse", f"{span} {enough}"
    worse = "; ".join(_worse(history))
    return "Yes", f"{worse[:1].upper()}{worse[1:]}. {span} {enough}"


def _worse(history: History) -> Iterator[str]:
    for group in history.groups:
        of = f"of {group.arm} ({group.experiment})"
        if group.newly_lost:
            yield f"{_count(group.newly_lost, 'record')} {of} lost in {history.newest}"
        for one in group.series:
            change = one.changes[-1] if one.changes else None
            if change is not None and change.worse and change.new:
                what, _, unit = one.figure.rpartition(", ")
                cell = f", {one.cell}," if one.cell else ""
                yield f"{what}{cell} {of} went from {figure(change.before)} to {figure(change.after)} {unit}"


def change_rows(history: History) -> list[ChangeRow]:
    """Return all changes, the latest first."""
    found = [
        (change.run, _change_row(history, group, one, change))
        for group in history.groups
        for one in group.series
        for change in one.changes
    ]
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def _change_row(history: History, group: HistoryGroup, one: HistorySeries, change: HistoryChange) -> ChangeRow:
    run = history.runs[change.run]
    better = (change.after < change.before) == (one.worse == "larger")
    says = ("worse, new" if change.new else "worse") if change.worse else "better" if better else "within 5 %"
    return ChangeRow(
        since=moment(run.started_at),
        experiment=group.experiment,
        arm=group.arm,
        figure=name_of(one),
        before=figure(change.before),
        after=figure(change.after),
        times="-" if change.ratio is None else f"{change.ratio:.3g}",
        p=f"{change.p:.1%}",
        says=says,
        bad=change.worse,
        run=run.directory,
        changed=", ".join(change.changed) or "nothing that is recorded",
    )


def name_of(series: HistorySeries) -> str:
    """Return a figure with what it belongs to."""
    return f"{series.figure} ({series.cell})" if series.cell else series.figure


def followed_groups(history: History) -> list[HistoryGroup]:
    """Return the groups with more than one run; one alone has no course."""
    return [group for group in history.groups if len(group.runs) >= FEWEST_FOR_A_PICTURE]


def single_groups(history: History) -> list[HistoryGroup]:
    """Return the groups with one run."""
    return [group for group in history.groups if len(group.runs) < FEWEST_FOR_A_PICTURE]


def title_of(group: HistoryGroup) -> str:
    """Return a group's heading."""
    durability = "" if group.experiment == "controls" else f" ({group.durability})"
    return f"{group.experiment}, {group.arm}{durability}"


def main_series(group: HistoryGroup) -> list[HistorySeries]:
    """Return the series whose medians the periods hold."""
    return [one for one in group.series if one.main]


def period_cells(period: HistoryPeriod) -> list[str]:
    """Return runs, medians of the main series, and losses of a period."""
    lost = f"{period.lost:,}" if period.audited else "-"
    return [f"{period.runs:,}", *map(figure, period.medians), lost]


def outcomes_of(period: HistoryPeriod) -> list[tuple[Outcome, int]]:
    """Return how often each outcome occurred, PASS first."""
    return [(outcome, period.outcomes[outcome]) for outcome in Outcome if outcome in period.outcomes]


def other_rows(history: History, group: HistoryGroup) -> list[tuple[str, ...]]:
    """Return each series in a row: its name, runs, first and newest figure, its median, and its changes in words."""
    return [
        (
            name_of(one),
            f"{len(one.points):,}",
            figure(one.points[0].value),
            figure(one.points[-1].value),
            "; ".join(_in_words(history, change) for change in one.changes)
            or ("too few runs" if one.untold else "no change found"),
        )
        for one in group.series
    ]


def _in_words(history: History, change: HistoryChange) -> str:
    since = moment(history.runs[change.run].started_at)
    return f"from {figure(change.before)} to {figure(change.after)} since {since}"


def moment(started_at: str) -> str:
    """Return a time to the minute, without what all of them share."""
    return started_at[:16].replace("T", " ")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
