"""A load that changed: the rate that was asked for, and what was achieved of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seawall.report.page.chart import Chart, Point, room_for
from seawall.report.page.pictures import Material, Picture, kind_of
from seawall.report.page.scales import linear
from seawall.result import Result, StageFinding

ASKED, ACHIEVED = "asked for", "achieved"


def shape_picture(result: Result, material: Material) -> Picture:
    """Return the profile over time, with the achieved rate over it where the raw columns are there."""
    chart = profile_chart(str(result.options.get("shape", "load")), result.stages, list(_achieved(result, material)))
    return Picture(
        "The load over time",
        chart.svg(),
        "The broken line is the rate that the schedule asked for, the other what was achieved, by when it was.",
    )


def profile_chart(name: str, stages: Sequence[StageFinding], achieved: Sequence[tuple[str, list[Point]]] = ()) -> Chart:
    """Return a chart of the stages' rates; plateaus, which are judged, are shaded."""
    asked: list[Point] = []
    for stage in stages:
        begin_s, length_s = stage.begins_s or 0.0, stage.duration_s or 0.0
        asked += [(begin_s, stage.from_per_s or 0.0), (begin_s + length_s, stage.to_per_s or 0.0)]
    points = [*asked, *(point for _, line in achieved for point in line)]
    chart = Chart(
        f"{name}: the load over time",
        "; ".join(f"{stage.stage} at {stage.to_per_s:,.0f} a second" for stage in stages if stage.judged) + ".",
        linear([at_s for at_s, _ in points]), linear([rate for _, rate in points]),
        "seconds since the start", "requests a second", right=room_for([ASKED, ACHIEVED] if achieved else ()),
    )  # fmt: skip
    for stage in stages:
        if stage.judged:
            begin_s = stage.begins_s or 0.0
            chart.shade(begin_s, begin_s + (stage.duration_s or 0.0), "")
    for kind, line in achieved:
        chart.line(line, kind, name=ACHIEVED)
    chart.line(asked, "arm-1", name=ASKED if achieved else "", dashed=bool(achieved))
    return chart


def _achieved(result: Result, material: Material) -> Iterator[tuple[str, list[Point]]]:
    for arm in result.arms:
        for course in material[arm.name].courses if arm.name in material else []:
            known = np.isfinite(course.rate_per_s)
            line = zip(course.at_s[known].tolist(), course.rate_per_s[known].tolist(), strict=True)
            yield kind_of(result, arm.name), list(line)
