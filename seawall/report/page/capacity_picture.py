"""The pictures of a search for capacity: how times rise with the load, and how capacity falls with the delays."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from seawall.report.page.chart import HEIGHT, WIDTH, Chart, room_for
from seawall.report.page.pictures import KINDS, kind_of, mark_of
from seawall.report.page.scales import linear, logarithmic
from seawall.report.page.sheet import sheet, write_sheet
from seawall.result import CapacityFinding, Result

CURVE = "capacity.svg"
PATHS = ("sync", "grouped", "kafka")
_ABOVE, _AROUND = 38, 10
_MARKS = ("circle", "square", "triangle")

_FACTORS: dict[str, tuple[str, str, Callable[[CapacityFinding], float]]] = {
    "database delay": ("break-even-database-delay.svg", "delay of a round trip to the database, ms",
                       lambda finding: finding.database_delay_ms),
    "flush delay": ("break-even-flush-delay.svg", "delay of a flush of the database, ms",
                    lambda finding: finding.flush_delay_ms),
    "burst": ("break-even-burst.svg", "length of the burst, s", lambda finding: finding.burst_s or 0.0),
}  # fmt: skip


def write_capacity_pictures(result: Result, directory: Path) -> None:
    """Write the curves, and a picture for each factor of which there are several levels; each appears when whole."""
    for name, heading, chart in capacity_charts(result):
        content = (
            f'<text class="heading" x="{_AROUND + 2}" y="26">{escape(heading)}</text>'
            f'<svg x="{_AROUND}" y="{_ABOVE}" width="{WIDTH}" height="{HEIGHT}">{chart.svg()}</svg>'
        )
        size = WIDTH + 2 * _AROUND, HEIGHT + _ABOVE + _AROUND
        write_sheet(sheet(*size, content, letters_px=11.5), directory / name)


def capacity_charts(result: Result) -> Iterator[tuple[str, str, Chart]]:
    """Yield each picture's file name, heading and chart."""
    steady = [one for one in result.capacity if one.burst_s is None and one.steps]
    as_it_is = [one for one in steady if not one.database_delay_ms and not one.flush_delay_ms]
    steady = as_it_is or steady[: len(PATHS)]  # more lines than that cannot be told apart
    if steady:
        yield CURVE, "How times rise with the load", _curves(result, steady)
    known = [one for one in result.capacity if one.confirmed]
    for factor, (name, label, key) in _FACTORS.items():
        mine = [one for one in known if (one.burst_s is not None) == (factor == "burst")]
        if len({key(one) for one in mine}) > 1:
            yield name, f"What each path carries, by {factor}", _by_factor(mine, label, key)


def _curves(result: Result, findings: list[CapacityFinding]) -> Chart:
    """Return the 95th percentile of the visible delay over the offered load; the time until a reader sees the row."""
    trials = {trial.name: trial for trial in result.trials}
    curves = {
        finding.arm: sorted(
            (step.load_per_s, shown, step.step)
            for step in finding.steps
            if step.step != "untold" and (shown := trials[step.trial].visible_ms.p95)
        )
        for finding in findings
    }
    told = "; ".join(
        f"{finding.arm} holds up to {finding.last_pass_per_s:,.0f} a second"
        if finding.last_pass_per_s
        else f"{finding.arm} holds no load"
        for finding in findings
    )
    points = [point for curve in curves.values() for point in curve]
    chart = Chart(
        "Time until a record is visible against the offered load", f"{told}.",
        linear([load for load, _, _ in points]), logarithmic([shown for _, shown, _ in points]),
        "writes offered, per second", "p95 until visible, ms", right=room_for(curves),
    )  # fmt: skip
    for finding in findings:
        kind, mark, curve = kind_of(result, finding.arm), mark_of(result, finding.arm), curves[finding.arm]
        held: dict[float, list[float]] = {}
        for load, shown, step in curve:
            if step == "held":
                held.setdefault(load, []).append(shown)
        chart.line([(load, statistics.median(times)) for load, times in held.items()], kind, name=finding.arm)
        for load, shown, step in curve:
            says = f"{finding.arm}, {load:,.0f}/s: {shown:,.0f} ms, {step}"
            chart.point(load, shown, kind, says, mark=mark, faint=step != "held")
    return chart


def _by_factor(findings: list[CapacityFinding], label: str, key: Callable[[CapacityFinding], float]) -> Chart:
    curves = {
        path: sorted((key(one), one.last_pass_per_s or 0.0) for one in findings if one.path == path) for path in PATHS
    }
    curves = {path: curve for path, curve in curves.items() if curve}
    told = "; ".join(
        f"{path}: " + ", ".join(f"{carried:,.0f} a second at {level:g}" for level, carried in curve)
        for path, curve in curves.items()
    )
    points = [point for curve in curves.values() for point in curve]
    chart = Chart(
        "Highest load that holds all targets", f"{told}.",
        linear([level for level, _ in points]), linear([carried for _, carried in points]),
        label, "writes per second", right=room_for(curves),
    )  # fmt: skip
    for path, curve in curves.items():
        place = PATHS.index(path)
        chart.line(curve, f"arm-{place % KINDS}", name=path)
        for level, carried in curve:
            chart.point(
                level, carried, f"arm-{place % KINDS}", f"{path} at {level:g}: {carried:,.0f}/s", mark=_MARKS[place]
            )
    return chart
