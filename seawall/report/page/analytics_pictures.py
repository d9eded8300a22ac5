"""Live figures in pictures: how far behind they were, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.figures import figure
from seawall.report.page.columns import Column, column_chart
from seawall.report.page.course_chart import Line, course_chart, p95_points
from seawall.report.page.pictures import Picture, kind_of
from seawall.result import Result
from seawall.result.live_analytics import ALONE, ANALYTICS

_LIMIT_MS = 1_000.0


def is_analytics(result: Result) -> bool:
    """Tell whether *result* is one of live figures."""
    return result.experiment == ANALYTICS


def analytics_pictures(result: Result) -> Iterator[Picture]:
    """Yield how far results were behind over the trials, and the processor time of each way."""
    lines = [
        Line(one.arm, kind_of(result, one.arm), p95_points(one.course)) for one in result.live_analytics if one.course
    ]
    if lines:
        tells = "A line a way to live figures: the p95 of how far results were behind, by when records were due."
        chart = course_chart("How far behind", tells, lines, "behind, p95 of each second, ms", limit=(_LIMIT_MS, "1 s"))
        yield Picture(
            "How far behind",
            chart.svg(),
            "By the second in which a record was due: from then until a published result held it. Whoever publishes"
            " seldom is behind by that much at least.",
        )
    if result.live_analytics:
        columns = [
            Column(
                one.arm,
                kind_of(result, one.arm),
                [
                    (one.database_cpu_s, f"{one.arm}: database {figure(one.database_cpu_s)} s"),
                    (
                        0.0 if one.arm == ALONE else one.worker_cpu_s,
                        f"{one.arm}: who makes the figures {figure(one.worker_cpu_s)} s",
                    ),
                ],
            )
            for one in result.live_analytics
        ]
        tells = "A column a trial: the database's processor time, and that of the process that makes the figures."
        yield Picture(
            "What figures cost",
            column_chart("What figures cost", tells, columns, "processor seconds").svg(),
            "Dark is the database, storing included; pale on top of it the process that counts, or asks. The first"
            " column is what storing takes when nobody asks.",
        )
