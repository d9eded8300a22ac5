"""What more of the scaled processes would carry."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.comparison_words import doubts_of
from seawall.result import Result

SCALED = {"api": "API processes", "sinks": "sinks", "partitions": "partitions", "workers": "Locust workers"}


def scaling_answer(result: Result) -> Answer:
    """Return what more of the scaled processes would carry, as the fitted law projects it."""
    finding = result.scaling[0]
    names = SCALED.get(finding.what, finding.what)
    question, doubts = f"What would more {names} carry?", list(doubts_of(result))
    if finding.gamma is None or finding.alpha is None or finding.beta is None:
        return Answer(question, "No law was fitted", f"{finding.reason or 'The run ended early'}.", doubts=doubts)
    most = max(point.count for point in finding.points if not point.invalid_because)
    there = next(step.per_s for step in finding.curve if step.count == most)
    sentence = (
        f"Projected to a core each, one carries {finding.gamma.value:,.0f} records a second and {most} carry"
        f" {there.value:,.0f} (95 % interval {there.low:,.0f} to {there.high:,.0f}): contention"
        f" {finding.alpha.value:.3g}, coherency {finding.beta.value:.2g}."
    )
    doubts.insert(0, "Projected and not measured: all ran on one machine, at a small load each.")
    if finding.reason:
        doubts.insert(0, f"{finding.reason[:1].upper()}{finding.reason[1:]}.")
    times = f"{most} carry {there.value / finding.gamma.value:.1f} times as much as one"
    return Answer(question, "It cannot be told" if finding.reason else times, sentence, doubts=doubts)
