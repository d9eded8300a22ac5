"""Steps of scaling in words and figures, for console and page alike."""

from __future__ import annotations

from seawall.report.table_styles import number
from seawall.result import ElasticityFinding, Outcome, Result

NAMES = {"sinks": "sinks", "api": "API processes"}


def step_row(finding: ElasticityFinding, place: int) -> tuple[str, ...]:
    """Return moment, numbers, times and the worst visible p95 until the next step, as texts."""
    step = finding.steps[place]
    end_s = finding.steps[place + 1].at_s if place + 1 < len(finding.steps) else float("inf")
    seen = [
        moment.visible_p95_ms
        for moment in finding.moments
        if step.at_s <= moment.at_s < end_s and moment.visible_p95_ms is not None
    ]
    return (
        number(step.at_s, 1),
        str(step.before),
        str(step.after),
        number(step.settle_s, 1),
        number(step.back_s, 0),
        number(max(seen, default=None), 0),
    )


def late_words(finding: ElasticityFinding) -> str:
    """Say how long steps took to be there, and times to be back."""
    settled = [step.settle_s for step in finding.steps if step.settle_s is not None]
    back = [step.back_s for step in finding.steps if step.asked and step.back_s is not None]
    there = f"a step was there after {min(settled):.1f} to {max(settled):.1f} s" if settled else "no step was there"
    return f"{there}, times were back after {max(back):.0f} s at most" if back else there


def elasticity_answer(result: Result) -> tuple[str, str, str, list[str]]:
    """Return question, word, sentence, and who decided."""
    finding = result.elasticity[0]
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "No", Outcome.INCONCLUSIVE: "It is not proven"}.get(
        result.outcome, "This run does not tell"
    )
    acknowledged = sum(trial.audit.acknowledged for trial in result.trials)
    sentence = (
        f"{finding.least} to {finding.most} {NAMES[finding.what]} in {len(finding.steps)} steps under load:"
        f" {late_words(finding)}. Of {acknowledged:,} acknowledged records {finding.lost:,} were lost, and"
        f" {finding.failed:,} requests failed."
    )
    return f"Can {NAMES[finding.what]} come and go under load?", word, sentence, [f"Decided by {finding.by}."]


def elasticity_doubts(result: Result) -> list[str]:
    """Return what speaks for caution, and what could not be read."""
    finding = result.elasticity[0]
    said = [f"{reason[:1].upper()}{reason[1:]}." for reason in (*finding.reasons, *result.reasons)]
    return [*said, *(f"Not known at {count} looks: {words}." for words, count in finding.unknown.items())]
