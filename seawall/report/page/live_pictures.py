"""A feed for many subscribers in pictures: the way of a record by its stages, its course, and what the feed costs."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.figures import figure
from seawall.report.page.chart import Chart
from seawall.report.page.columns import Column, column_chart
from seawall.report.page.course_chart import Line, course_chart, p95_points
from seawall.report.page.pictures import Picture, kind_of, mark_of
from seawall.report.page.scales import Named, logarithmic
from seawall.result import LiveFinding, Quantiles, Result
from seawall.result.live import LIVE

_LIMIT_MS = 1_000.0
_STAGES = (
    ("connect_ms", "connect"), ("accepted_ms", "accept"), ("propagation_ms", "hand out"),
    ("delivery_ms", "arrive"), ("arrival_ms", "in all"),
)  # fmt: skip


def is_live(result: Result) -> bool:
    """Tell whether *result* is one of feeds."""
    return result.experiment == LIVE


def live_pictures(result: Result) -> Iterator[Picture]:
    """Yield the stages of a record's way, how long it took over the trial, and what each feed cost."""
    if any(getattr(one, name).p50 for one in result.live for name, _ in _STAGES):
        yield Picture(
            "The way to a subscriber",
            _stages(result).svg(),
            "A mark is the median of a stage, the line above it reaches to its p95. Connecting comes once; in all is"
            " the way from due to arrived. What is handed out before its writer has the answer stands at the foot.",
        )
    lines = [Line(one.source, kind_of(result, one.arm), p95_points(one.course)) for one in result.live if one.course]
    if lines:
        tells = "A line a feed: p95 of the time from when a record was due until it arrived, by when it was due."
        chart = course_chart(
            "From due to arrived", tells, lines, "due to arrived, p95 of each second, ms", limit=(_LIMIT_MS, "1 s")
        )
        yield Picture(
            "From due to arrived",
            chart.svg(),
            "By the second in which a record was due, the warm-up included; of all arrivals.",
        )
    if result.live:
        tells = "A column a feed: processor time of the feed's process, and of the database."
        columns = [_cost(result, one) for one in result.live]
        yield Picture(
            "What a feed costs",
            column_chart("What a feed costs", tells, columns, "processor seconds").svg(),
            "Dark is the feed's own process, pale the database, which stores the same records in both.",
        )


def _stages(result: Result) -> Chart:
    found = [(one, [getattr(one, name) for name, _ in _STAGES]) for one in result.live]
    values = [value for _, times in found for one in times for value in (one.p50, one.p95) if value]
    chart = Chart(
        "The way to a subscriber", "Median and p95 of each stage of a record's way, for each feed.",
        Named(tuple(name for _, name in _STAGES)), logarithmic([*values, _LIMIT_MS]), "", "ms",
    )  # fmt: skip
    chart.limit(_LIMIT_MS, "1 s in all")
    for number, (finding, times) in enumerate(found):
        aside = (number - (len(found) - 1) / 2) * 0.25
        for place, ((_, name), one) in enumerate(zip(_STAGES, times, strict=True)):
            _stage(chart, place + aside, one, f"{finding.source}: {name}", (result, finding))
    return chart


def _stage(chart: Chart, x: float, times: Quantiles, says: str, of: tuple[Result, LiveFinding]) -> None:
    if times.p50 is None:
        return
    result, finding = of
    kind = kind_of(result, finding.arm)
    if times.p95 is not None:
        chart.whisker((x, x), (times.p50, times.p95), kind)
    told = f"{says}, p50 {figure(times.p50)} ms, p95 {figure(times.p95)} ms"
    chart.point(x, times.p50, kind, told, mark=mark_of(result, finding.arm))


def _cost(result: Result, one: LiveFinding) -> Column:
    return Column(
        one.source,
        kind_of(result, one.arm),
        [
            (one.feed_cpu_s, f"{one.source}: feed {figure(one.feed_cpu_s)} s"),
            (one.database_cpu_s, f"{one.source}: database {figure(one.database_cpu_s)} s"),
        ],
    )
