"""Reviews judged by a slow model in pictures: how each arm came on, and what each paid for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.page.chart import Chart, room_for
from seawall.report.page.course_chart import Line, course_chart
from seawall.report.page.pictures import Picture, kind_of
from seawall.report.page.scales import Linear
from seawall.result import Result
from seawall.result.reviews import REVIEWS, ReviewsFinding


def is_reviews(result: Result) -> bool:
    """Tell whether *result* is one of reviews."""
    return result.experiment == REVIEWS


def reviews_pictures(result: Result) -> Iterator[Picture]:
    """Yield the course of all arms, and calls against delay."""
    lines = [
        Line(one.arm, kind_of(result, one.arm), [(0.0, 0.0), *((at.at_s, float(at.done)) for at in one.course)])
        for one in result.reviews
        if one.course
    ]
    if lines:
        tells = "A line an arm: how many reviews had their result by when."
        yield Picture(
            "Results over time",
            course_chart("Results over time", tells, lines, "reviews done", since="from the first review").svg(),
            "A line an arm, all on the same load. A level stretch waits for a deadline, or for the model.",
        )
    told = [one for one in result.reviews if one.delay_ms.p95 is not None and one.calls]
    if told:
        yield Picture(
            "What calls buy",
            _bought(result, told).svg(),
            "A mark an arm: to the left fewer calls are paid for, further down results come sooner.",
        )


def _bought(result: Result, told: Sequence[ReviewsFinding]) -> Chart:
    delays_s = {one.arm: (one.delay_ms.p95 or 0.0) / 1000 for one in told}
    most = max(one.calls for one in told)
    chart = Chart(
        "What calls buy",
        "A mark an arm: its calls to the model, and the p95 of the delay from review to result.",
        Linear(most * 1.1, wanted=min(most, 8)), Linear(max(delays_s.values()) * 1.15),
        "calls to the model", "p95 of the delay, s", right=room_for(delays_s),
    )  # fmt: skip
    for one in told:
        at, kind = (float(one.calls), delays_s[one.arm]), kind_of(result, one.arm)
        chart.line([at], kind, name=one.arm)
        chart.point(*at, kind, f"{one.arm}: {one.calls:,} calls, {delays_s[one.arm]:.3g} s")
    return chart
