"""A sweep in pictures: what each level leaves on disk, for how long partitions stood still, and what kills cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from seawall.report.page.chart import LEFT, NAME_WIDTH, RIGHT, WIDTH, Chart
from seawall.report.page.columns import Column, column_chart
from seawall.report.page.pictures import Picture, kind_of, mark_of
from seawall.report.page.scales import Named, logarithmic
from seawall.report.sweep_tables import changes_of, looks_at
from seawall.result import Result

_DISK, _STOPS, _KILLS = "What is left on disk", "How long partitions stood still", "What killed sinks left"
_APART = 0.6
"""The share of a change's room over which the levels' marks are spread."""


def sweep_pictures(result: Result) -> Iterator[Picture]:
    """Yield what there is beside the figures that every comparison has."""
    levels = _fitting([arm.name.partition("=")[2] or arm.name for arm in result.arms])
    if any(trial.disk for trial in result.trials):
        yield _disk(result, levels)
    if any(trial.longest_stop_ms for trial in result.trials):
        yield _stops(result)
    if any(trial.audit.absorbed_duplicates or trial.audit.lost for trial in result.trials) and result.options.get(
        "kill"
    ):
        yield _kills(result, levels)


def _disk(result: Result, levels: Sequence[str]) -> Picture:
    columns = []
    for arm, level in zip(result.arms, levels, strict=True):
        looks = [look for look in looks_at(result, arm) if look.written]
        size = median(look.size_bytes / look.written for look in looks) if looks else 0.0
        taken = median(look.allocated_bytes / look.written for look in looks) if looks else 0.0
        parts = [(size, f"{arm.name}: {size:,.1f} bytes of records"),
                 (max(0.0, taken - size), f"{arm.name}: {taken:,.1f} bytes of disk taken")]  # fmt: skip
        columns.append(Column(level, kind_of(result, arm.name), parts))
    tells = "A column a level, in the order of the table: bytes on disk for each record that was written."
    return Picture(
        _DISK,
        column_chart(_DISK, tells, columns, "bytes for each record written").svg(),
        "A column a level, in the order of the table, medians of its trials. Dark: records; pale on top: what the"
        " partitions' directories take beyond these, indexes and files that are deleted and not yet removed.",
    )


def _stops(result: Result) -> Picture:
    stops = [
        (number, arm.name, [one.longest_stop_ms for one in told if one.longest_stop_ms], told[0].what)
        for arm in result.arms
        for number, told in enumerate(changes_of(result, arm))
    ]
    changes = {number: what for number, _, _, what in stops}
    places = {arm.name: _APART * ((number + 0.5) / len(result.arms) - 0.5) for number, arm in enumerate(result.arms)}
    chart = Chart(
        _STOPS, "The longest stop of a partition, by change of the group and level.",
        Named(tuple(_fitting(list(changes.values())))), logarithmic([ms for _, _, told, _ in stops for ms in told]),
        "what changed", "longest stop, ms",
    )  # fmt: skip
    for number, name, told, what in stops:
        if told:
            x, kind, middle = number + places[name], kind_of(result, name), median(told)
            chart.whisker((x, x), (min(told), max(told)), kind)
            chart.point(x, middle, kind, f"{name}, {what}: {middle:,.0f} ms", mark=mark_of(result, name))
    return Picture(
        _STOPS,
        chart.svg(),
        "For each change of the sinks' group a mark a level: for how long at most nothing of a partition was consumed"
        " though a record lay there. The median of the trials; the line reaches from the shortest to the longest.",
    )


def _kills(result: Result, levels: Sequence[str]) -> Picture:
    columns = []
    for arm, level in zip(result.arms, levels, strict=True):
        counts = [trial.audit for trial in result.trials if trial.arm == arm.name]
        lost, again = (sum(getattr(count, name) for count in counts) for name in ("lost", "absorbed_duplicates"))
        parts = [(float(lost), f"{arm.name}: {lost:,} lost"), (float(again), f"{arm.name}: {again:,} read again")]
        columns.append(Column(level, kind_of(result, arm.name), parts))
    tells = "A column a level, in the order of the table: records that were lost, and on top those read again."
    return Picture(
        _KILLS,
        column_chart(_KILLS, tells, columns, "records, all trials").svg(),
        "A column a level, in the order of the table. Dark: records that were lost; pale on top: those that were read"
        " again, whose rows were there already.",
    )


def _fitting(names: Sequence[str]) -> list[str]:
    """Return *names* where there is room for all beneath a chart, else their numbers from 1."""
    room = (WIDTH - LEFT - RIGHT) / max(1, len(names))
    fit = all(len(name) * NAME_WIDTH <= room for name in names)
    return list(names) if fit else [str(number) for number, _ in enumerate(names, 1)]
