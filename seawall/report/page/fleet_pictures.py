"""The cache fleet in pictures: what the database is asked, how long a pick takes, and how a trial went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.figures import figure
from seawall.report.page.chart import Chart, Point
from seawall.report.page.columns import Column, column_chart
from seawall.report.page.course_chart import Line, course_chart
from seawall.report.page.pictures import Picture, kind_of
from seawall.report.page.scales import Named, logarithmic
from seawall.result import Result
from seawall.result.cache_fleet import CACHE, FROM_CACHE, FleetFinding


def is_fleet(result: Result) -> bool:
    """Tell whether *result* is one of the cache fleet."""
    return result.experiment == CACHE


def fleet_pictures(result: Result) -> Iterator[Picture]:
    """Yield four charts for each number of rows: statements, picks, and statements and age over time."""
    trials = result.fleet.trials if result.fleet else []
    for rows in dict.fromkeys(one.rows for one in trials):
        here = [one for one in trials if one.rows == rows]
        yield _queries(result, rows, here)
        if any(one.pick_ms.p50 for one in here):
            yield _picks(result, rows, here)
        if any(one.moments for one in here):
            yield _asked(result, rows, here)
        if any(moment.age_s is not None for one in here for moment in one.moments):
            yield _ages(result, rows, here)


def _queries(result: Result, rows: int, here: Sequence[FleetFinding]) -> Picture:
    columns = [
        Column(
            one.arm,
            kind_of(result, one.arm),
            [
                (value, f"{one.arm}: {what} {figure(value)} a minute")
                for what, value in (
                    ("picks", one.pick_queries_per_min), ("loader", one.load_queries_per_min),
                    ("API", one.api_queries_per_min or 0.0),
                )
            ],
        )
        for one in here
    ]  # fmt: skip
    title = f"Statements, {rows:,} rows"
    tells = "A column a trial: statements a minute of picks, of the loader and of the API's lookups."
    return Picture(
        title,
        column_chart(title, tells, columns, "statements a minute").svg(),
        "What the database is asked: dark at the bottom by those who pick, then by the loader, pale on top by the API's"
        " lookups, which check each order.",
    )


def _picks(result: Result, rows: int, here: Sequence[FleetFinding]) -> Picture:
    values = [value for one in here for value in (one.pick_ms.p50, one.pick_ms.p95, one.bare_p50_ms) if value]
    title = f"A pick, {rows:,} rows"
    chart = Chart(
        title, "Median and p95 of a pick, and the median of a round trip that asks for nothing, for each trial.",
        Named(tuple(one.arm for one in here)), logarithmic(values), "", "ms",
    )  # fmt: skip
    for place, one in enumerate(here):
        kind, p50, p95 = kind_of(result, one.arm), one.pick_ms.p50, one.pick_ms.p95
        if p50 is not None:
            if p95 is not None:
                chart.whisker((place - 0.1, place - 0.1), (p50, p95), kind)
            chart.point(place - 0.1, p50, kind, f"{one.arm}: p50 {figure(p50)} ms, p95 {figure(p95)} ms")
        if one.bare_p50_ms is not None:
            says = f"{one.arm}: a bare round trip {figure(one.bare_p50_ms)} ms"
            chart.point(place + 0.1, one.bare_p50_ms, kind, says, mark="square", faint=True)
    return Picture(
        title,
        chart.svg(),
        "A mark is the median of a pick and the line reaches to its p95; the hollow square beside it is a round trip to"
        " the same server that asks for nothing, which nobody who asks over a connection can beat.",
    )


def _asked(result: Result, rows: int, here: Sequence[FleetFinding]) -> Picture:
    lines = [
        Line(one.arm, kind_of(result, one.arm), [(moment.at_s, float(moment.queries)) for moment in one.moments])
        for one in here
    ]
    title = f"Statements over time, {rows:,} rows"
    tells = "A line a trial: statements of picks in each second."
    chart = course_chart(title, tells, lines, "statements of picks, a second")
    _shade(chart, here)
    return Picture(
        title,
        chart.svg(),
        "What picks ask the database in each second: with a cache, as long as it is empty or away.",
    )


def _shade(chart: Chart, here: Sequence[FleetFinding]) -> None:
    """Mark when nodes of the cluster were away, in one of the trials: in all of them it is the same time."""
    outage = next((one.outage for one in here if one.outage is not None), None)
    if outage is not None:
        chart.shade(outage.begin_s, outage.end_s, "nodes away")


def _ages(result: Result, rows: int, here: Sequence[FleetFinding]) -> Picture:
    lines = [line for one in here if one.source == FROM_CACHE for line in _unbroken(one, kind_of(result, one.arm))]
    title = f"Age of the cache, {rows:,} rows"
    tells = "A line a trial: the age of the half that was loaded longest ago."
    chart = course_chart(title, tells, lines, "age of the older half, s")
    _shade(chart, here)
    return Picture(
        title,
        chart.svg(),
        "How old the older half of the entries is, second by second; no line where the cache was empty or away.",
    )


def _unbroken(finding: FleetFinding, kind: str) -> Iterator[Line]:
    """Yield a line for each stretch in which the age was known; the last of them has the name."""
    stretches: list[list[Point]] = [[]]
    for moment in finding.moments:
        if moment.age_s is not None:
            stretches[-1].append((moment.at_s, moment.age_s))
        elif stretches[-1]:
            stretches.append([])
    known = [points for points in stretches if points]
    for number, points in enumerate(known, start=1):
        yield Line(finding.arm if number == len(known) else "", kind, points)
