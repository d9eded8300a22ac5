"""The chart of a scale-out: points, the fitted law and its band, broken where nothing was measured."""

from __future__ import annotations

from seawall.report.page.chart import Chart
from seawall.report.page.scales import Linear, linear
from seawall.report.scaling_words import SCALED
from seawall.result import ScaleFinding

KIND = "arm-0"


def scaling_chart(finding: ScaleFinding) -> Chart | None:
    """Return the chart; None where no trial came to a figure."""
    points = [point for point in finding.points if point.projected_per_s is not None]
    if not points:
        return None
    curve, largest = finding.curve, max((point.count for point in points if not point.invalid_because), default=1)
    values = [point.projected_per_s or 0.0 for point in points] + [step.per_s.high for step in curve]
    chart = Chart(
        f"Projected throughput of {SCALED.get(finding.what, finding.what)}",
        "Each mark is a trial; the line is the fitted law with its 95 % band, broken beyond what was measured.",
        Linear(float(curve[-1].count if curve else max(point.count for point in points) + 1)), linear(values),
        f"{SCALED.get(finding.what, finding.what)}, at constant work each", "projected records/s at a core each",
    )  # fmt: skip
    if curve:
        chart.band([(step.count, step.per_s.low, step.per_s.high) for step in curve], KIND)
        told = [(float(step.count), step.per_s.value) for step in curve]
        chart.line([place for place in told if place[0] <= largest], KIND)
        chart.line([place for place in told if place[0] >= largest], KIND, dashed=True)
    for point in points:
        why = f" (not part of the law: {point.invalid_because[0]})" if point.invalid_because else ""
        says = f"{point.trial}: {point.cost_us or 0:,.0f} µs a record, {point.projected_per_s or 0:,.0f}/s{why}"
        chart.point(point.count, point.projected_per_s or 0.0, KIND, says, faint=bool(why))
    return chart
