"""What a path did with a burst, in words, and whether the trial tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seawall.experiments.burst_figures import BurstFigures
from seawall.experiments.fault_judgement import MOST_BAD_BEFORE
from seawall.result import BurstFinding, BurstStage, Outcome, Trial
from seawall.result.bursts import BEFORE, BURST
from seawall.targets.verdict import verdict_of_run

ONE_BURST = "One burst a path: how much bursts differ is not known."


def judged(stages: Sequence[BurstStage], figures: BurstFigures, trial: Trial) -> tuple[Outcome, list[str]]:
    """Return the outcome of one burst, and why.

    What was acknowledged and is lost, doubled or still pending is a FAIL. A burst that was shed or served late is not:
    that is the answer. INVALID where the instrument was late, or the path could not even serve the rate before it.
    """
    if trial.outcome is Outcome.FAIL:
        return Outcome.FAIL, list(trial.reasons)
    of_stages = [f"{stage.name}: {why}" for stage in stages for why in stage.invalid_because]
    untold = list(trial.invalid_because) or of_stages  # the whole may hide what one stage shows
    if trial.visible_by == "reader":
        untold.append("sinks of your own keep no journal, so nobody knows of each record when it was visible")
    if not untold:  # else that may be the instrument's lateness
        untold += _unsustained(stages, figures)
    if untold:
        return Outcome.INVALID, untold
    if trial.outcome is Outcome.INCONCLUSIVE:
        return Outcome.INCONCLUSIVE, list(trial.reasons)
    if figures.recover_s is None:
        return Outcome.INCONCLUSIVE, ["the run ended before all was as before: --after makes it longer"]
    return Outcome.PASS, []


def _unsustained(stages: Iterable[BurstStage], figures: BurstFigures) -> Iterator[str]:
    """Say where the rate before the burst was too much already, or nobody can tell."""
    for stage in stages:
        if stage.name != BEFORE:
            continue
        missed = [f"{row.name} ({row.reason})" for row in stage.targets if row.outcome is Outcome.FAIL]
        if missed:
            much = f"{stage.rate_per_s:g} a second were too much already before the burst, lower --rate"
            yield f"{much}: {'; '.join(missed)}"
            return
        if stage.outcome is not Outcome.PASS:
            why = "; ".join(row.reason for row in stage.targets if row.outcome is not Outcome.PASS)
            yield f"what was before the burst does not tell, --before makes it longer: {why}"
            return
    if figures.bad_before > MOST_BAD_BEFORE:
        yield f"{figures.bad_before:.0%} of the requests failed or were late already before the burst: lower --rate"


def answer_words(stages: Iterable[BurstStage], figures: BurstFigures) -> str:
    """Return what the path did with the burst: absorbed it, shed so much of it, or was late."""
    burst = next(stage for stage in stages if stage.name == BURST)
    missed = {row.metric for row in burst.targets if row.outcome is Outcome.FAIL}
    said = ["absorbed"] if burst.outcome is Outcome.PASS else []
    if burst.refused:
        said.append(f"shed: {burst.refused:,} of {burst.offered:,} refused with 503, {_how_quickly(figures)}")
    if any(metric.startswith("response_") for metric in missed):
        said.append(f"late: {burst.late:,} answered late, p95 {_ms(burst.response_ms.p95)}")
    # without the log a row is visible with its answer, and so as late
    if any(metric.startswith("visible_") for metric in missed) and burst.visible_ms != burst.response_ms:
        behind = "" if figures.all_visible_s is None else f", all of it {figures.all_visible_s:.1f} s after the burst"
        said.append(f"visible late: {burst.visible_late:,} rows, p95 {_ms(burst.visible_ms.p95)}{behind}")
    if burst.failed:
        said.append(f"{burst.failed:,} failed otherwise")
    if burst.unsent:
        said.append(f"{burst.unsent:,} not sent, as all users still waited")
    return "; ".join(said) or "not told"


def _how_quickly(figures: BurstFigures) -> str:
    return f"half of them within {_ms(figures.refused_p50_ms)}"


def _ms(value: float | None) -> str:
    return "beyond what was seen" if value is None else f"{value:,.0f} ms"


def outcome_of(findings: Sequence[BurstFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run((finding.outcome for finding in findings), whole=whole)


def reasons_of(findings: Sequence[BurstFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.arm}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_BURST] if findings else found
