"""Whether live figures were right and in time, and whether the trial tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.experiments.scenario_target import outcome_if, scenario_target
from seawall.result import JudgedTarget, Outcome, Trial
from seawall.result.live_analytics import LOG, AnalyticsFinding
from seawall.targets.verdict import verdict_of_run

LIMIT_MS = 1_000.0
"""A consumer's result may be so far behind, at the most."""
OTHERS = 0.1
"""Where other work takes more of the machine than that, a late result says nothing."""
ONE_TRIAL = "One trial each: how much runs differ is not known."


def judged(
    finding: AnalyticsFinding, trial: Trial, *, settled: bool, others_share: float = 0.0
) -> tuple[Outcome, list[str]]:
    """Return the outcome of one way to live figures, and why.

    What was lost or counted wrongly is a FAIL, and so is a consumer that was behind for longer than a second. Queries
    that were are not: that is the answer. Where other work took a share of the machine, lateness says nothing.
    """
    wrong = [*(trial.reasons if trial.outcome is Outcome.FAIL else ()), *_miscounted(finding, trial)]
    if wrong:
        return Outcome.FAIL, wrong
    if trial.outcome is not Outcome.PASS:
        return trial.outcome, list(trial.reasons)
    if not settled:
        return Outcome.FAIL, ["not every record was in a published result when the time was up"]
    most_ms = finding.behind_ms.max
    if finding.arm == LOG and (most_ms is None or most_ms > LIMIT_MS):
        if others_share > OTHERS:
            return Outcome.INVALID, [f"{_ms(most_ms)} behind while other work took {others_share:.0%} of the machine"]
        return Outcome.FAIL, [f"a result was {_ms(most_ms)} behind, at most {LIMIT_MS:,.0f} ms are allowed"]
    return Outcome.PASS, []


def targets_of(findings: Sequence[AnalyticsFinding]) -> Iterator[JudgedTarget]:
    """Yield what is claimed of the consumer's figures, each with its one trial's figure."""
    for finding in findings:
        if finding.arm != LOG or not finding.results:
            continue
        told = finding.outcome is not Outcome.INVALID
        most_ms = finding.behind_ms.max
        for name, metric, limit, measured, holds in (
            ("figures in time", "behind_max_ms", f"<= {LIMIT_MS:g} ms", most_ms, (most_ms or LIMIT_MS + 1) <= LIMIT_MS),
            ("figures equal to the table's", "differing_windows", "== 0", finding.differing, not finding.differing),
        ):
            outcome = outcome_if(holds) if told else Outcome.INVALID
            reason = "" if told else "; ".join(finding.reasons)
            yield scenario_target(name, metric, limit, finding.arm, measured, outcome, reason, scope="live figures")


def _miscounted(finding: AnalyticsFinding, trial: Trial) -> Iterator[str]:
    if finding.differing:
        yield f"{finding.differing:,} windows are not those of the table"
    if finding.arm != LOG:
        return
    if finding.counted + finding.too_late != trial.audit.stored:
        yield (
            f"{finding.counted:,} counted and {finding.too_late:,} too late are not the {trial.audit.stored:,} rows"
            " of the table"
        )
    if finding.repeated != trial.audit.log_duplicates:
        yield f"{finding.repeated:,} repeats were noticed, and {trial.audit.log_duplicates:,} lie in the log"


def _ms(value: float | None) -> str:
    return "for ever" if value is None else f"{value:,.0f} ms"


def outcome_of(findings: Sequence[AnalyticsFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    return verdict_of_run((finding.outcome for finding in findings), whole=whole)


def reasons_of(findings: Sequence[AnalyticsFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.arm}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_TRIAL] if findings else found
