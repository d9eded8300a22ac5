"""Features of reviews by a Spark job in pictures: how each arm came on, and what state it kept."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.page.course_chart import Line, course_chart
from seawall.report.page.pictures import Picture, kind_of
from seawall.result import Result
from seawall.result.second import Reached
from seawall.result.spark import SPARK


def is_spark(result: Result) -> bool:
    """Tell whether *result* is one of a Spark job."""
    return result.experiment == SPARK


def spark_pictures(result: Result) -> Iterator[Picture]:
    """Yield the course of all arms, and that of their state."""
    if lines := _lines(result, {one.arm: one.course for one in result.spark}):
        tells = "A line an arm: how many reviews had their features by when."
        yield Picture(
            "Features over time",
            course_chart("Features over time", tells, lines, "reviews done", since="from the first review").svg(),
            "A line an arm, all on the same load. Each step is a micro-batch; a level stretch waits for the next one.",
        )
    if lines := _lines(result, {one.arm: one.state_course for one in result.spark}):
        tells = "A line an arm: how many rows of state the job kept after each micro-batch."
        yield Picture(
            "State over time",
            course_chart("State over time", tells, lines, "rows of state", since="from the first review").svg(),
            "A line an arm. State falls when the watermark has passed; the clock that it follows is simulated.",
        )


def _lines(result: Result, courses: dict[str, list[Reached]]) -> list[Line]:
    return [
        Line(arm, kind_of(result, arm), [(0.0, 0.0), *((at.at_s, float(at.done)) for at in course)])
        for arm, course in courses.items()
        if course
    ]
