"""The course of one trial, a quarter of a second each: what clients saw before, in and after a stretch of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seawall.report.page.chart import Chart, room_for
from seawall.report.page.pictures import Picture
from seawall.report.page.scales import Linear, linear, logarithmic
from seawall.result import FaultMoment

_RESPONSE, _VISIBLE, _GOOD, _BAD, _LAG = "response", "visible", "accepted", "failed", "lag"


@dataclass(frozen=True)
class Stretch:
    """A part of a trial, and the trial's course around it, which is not empty."""

    name: str
    moments: Sequence[FaultMoment]
    begin_s: float | None
    end_s: float | None
    """None where it did not come about."""
    word: str
    """What it was, in the chart."""
    kind: str
    """The style class of the trial's arm."""

    @property
    def whole_s(self) -> float:
        """How long the course is."""
        return self.moments[-1].at_s + self.moments[0].at_s


def moment_pictures(stretch: Stretch, of_times: str, of_rates: str) -> Iterator[Picture]:
    """Yield two charts: times, and rates with the lag; *of_times* and *of_rates* stand beneath them."""
    yield Picture(f"{stretch.name}: times", _times(stretch).svg(), of_times)
    yield Picture(f"{stretch.name}: rates", _rates(stretch).svg(), of_rates)


def _times(stretch: Stretch) -> Chart:
    response = [(one.at_s, one.response_p95_ms) for one in stretch.moments if one.response_p95_ms]
    visible = [(one.at_s, one.visible_p95_ms) for one in stretch.moments if one.visible_p95_ms]
    chart = Chart(
        f"Times around {stretch.name}",
        "Solid is the p95 of the response time, dashed that of the visible delay, a quarter of a second each.",
        Linear(stretch.whole_s), logarithmic([figure for _, figure in response + visible] or [1.0]),
        "seconds since the schedule began", "p95, ms", right=room_for([_RESPONSE, _VISIBLE]),
    )  # fmt: skip
    _shade(chart, stretch)
    chart.line(visible, stretch.kind, dashed=True, name=_VISIBLE)
    chart.line(response, stretch.kind, name=_RESPONSE)
    return chart


def _rates(stretch: Stretch) -> Chart:
    rates = [(one.at_s, one.accepted_per_s, one.failed_per_s) for one in stretch.moments]
    lag = [(one.at_s, float(one.lag)) for one in stretch.moments]
    chart = Chart(
        f"Rates around {stretch.name}",
        "Solid is the rate of requests that succeeded, dashed of those that failed, thin the records not yet visible.",
        Linear(stretch.whole_s),
        linear([figure for _, *figures in rates for figure in figures] + [count for _, count in lag]),
        "seconds since the schedule began", "a second; lag in records", right=room_for([_GOOD, _BAD]),
    )  # fmt: skip
    _shade(chart, stretch)
    chart.line(lag, stretch.kind, thin=True, name=_LAG)
    chart.line([(at, bad) for at, _, bad in rates], stretch.kind, dashed=True, name=_BAD)
    chart.line([(at, good) for at, good, _ in rates], stretch.kind, name=_GOOD)
    return chart


def _shade(chart: Chart, stretch: Stretch) -> None:
    if stretch.begin_s is not None and stretch.end_s is not None:
        least = stretch.begin_s + stretch.whole_s / 200  # so that one of no length can be seen
        chart.shade(stretch.begin_s, max(stretch.end_s, least), stretch.word)
