"""Lines over the seconds of several trials, with the limit they should keep to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.report.page.chart import Chart, Point, room_for
from seawall.report.page.scales import Linear, linear, logarithmic
from seawall.result.second import Second


@dataclass(frozen=True)
class Line:
    """One trial's."""

    name: str
    kind: str
    """The style class of its arm."""
    points: Sequence[Point]
    dashed: bool = False


def course_chart(
    title: str,
    tells: str,
    lines: Sequence[Line],
    y_label: str,
    *,
    limit: tuple[float, str] | None = None,
    since: str = "since the schedule began",
) -> Chart:
    """Return *lines*, of which at least one has points, over seconds; with a *limit* the axis is one of ratios."""
    points = [point for line in lines for point in line.points]
    heights = [y for _, y in points]
    chart = Chart(
        title, tells, Linear(max(x for x, _ in points) * 1.02 or 1.0),
        linear(heights) if limit is None else logarithmic([*heights, limit[0]]),
        f"seconds {since}", y_label, right=room_for(line.name for line in lines),
    )  # fmt: skip
    if limit is not None:
        chart.limit(*limit)
    for line in lines:
        chart.line(line.points, line.kind, name=line.name, dashed=line.dashed)
    return chart


def p95_points(course: Sequence[Second]) -> list[Point]:
    """Return the p95 of each second, ms."""
    return [(one.at_s, one.p95_ms) for one in course]
