"""The course of each trial with a fault: what clients saw before, meanwhile and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.page.chart import Chart, room_for
from seawall.report.page.pictures import Picture, kind_of
from seawall.report.page.scales import Linear, linear, logarithmic
from seawall.result import FaultFinding, Result

_RESPONSE, _VISIBLE, _GOOD, _BAD, _LAG = "response", "visible", "accepted", "failed", "lag"


def fault_pictures(result: Result) -> Iterator[Picture]:
    """Yield two charts a fault whose course is known: times, and rates with the lag."""
    for finding in result.faults:
        if finding.moments:
            kind = kind_of(result, finding.arm)
            yield _times(finding, kind)
            yield _rates(finding, kind)


def _times(finding: FaultFinding, kind: str) -> Picture:
    response = [(one.at_s, one.response_p95_ms) for one in finding.moments if one.response_p95_ms]
    visible = [(one.at_s, one.visible_p95_ms) for one in finding.moments if one.visible_p95_ms]
    chart = Chart(
        f"Times around {finding.name}",
        "Solid is the p95 of the response time, dashed that of the visible delay, a quarter of a second each.",
        Linear(_end(finding)), logarithmic([figure for _, figure in response + visible] or [1.0]),
        "seconds since the schedule began", "p95, ms", right=room_for([_RESPONSE, _VISIBLE]),
    )  # fmt: skip
    _shade(chart, finding)
    chart.line(visible, kind, dashed=True, name=_VISIBLE)
    chart.line(response, kind, name=_RESPONSE)
    return Picture(f"{finding.name}: times", chart.svg(), f"{finding.does[:1].upper()}{finding.does[1:]}.")


def _rates(finding: FaultFinding, kind: str) -> Picture:
    rates = [(one.at_s, one.accepted_per_s, one.failed_per_s) for one in finding.moments]
    lag = [(one.at_s, float(one.lag)) for one in finding.moments]
    chart = Chart(
        f"Rates around {finding.name}",
        "Solid is the rate of requests that succeeded, dashed of those that failed, thin the records not yet visible.",
        Linear(_end(finding)),
        linear([figure for _, *figures in rates for figure in figures] + [count for _, count in lag]),
        "seconds since the schedule began", "a second; lag in records", right=room_for([_GOOD, _BAD]),
    )  # fmt: skip
    _shade(chart, finding)
    chart.line(lag, kind, thin=True, name=_LAG)
    chart.line([(at, bad) for at, _, bad in rates], kind, dashed=True, name=_BAD)
    chart.line([(at, good) for at, good, _ in rates], kind, name=_GOOD)
    return Picture(f"{finding.name}: rates", chart.svg(), finding.bit or "Nothing shows that it had effect.")


def _shade(chart: Chart, finding: FaultFinding) -> None:
    if finding.begin_s is not None and finding.end_s is not None:
        least = finding.begin_s + _end(finding) / 200  # so that one of no length can be seen
        chart.shade(finding.begin_s, max(finding.end_s, least), "fault")


def _end(finding: FaultFinding) -> float:
    return finding.moments[-1].at_s + finding.moments[0].at_s
