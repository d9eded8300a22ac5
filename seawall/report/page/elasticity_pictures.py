"""The course of a run in which processes came and went: their number, the load, and what clients saw."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.elasticity_words import NAMES
from seawall.report.page.chart import Chart, room_for
from seawall.report.page.pictures import Picture, kind_of
from seawall.report.page.scales import Linear, linear, logarithmic
from seawall.result import ElasticityFinding, Result

_WANTED, _RUNNING, _OFFERED, _LAG, _RESPONSE, _VISIBLE = "wanted", "running", "offered", "lag", "response", "visible"
_SINCE = "seconds since the schedule began"


def elasticity_pictures(result: Result) -> Iterator[Picture]:
    """Yield three charts a finding: processes, load with the lag, and times."""
    for finding in result.elasticity:
        if finding.moments:
            kind = kind_of(result, finding.arm)
            yield _processes(finding, kind)
            yield _load(finding, kind)
            yield _times(finding, kind)


def _processes(finding: ElasticityFinding, kind: str) -> Picture:
    name = NAMES[finding.what]
    wanted = [(one.at_s, float(one.wanted)) for one in finding.moments]
    running = [(one.at_s, float(one.running)) for one in finding.moments]
    chart = Chart(
        f"{name} over time", "Solid is how many were wanted, dashed how many processes there were, a second each.",
        Linear(_end(finding)), linear([count for _, count in wanted + running]), _SINCE, name,
        right=room_for([_WANTED, _RUNNING]),
    )  # fmt: skip
    chart.line(running, kind, dashed=True, name=_RUNNING)
    chart.line(wanted, kind, name=_WANTED)
    return Picture(f"{name}: how many", chart.svg(), f"Decided by {finding.by}.")


def _load(finding: ElasticityFinding, kind: str) -> Picture:
    offered = [(one.at_s, one.offered_per_s) for one in finding.moments]
    lag = [(one.at_s, float(one.lag)) for one in finding.moments if one.lag is not None]
    chart = Chart(
        "Load and lag over time", "Solid is the offered rate, dashed the records that the sinks had not committed.",
        Linear(_end(finding)), linear([figure for _, figure in offered + lag]), _SINCE, "a second; lag in records",
        right=room_for([_OFFERED, _LAG]),
    )  # fmt: skip
    chart.line(lag, kind, dashed=True, name=_LAG)
    chart.line(offered, kind, name=_OFFERED)
    return Picture("Load and lag", chart.svg(), "The lag is what the brokers said when they were asked.")


def _times(finding: ElasticityFinding, kind: str) -> Picture:
    response = [(one.at_s, one.response_p95_ms) for one in finding.moments if one.response_p95_ms]
    visible = [(one.at_s, one.visible_p95_ms) for one in finding.moments if one.visible_p95_ms]
    chart = Chart(
        "Times over time", "Solid is the p95 of the response time, dashed that of the visible delay, a second each.",
        Linear(_end(finding)), logarithmic([figure for _, figure in response + visible] or [1.0]), _SINCE, "p95, ms",
        right=room_for([_RESPONSE, _VISIBLE]),
    )  # fmt: skip
    for step in finding.steps:
        chart.upright(step.at_s, str(step.after))
    chart.line(visible, kind, dashed=True, name=_VISIBLE)
    chart.line(response, kind, name=_RESPONSE)
    return Picture("Times around each step", chart.svg(), "An upright line is a step, with the number that it led to.")


def _end(finding: ElasticityFinding) -> float:
    return finding.moments[-1].at_s + finding.moments[0].at_s
